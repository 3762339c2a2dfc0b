"""One alpha for each measure and form, chosen on the validation families and shown on the others."""

from typing import Any

import numpy as np

from experiments.linearization.parents import INDEPENDENT
from lineage_jax import lineage

FORMS = ("taylor", "exact")
SPLITS = ("validation", "test")
GROUPS = ("independent", "near")
"""Families by their candidates: of independent seeds, or near each other in any way."""

UPPER = {"taylor": lineage.TAYLOR_LIMIT, "exact": dict.fromkeys(lineage.TAYLOR_LIMIT, 1.0)}
"""By form and measure the alpha at which near candidates tie: none that large is recommended, whatever the average."""


def recommend(families: dict[str, Any], *, alphas: tuple[float, ...]) -> dict[str, Any]:
    """Chooses the alpha at which a form names as many parents as can be on average over the validation families.

    Only alphas below the limit of the measure and form may be chosen, for beyond it the order of near candidates is
    turned round. Of those whose average is below the best one by no more than a standard error of the difference, over
    families, the smallest is taken: it trusts the tangent least and is furthest from overshooting.

    Returns:
        For each form and measure the alpha, and by split and group what is named, direct and at that alpha.
    """
    names = next(iter(families.values()))["accuracy"]["features"]
    return {form: {measure: _recommend(form, measure, families, alphas) for measure in names} for form in FORMS}


def of_group(families: dict[str, Any], group: str, **settings: str) -> list[dict[str, Any]]:
    """Returns the families of a group, with these settings."""
    near = {"independent": False, "near": True}[group]
    chosen = (f for f in families.values() if (f["candidates"] != INDEPENDENT) == near)
    return [family for family in chosen if all(family[key] == value for key, value in settings.items())]


def along(families: list[dict[str, Any]], measure: str, form: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the shares named directly `[family]` and by a form `[family, alpha]`."""
    rows = [family["accuracy"]["features"][measure] for family in families]
    return np.array([row["direct"] for row in rows]), np.array([row[form] for row in rows])


def fewer(direct: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Counts the families in which fewer parents are named than directly, for each alpha."""
    return (shares < direct[:, None] - 1e-6).sum(axis=0)  # the same count divided in another order


def _recommend(form: str, measure: str, families: dict[str, Any], alphas: tuple[float, ...]) -> dict[str, Any]:
    chosen_on = [family for group in GROUPS for family in of_group(families, group, split="validation")]
    allowed = np.array(alphas) < UPPER[form][measure]
    best = smallest_as_good(along(chosen_on, measure, form)[1][:, allowed])
    place = int(np.flatnonzero(allowed)[best])
    shown = {
        split: {
            group: _shown(found, measure, form, place)
            for group in GROUPS
            if (found := of_group(families, group, split=split))
        }
        for split in SPLITS
    }
    return {"alpha": alphas[place], **shown}


def smallest_as_good(shares: np.ndarray) -> int:
    """Returns the first alpha `[family, alpha]` not worse than the best by more than a standard error.

    References:
        Breiman, Friedman, Olshen and Stone, "Classification and Regression Trees", 1984, section 3.4.3: the
        one-standard-error rule.
    """
    shortfall = shares[:, [shares.mean(axis=0).argmax()]] - shares
    error = shortfall.std(axis=0) / max(len(shares) - 1, 1) ** 0.5
    return int(np.argmax(shortfall.mean(axis=0) <= error + 1e-9))  # equal shares, summed in another order


def _shown(families: list[dict[str, Any]], measure: str, form: str, place: int) -> dict[str, Any]:
    direct, shares = along(families, measure, form)
    return {
        "families": len(families),
        "direct": float(direct.mean()),
        "accuracy": float(shares[:, place].mean()),
        "worst family": float(shares[:, place].min()),
        "families with fewer than direct": int(fewer(direct, shares)[place]),
    }
