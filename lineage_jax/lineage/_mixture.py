r"""Does a child descend from more than one candidate? How much of its kernels several explain together.

A merge of two networks resembles both, and so does an epoch of a run its neighbours: cosines do not tell these apart.
The least squares of the child's kernels on those of all candidates at once, $\min_w \|c - \sum_i w_i p_i\|$, do: a
merge, a sum of task vectors or an average of checkpoints leaves (nearly) nothing, while a network that was trained has
gone where no combination of others is. All kernels are taken without their mean over output units, those that a
candidate lacks as zeros.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lineage_jax import linearize
from lineage_jax.leaves import Weights, weights_of
from lineage_jax.lineage._centred import take_mean
from lineage_jax.lineage._correspondence import correspond, decisive_among
from lineage_jax.pairs import check_finite
from lineage_jax.typing import Params

if TYPE_CHECKING:
    import xarray

MERGED = 0.3
"""Largest part of the best single candidate's residual that a mixture leaves which is worth the name."""

AT_A_TIME = 2**20
"""Values of a kernel that are taken of every network in one go, in float64."""

RELATIVE_RANK = 1e-10
"""Squares, of the largest, below which a direction of the candidates' Gram matrix is one of a copy: rounding."""


def mixture(parents: Mapping[str, Params], child: Params, *, held: Sequence[str] = linearize.HELD) -> "xarray.Dataset":
    r"""Explains a child's kernels by those of several candidates together.

    One pass over the weights, a piece of a kernel at a time, for a Gram matrix of candidates and child; give it the
    related candidates alone, since a stranger's weight is noise around 0. How to read it: where `residual <= MERGED *
    residual_alone`, the child is (nearly) a combination of the candidates with a weight far from 0, a negative one was
    subtracted; anywhere else the weights of several mean nothing and the best candidate alone is the answer. Copies
    share a weight equally. Weights are those of the kernels' direction and size, so an average of two has 0.5 and 0.5;
    further training moves weights long before it moves the ranking.

    Args:
        parents: candidates, `{name: variables}`.
        child: variables of the child.
        held: path prefixes that are left out; by default the batch statistics.

    Returns:
        `xarray.Dataset` over parent: `weight` in the combination that explains most, and `alone`, the share of the
        child's norm that this candidate by itself, times the best factor, does not explain (0 to 1). Its attributes:
        `residual_alone`, the least of these, and `residual`, what all candidates together leave.

    Raises:
        ValueError: If there is no parent, the child has no weights that speak, or a weight is NaN or infinite.
        TypeError: If `held` is a string.

    Examples:
        >>> a, b = ({"fc": {"kernel": np.random.default_rng(seed).normal(size=(8, 8))}} for seed in (0, 1))
        >>> merged = {"fc": {"kernel": 0.7 * a["fc"]["kernel"] - 0.3 * b["fc"]["kernel"]}}
        >>> found = mixture({"a": a, "b": b}, merged)
        >>> found.weight.values.round(3).tolist(), found.attrs["residual"] < 1e-6 < found.attrs["residual_alone"]
        ([0.7, -0.3], True)
    """
    import xarray

    linearize.check_held(held)
    if not parents:
        raise ValueError("expected at least one parent, got none")
    own = weights_of(child, held)
    gram = _gram(parents, own, held) if own else np.zeros((len(parents) + 1,) * 2)
    squares, of_child, products = np.diag(gram)[:-1], gram[-1, -1], gram[-1, :-1]
    if not of_child > 0:
        raise ValueError("expected a child with kernels of several outputs, got none: nothing can be explained")
    explained = np.divide(products**2, squares, out=np.zeros_like(products), where=squares > 0)
    alone = np.sqrt(np.clip(1 - explained / of_child, 0, 1))
    weight = np.linalg.pinv(gram[:-1, :-1], rcond=RELATIVE_RANK, hermitian=True) @ products
    off = np.append(-weight, 1.0)
    residual = float(np.sqrt(max(off @ gram @ off, 0) / of_child))
    return xarray.Dataset(
        {"weight": ("parent", weight), "alone": ("parent", alone)},
        coords={"parent": list(parents)},
        attrs={"residual_alone": float(alone.min()), "residual": residual},
    )


def _gram(parents: Mapping[str, Params], own: Weights, held: Sequence[str]) -> np.ndarray:
    """Returns products of all candidates and, last, the child, over the child's kernels without their means."""
    check_finite(own, "the child")
    found = []
    for name, parent in parents.items():
        theirs = weights_of(parent, held)
        check_finite(theirs, f"parent '{name}'")
        found.append(correspond(theirs, own).leaves)
    gram = np.zeros((len(found) + 1, len(found) + 1))
    for path in decisive_among(own):
        for part in _parts(own[path].shape):
            rows = np.zeros((len(found) + 1, *own[path][part].shape))
            for row, leaves in zip(rows, [*found, own], strict=True):
                if path in leaves:
                    row[...] = leaves[path][part]
            take_mean(rows)
            flat = rows.reshape(len(rows), -1)
            gram += flat @ flat.T
    return gram


def _parts(shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Yields where to cut a kernel of which all networks hold one: along the longest axis before the output units."""
    inputs = shape[:-1]
    if not inputs:
        yield ()
        return
    axis = max(range(len(inputs)), key=inputs.__getitem__)
    step = max(1, AT_A_TIME * shape[axis] // math.prod(shape))
    for start in range(0, shape[axis], step):
        yield (*(slice(None),) * axis, slice(start, start + step))
