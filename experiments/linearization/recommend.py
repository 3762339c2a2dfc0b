"""One alpha for each measure and form, chosen on the validation families and shown on the others."""

from typing import Any

import numpy as np

FORMS = ("taylor", "exact")


def recommend(families: dict[str, Any], *, alphas: tuple[float, ...]) -> dict[str, Any]:
    """Chooses the alpha at which a form names most parents on average over the validation families.

    Of alphas that are equally good the middle one is taken (of two middle ones the smaller): as far as can be from
    overshooting on one side and from gaining nothing on the other.

    Returns:
        For each form and measure the alpha, and the mean accuracy on both splits: direct, and at that alpha.
    """
    names = next(iter(families.values()))["accuracy"]["features"]
    return {form: {measure: _recommend(form, measure, families, alphas) for measure in names} for form in FORMS}


def _recommend(form: str, measure: str, families: dict[str, Any], alphas: tuple[float, ...]) -> dict[str, Any]:
    along, direct = {}, {}
    for split in ("validation", "test"):
        rows = [f["accuracy"]["features"][measure] for f in families.values() if f["split"] == split]
        along[split] = np.array([row[form] for row in rows])
        direct[split] = float(np.mean([row["direct"] for row in rows]))
    averages = along["validation"].mean(axis=0).round(6)
    good = np.flatnonzero(averages == averages.max())
    best = int(good[(len(good) - 1) // 2])
    shown = {
        split: {
            "direct": direct[split],
            "accuracy": float(along[split][:, best].mean()),
            "worst family": float(along[split][:, best].min()),
        }
        for split in along
    }
    return {"alpha": alphas[best], **shown}
