"""From scores to decisions: the best parent of each child, by how much, and how often that is right."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray


def decide(scores: "xarray.DataArray") -> "xarray.Dataset":
    """Names the parent of each child: the one of highest score.

    Args:
        scores: an array with a `parent` dimension; every other dimension is kept. NaN never wins.

    Returns:
        `xarray.Dataset` over the other dimensions: `prediction` (name), `margin` (score of the best minus that of the
        runner-up, in units of the score; 0 is a tie, decided for the parent that comes first) and `ranking` (names
        along `rank`, best first).

    Raises:
        ValueError: If there are fewer than two candidate parents, or all scores of a child are NaN.

    Examples:
        >>> import xarray
        >>> scores = xarray.DataArray([[0.1], [0.7]], coords={"parent": ["a", "b"], "child": ["c"]})
        >>> decisions = decide(scores)
        >>> decisions.prediction.item(), round(decisions.margin.item(), 3), decisions.ranking.values[0].tolist()
        ('b', 0.6, ['b', 'a'])
    """
    import xarray

    if scores.sizes.get("parent", 0) < 2:
        raise ValueError(f"expected at least two candidate parents, got {scores.sizes.get('parent', 0)}")
    ordered = scores.transpose(..., "parent")
    values = np.where(np.isnan(ordered.values), -np.inf, ordered.values)
    if np.isneginf(values).all(axis=-1).any():
        raise ValueError("all scores of a child are NaN or -inf, so no parent can be named; check features and alpha")
    order = np.argsort(-values, axis=-1, kind="stable")
    best, second = (np.take_along_axis(values, order[..., rank, None], -1)[..., 0] for rank in (0, 1))
    names = ordered["parent"].values[order]
    dims = ordered.dims[:-1]
    coords = {name: coord for name, coord in ordered.coords.items() if "parent" not in coord.dims}
    return xarray.Dataset(
        {"prediction": (dims, names[..., 0]), "margin": (dims, best - second), "ranking": ((*dims, "rank"), names)},
        coords={**coords, "rank": np.arange(1, names.shape[-1] + 1)},
    )


def accuracy(decisions: "xarray.Dataset", truth: Mapping[str, str]) -> "xarray.DataArray":
    """Returns the fraction of children whose parent is named rightly.

    Args:
        decisions: what `decide` returned, with a `child` dimension.
        truth: parent name by child name.

    Raises:
        ValueError: If the truth of a child is not known.

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
    return (decisions["prediction"] == target).mean("child").rename("accuracy")
