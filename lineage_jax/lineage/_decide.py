"""From scores to decisions: the best parent of each child, by how much, and how often that is right."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray


def decide(scores: "xarray.DataArray") -> "xarray.Dataset":
    """Names the parent of each child: the one of highest score.

    A candidate whose score is NaN has none: it is never named, stands last in the ranking, and `unscored` counts it.

    Args:
        scores: an array with a `parent` dimension; every other dimension is kept.

    Returns:
        `xarray.Dataset` over the other dimensions: `prediction` (name), `margin` (score of the best minus that of the
        runner-up, in units of the score; 0 is a tie, NaN where no other candidate has a score), `tied` (how many
        candidates have the best score: 1 unless the first of several was named), `unscored` (how many have none) and
        `ranking` (names along `rank`, best first).

    Raises:
        ValueError: If there is no candidate parent, or no candidate of a child has a score above minus infinity.

    Examples:
        >>> import xarray
        >>> scores = xarray.DataArray([[0.1], [0.7]], coords={"parent": ["a", "b"], "child": ["c"]})
        >>> decisions = decide(scores)
        >>> decisions.prediction.item(), round(decisions.margin.item(), 3), decisions.ranking.values[0].tolist()
        ('b', 0.6, ['b', 'a'])
    """
    import xarray

    if not scores.sizes.get("parent", 0):
        raise ValueError("expected scores of at least one candidate parent, got none")
    ordered = scores.transpose(..., "parent")
    order = np.argsort(-ordered.values, axis=-1, kind="stable")  # NaN comes last
    names = ordered["parent"].values[order]
    values = np.take_along_axis(ordered.values, order, -1)
    best = np.asarray(values[..., 0])
    _check_some_score(ordered.isel(parent=0, drop=True), best)
    tied = np.asarray((values == best[..., None]).sum(axis=-1))
    found = {
        "prediction": names[..., 0],
        "margin": _margin(values, tied),
        "tied": tied,
        "unscored": np.isnan(values).sum(axis=-1),
    }
    dims = ordered.dims[:-1]
    coords = {name: coord for name, coord in ordered.coords.items() if "parent" not in coord.dims}
    return xarray.Dataset(
        {name: (dims, value) for name, value in found.items()} | {"ranking": ((*dims, "rank"), names)},
        coords={**coords, "rank": np.arange(1, names.shape[-1] + 1)},
    )


def _margin(values: np.ndarray, tied: np.ndarray) -> np.ndarray:
    """Returns the best minus the second of values in falling order; two infinite ones are a tie as well."""
    if values.shape[-1] == 1:
        return np.full(tied.shape, np.nan)
    return np.where(tied > 1, 0.0, values[..., 0] - np.where(tied > 1, 0.0, values[..., 1]))


def _check_some_score(one: "xarray.DataArray", best: np.ndarray) -> None:
    missing = np.argwhere(~(best > -np.inf))
    if len(missing):
        at = {dim: one[dim].values[place] for dim, place in zip(one.dims, missing[0], strict=True) if dim in one.coords}
        where = f" at {', '.join(f'{dim} {place}' for dim, place in at.items())}" if at else ""
        raise ValueError(
            f"all scores{where} are NaN or -inf, so no parent can be named; check weights, features and alpha"
        )


def accuracy(decisions: "xarray.Dataset", truth: Mapping[str, str]) -> "xarray.DataArray":
    """Returns the fraction of children whose parent is named rightly.

    Where candidates are tied for the best score the order in which they came must not decide. A child whose parent is
    one of k that are tied counts 1 / k, what drawing one of them gets on average; if all scores are equal, chance.

    Args:
        decisions: what `decide` returned, with a `child` dimension.
        truth: parent name by child name.

    Raises:
        ValueError: If the truth of a child is not known.

    References:
        McSherry and Najork, "Computing information retrieval performance measures efficiently in the presence of tied
        scores", ECIR 2008: the average over all orders of what is tied.

    Examples:
        >>> import xarray
        >>> scores = xarray.DataArray([[0.1, 0.9], [0.7, 0.2]], coords={"parent": ["a", "b"], "child": ["c", "e"]})
        >>> accuracy(decide(scores), {"c": "b", "e": "b"}).item()
        0.5
    """
    import xarray

    children = decisions["child"].values.tolist()
    unknown = [child for child in children if child not in truth]
    if unknown:
        raise ValueError(f"no true parent is known for child '{unknown[0]}'; add it to the truth")
    target = xarray.DataArray([truth[child] for child in children], dims="child", coords={"child": children})
    among = ((decisions["ranking"] == target) & (decisions["rank"] <= decisions["tied"])).any("rank")
    return (among / decisions["tied"]).mean("child").rename("accuracy")
