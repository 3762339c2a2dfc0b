"""One alpha for each measure, chosen on the validation families and shown on the others."""

from typing import Any

import numpy as np

from lineage_jax import lineage


def recommend(families: dict[str, Any], *, alphas: tuple[float, ...]) -> dict[str, Any]:
    """Chooses the alpha whose Taylor form names most parents on average over the validation families.

    Of alphas that are equally good there the one with the best worst family counts, then the smallest: too large an
    alpha overshoots, too small a one only gains less.

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
    averages, worst = taylor["validation"].mean(axis=0).round(6), taylor["validation"].min(axis=0)
    best = max(range(len(alphas)), key=lambda index: (averages[index], worst[index], -index))
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
