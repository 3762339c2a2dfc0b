"""One alpha for each measure, chosen on the validation families and shown on the others."""

from typing import Any

import numpy as np

from lineage_jax import lineage


def recommend(families: dict[str, Any], *, alphas: tuple[float, ...]) -> dict[str, Any]:
    """Chooses the alpha at which the Taylor form names most parents on average over the validation families.

    Of alphas that are equally good the middle one is taken (of two middle ones the smaller): as far as can be from
    overshooting on one side and from gaining nothing on the other.

    Returns:
        For each measure the alpha, and the mean accuracy on both splits: direct, at that alpha, and at the alpha that
        the library recommends today (None where it recommends none).
    """
    names = next(iter(families.values()))["accuracy"]["features"]
    return {measure: _recommend(measure, families, alphas) for measure in names}


def _recommend(measure: str, families: dict[str, Any], alphas: tuple[float, ...]) -> dict[str, Any]:
    taylor, direct = {}, {}
    for split in ("validation", "test"):
        rows = [f["accuracy"]["features"][measure] for f in families.values() if f["split"] == split]
        taylor[split] = np.array([row["taylor"] for row in rows])
        direct[split] = float(np.mean([row["direct"] for row in rows]))
    averages = taylor["validation"].mean(axis=0).round(6)
    good = np.flatnonzero(averages == averages.max())
    best = int(good[(len(good) - 1) // 2])
    today = lineage.RECOMMENDED_ALPHA.get(measure)
    place = alphas.index(today) if today in alphas else None
    shown = {
        split: {
            "direct": direct[split],
            "taylor": float(taylor[split][:, best].mean()),
            "worst family": float(taylor[split][:, best].min()),
            "today": None if place is None else float(taylor[split][:, place].mean()),
        }
        for split in taylor
    }
    return {"alpha": alphas[best], "today": today, **shown}
