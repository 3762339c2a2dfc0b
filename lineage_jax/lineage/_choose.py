"""Choosing a setting: the layer, measure, form and strength that name most parents of children whose parents are known.

Choose on some children and count on others: the best of many settings is better on those that chose it than anywhere.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lineage_jax.lineage._decide import accuracy, decide

if TYPE_CHECKING:
    import xarray


def choose(scores: "xarray.DataArray", truth: Mapping[str, str], children: Sequence[str]) -> dict[Hashable, Any]:
    """Returns the setting of highest accuracy on some children, such as those that are kept for validation.

    Of settings that are equally good the first is taken, in the order of the scores' own axes, the last of them
    varying fastest: put first what should be preferred.

    Args:
        scores: an array with dimensions `parent` and `child`; every other one is part of the setting.
        truth: parent name by child name.
        children: names of the children that choose.

    Returns:
        The label of the setting along each of the other dimensions: `scores.sel(choose(...))` are its scores.

    Raises:
        ValueError: If no child is named, one has no scores or no known parent, or no candidate of one has a score above
            minus infinity at some setting.

    Examples:
        >>> import xarray
        >>> coords = {"alpha": [0.0, 0.1, 0.3], "parent": ["a", "b"], "child": ["c", "e"]}
        >>> scores = xarray.DataArray(np.zeros((3, 2, 2)), coords=coords)
        >>> scores.loc[{"alpha": [0.1, 0.3], "parent": "b", "child": "c"}] = 1
        >>> choose(scores, {"c": "b", "e": "a"}, ["c", "e"])
        {'alpha': 0.1}
    """
    if not len(children):
        raise ValueError("expected at least one child to choose a setting on, got none")
    unknown = [child for child in children if child not in scores["child"].values]
    if unknown:
        raise ValueError(f"expected scores of every child to choose on, got none of '{unknown[0]}'")
    right = accuracy(decide(scores.sel(child=list(children))), truth)
    place = np.unravel_index(int(right.values.argmax()), right.shape)
    return {dim: right[dim][index].item() for dim, index in zip(right.dims, place, strict=True)}
