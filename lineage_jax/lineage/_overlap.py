r"""Weights of networks that share only a part: every score refers to the whole child, so that candidates compare.

A parent that shares less must not win by being compared on less. What it lacks therefore counts as zeros: with $c$ all
of the child's weights and $p$ those of the parent where they share a leaf, zero elsewhere,

| score | definition | range |
|---|---|---|
| `kernel_cosine` | $\langle c, p \rangle / (\|c\| \|p\|)$ over kernels | -1 to 1 |
| `centred_kernel_cosine` | the same, each kernel less its mean over output units | -1 to 1 |
| `overlap_cosine` | the same over all weights | -1 to 1 |
| `overlap_distance` | $-\|c - p\| / \|c\|$ over all weights | up to 0 |
| `overlap_information` | bits that the parent saves of each of the child's weights (`leaves.information`) | from 0 |

`weight_cosine`, `weight_l2` and `weight_information` of `weight_scores` are other numbers: of what all networks share,
and of that alone.

`centred_kernel_cosine` decides who is related, `overlap_information` which relative is nearest. Scales of
normalisations lie around 1 in every network and biases have a mean, so unrelated networks reach cosines of 0.1 to 0.3
over all weights.
Kernels have a mean too: what all units of a layer read alike (the mean image at a first layer, the mean activation
further up) is learned by strangers as well, and stays when rows are shuffled at random. The mean over output units is
that part, and it is taken off. A kernel of a single output unit is nothing but its mean, so it says nothing here and is
not counted as compared. Training changes the norm of the weights, which ruins distances over a long run (a child's
unrelated candidates come before its own first epoch). The measurements: `experiments/unrelated` and
`tests/test_real_files.py`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lineage_jax import linearize
from lineage_jax.leaves import Weights, information, mean_information, weights_of
from lineage_jax.lineage._accurate_cosine import accurate_cosine
from lineage_jax.lineage._centred import CENTRED, cosine, ratio
from lineage_jax.lineage._chance import variance_by_chance
from lineage_jax.lineage._correspondence import correspond, decisive_among
from lineage_jax.pairs import check_finite
from lineage_jax.typing import Params

if TYPE_CHECKING:
    import xarray

Row: TypeAlias = dict[str, float | int | str]

CHANCE = 4
"""Standard deviations `chance` below which a cosine is as good as chance, however large it is.

Strangers go beyond 4 in 3 of 100,000 cases if their units are in no order; where all units favour the same directions,
networks of many weights do too, at cosines far below `UNRELATED`. Relatives exceed both (`experiments/unrelated`).
"""

LEAST_COMPARED = 0.1
"""Share of the child's weights below which a comparison says nothing, neither kinship nor its absence.

