"""Which weights of a parent stand against those of a child, each in the child's layout."""

import dataclasses

import numpy as np

from lineage_jax.leaves import Counterparts, Weights, all_counterparts, kernels_among
from lineage_jax.lineage._centred import CENTRED, cosine, leaf_sums
from lineage_jax.lineage._layout import laid_out_as


@dataclasses.dataclass(frozen=True, kw_only=True)
class Correspondence:
    """What a parent has of a child's weights.

    Attributes:
        leaves: by path in the child the parent's array, of the shape and in the layout of the child's.
        turned: paths of kernels that were brought to the child's layout.
        sums: by path in the child the sums of `leaf_sums`, for all of the child's leaves.
        parent_module: the module of the parent that is compared, "" for all of it.
        child_module: the module of the child that it corresponds to.
        among: how many pairs of modules could be meant, of which the most alike was taken.
    """

    leaves: Weights
    turned: frozenset[str]
    sums: dict[str, np.ndarray]
    parent_module: str
    child_module: str
    among: int


def correspond(parent: Weights, child: Weights) -> Correspondence:
    """Lines a parent's weights up with a child's.

    Where several pairs of modules share (nearly) equally much, names do not tell which is meant (student and teacher,
    online and target, copies of a moving average): the pair of the highest centred kernel cosine is taken, the
    outermost of equals. The others cost a pass each.

    Args:
        parent: weights by path, as `leaves.weights_of` returns them.
        child: the same.

    Examples:
        >>> kernel = np.random.default_rng(0).normal(size=(4, 4))
        >>> found = correspond({"fc/kernel": kernel}, {"net/fc/kernel": kernel + 1, "net/fc/bias": np.zeros(4)})
        >>> list(found.leaves), found.child_module
        (['net/fc/kernel'], 'net')
    """
    found = all_counterparts(*(_shapes(network) for network in (parent, child)))
    decisive = decisive_among(child)
    lined_up = [_line_up(each, parent, child, len(found)) for each in found]
    return max(lined_up, key=lambda each: cosine(np.sum([each.sums[path] for path in decisive], axis=0)[CENTRED]))


def decisive_among(child: Weights) -> frozenset[str]:
    """Returns the paths of the leaves whose cosine decides: kernels, or all leaves where there is none."""
    return kernels_among(child) or frozenset(child)


def _shapes(weights: Weights) -> dict[str, tuple[int, ...]]:
    """Returns shapes, those of kernels whatever the order of their axes."""
    kernels = kernels_among(weights)
    return {path: tuple(sorted(leaf.shape)) if path in kernels else leaf.shape for path, leaf in weights.items()}


def _line_up(found: Counterparts, parent: Weights, child: Weights, among: int) -> Correspondence:
    kernels = kernels_among(child)
    leaves, turned, sums = {}, set(), {}
    for path, leaf in child.items():
        theirs = parent[found.pairs[path]] if path in found.pairs else None
        if theirs is not None and path in kernels:
            lined_up, sums[path] = laid_out_as(leaf, theirs)
        else:
            lined_up = theirs if theirs is not None and theirs.shape == leaf.shape else None
            sums[path] = leaf_sums(lined_up, leaf)
        if lined_up is not None:
            leaves[path] = lined_up
            if lined_up is not theirs:
                turned.add(path)
    return Correspondence(
        leaves=leaves,
        turned=frozenset(turned),
        sums=sums,
        parent_module=found.parent_module if leaves else "",
        child_module=found.child_module if leaves else "",
        among=among,
    )