What a parent lacks counts as zeros, so kernels of a tenth of the child bound the cosine by about 0.3, and a parent
whose kernels there have a cosine of 0.25 to the child's would already fall below `UNRELATED`. Backbones are far above
it (59, 69 and 73 % of DeepLabV3, RetinaNet and FCOS with ResNet-50), a head of 1,000 classes alone below it (8 % of
ResNet-50).
"""

OVERLAP_SCORES = ("centred_kernel_cosine", "kernel_cosine", "overlap_cosine", "overlap_distance", "overlap_information")
"""What `overlap` scores; the first one decides who is related, the last one who of these is nearest."""

SHARES = ("chance", "compared", "tensors", "parameters", "identical", "turned", "parent_module", "child_module")
"""What `overlap` says of how much is shared."""


def overlap(parents: Mapping[str, Params], child: Params, *, held: Sequence[str] = linearize.HELD) -> "xarray.Dataset":
    r"""Compares a child's weights with those of candidates that may share only a part of them.

    Weights correspond where path and shape are equal, up to the modules that `counterparts` finds; of several that
    share equally much those are taken whose kernels are most alike. Sums are float64, on the host. What is no weight
    takes no part: batch statistics, buffers, an optimiser's state.

    Args:
        parents: candidate parents, `{name: variables}`, of any architectures.
        child: variables of the child.
        held: path prefixes that are left out; by default the batch statistics.

    Returns:
        `xarray.Dataset` over parent: `centred_kernel_cosine`, `kernel_cosine`, `overlap_cosine`, `overlap_distance` and
        `overlap_information` (higher is more alike; of a parent that shares nothing the distance is -1, all others 0);
        `chance`, the standard deviation of the first of these if the parent's output units were numbered at random;
        `compared`, the share (0 to 1) of the child's weights that speak in the first of these and were compared: those
        of its kernels of several outputs, or all where it has no kernel; `tensors` and `parameters` that are shared;
        `identical`, how many of these tensors are equal bit for bit, apart from constant ones (zeros and ones are how
        strangers begin, too); `turned`, how many kernels were brought to the child's layout (transposed, flipped),
        which is done only where it makes them nearly equal; `parent_module` and `child_module` that correspond. Its
        attributes `tensors` and `parameters` are how many the child has.

    Raises:
        ValueError: If there is no parent, the child has no weights, or a weight is NaN or infinite.
        TypeError: If `held` is a string.

    Examples:
        >>> child = {"fc": {"kernel": np.eye(2), "bias": np.ones(2)}}
        >>> found = overlap({"a": {"fc": {"kernel": np.eye(2) + 1}}, "b": {"fc": {"bias": np.ones(2)}}}, child)
        >>> found.centred_kernel_cosine.values.round(2).tolist(), found.kernel_cosine.values.round(2).tolist()
        ([1.0, 0.0], [0.89, 0.0])
        >>> found.compared.values.tolist(), found.tensors.values.tolist(), found["identical"].values.tolist()
        ([1.0, 0.0], [1, 1], [0, 0])
    """
    import xarray

    linearize.check_held(held)
    if not parents:
        raise ValueError("expected at least one parent, got none")
    leaves = weights_of(child, held)
    if not leaves:
        raise ValueError("expected a child with weights, got one without: nothing can be compared")
    check_finite(leaves, "the child")
    rows = []
    for name, parent in parents.items():
        theirs = weights_of(parent, held)
        check_finite(theirs, f"parent '{name}'")
        rows.append(_compare(theirs, leaves))
    return xarray.Dataset(
        {name: ("parent", [row[name] for row in rows]) for name in (*OVERLAP_SCORES, *SHARES)},
        coords={"parent": list(parents)},
        attrs={"tensors": len(leaves), "parameters": sum(leaf.size for leaf in leaves.values())},
    )


def _compare(parent: Weights, child: Weights) -> Row:
    found = correspond(parent, child)
    sums, decisive = found.sums, decisive_among(child)
    squared, *total = np.sum(list(sums.values()), axis=0)[: CENTRED.start]
    kernels = np.sum([sums[path] for path in decisive], axis=0)
    speaking = {path for path in decisive if sums[path][-1] > 0}
    bits, count = np.transpose([information(found.leaves.get(path), leaf) for path, leaf in child.items()])
    by_chance = sum(variance_by_chance(found.leaves[path], child[path]) for path in speaking & found.leaves.keys())

    def size_of(paths: Collection[str]) -> int:
        return sum(child[path].size for path in paths)

    return {
        "centred_kernel_cosine": cosine(kernels[CENTRED]),
        "kernel_cosine": cosine(kernels[1 : CENTRED.start]),
        "overlap_cosine": float(accurate_cosine(*map(np.asarray, (squared, *total)))),
        "overlap_distance": 0.0 - ratio(np.sqrt(squared), np.sqrt(total[-1])),
        "overlap_information": mean_information(bits, count).item(),
        "chance": ratio(np.sqrt(by_chance), np.sqrt(kernels[CENTRED][1] * kernels[CENTRED][2])),
        "compared": ratio(size_of(speaking & found.leaves.keys()), size_of(speaking)),
        "tensors": len(found.leaves),
        "parameters": size_of(found.leaves),
        "identical": sum(sums[path][0] == 0 and _varies(child[path]) for path in found.leaves),
        "turned": len(found.turned),
        "parent_module": found.parent_module,
        "child_module": found.child_module,
    }


def _varies(leaf: np.ndarray) -> bool:
    return bool(leaf.min() < leaf.max())
