"""Factors of a network that are nobody's choice: units scaled until their numbers are as large as wanted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.linalg import LinearOperator, cg

from lineage_jax.symmetry._axes import Axis
from lineage_jax.symmetry._element import along
from lineage_jax.symmetry._groups import Groups
from lineage_jax.symmetry._slices import slices

SMALLEST_STEP = 1e-6
"""Float32 does not know smaller changes of a norm."""
PRECISION = 1e-2
"""Share of the equations' right side that may be left in a turn; from turn to turn they change by more."""


@dataclass(frozen=True, kw_only=True)
class Squares:
    """Squares of a leaf's numbers, added up along all axes that no factor acts on.

    Attributes:
        axes: of the leaf on which factors act.
        table: of the leaf's rank.
        shape: of the leaf.
    """

    axes: tuple[Axis, ...]
    table: np.ndarray
    shape: tuple[int, ...]


def squares_of(leaves: Mapping[str, np.ndarray], groups: Groups) -> list[Squares]:
    """Returns squares of those leaves that factors act on, in float32."""
    scaled = np.zeros(groups.slots, bool)
    scaled[groups.sizes.slots] = True
    axes: dict[str, list[Axis]] = {}
    for axis in groups.axes:
        if axis.path in leaves and scaled[axis.slots].any():
            axes.setdefault(axis.path, []).append(axis)
    found = []
    for path, mine in axes.items():
        kept = {number for axis in mine for number in (axis.axis, axis.outputs if axis.groups > 1 else axis.axis)}
        rest = tuple(number for number in range(leaves[path].ndim) if number not in kept)
        table = np.square(leaves[path], dtype=np.float32).sum(rest, keepdims=True)
        found.append(Squares(axes=tuple(mine), table=table, shape=leaves[path].shape))
    return found


def sizes_of(squares: Sequence[Squares], logarithms: np.ndarray) -> np.ndarray:
    """Returns of every slot the logarithm of the root mean square of its numbers; NaN without numbers or factor.

    Args:
        squares: of a network.
        logarithms: of the factors, slot by slot, that the network is to be multiplied by first.
    """
    found = np.full(len(logarithms), np.nan)
    factors = np.exp(2 * logarithms)
    for leaf in squares:
        for axis in leaf.axes:
            here = slice(axis.start, axis.start + len(axis.slots))
            totals = factors[here] * _totals(leaf, axis, factors)
            with np.errstate(divide="ignore"):
                logs = 0.5 * np.log(totals * (len(axis.slots) / np.prod(leaf.shape)))
            found[here] = np.where(totals > 0, logs, np.nan)
    return found


def _totals(leaf: Squares, axis: Axis, factors: np.ndarray) -> np.ndarray:
    """Adds squares up for each slot of an axis, multiplied by the factors of all other axes."""
    others = [other for other in leaf.axes if other != axis]
    if len(others) == 1 and axis.groups == others[0].groups == 1:
        table = np.squeeze(leaf.table, tuple(set(range(leaf.table.ndim)) - {axis.axis, others[0].axis}))
        weights = factors[others[0].slots].astype(np.float32)
        return table @ weights if axis.axis < others[0].axis else weights @ table
    table = leaf.table
    for other in others:
        table = table * other.spread(factors[other.slots], leaf.shape).astype(np.float32)
    return slices(table, axis).sum(1)


def factors_to(squares: Sequence[Squares], groups: Groups, target: np.ndarray, *, turns: int = 20) -> np.ndarray:
    """Finds the factors that bring the sizes of slots as near to a target as they can be brought.

    Least squares of logarithms, each as heavy as the numbers behind it are many: of one number alone, such as a bias
    near zero, the logarithm is noise. The factors of a kernel's rows act on the sizes of its columns too, and are taken
    there for their mean, so that the equations are solved again until nothing changes.

    Args:
        squares: of the network.
        groups: of the network.
        target: slot by slot the logarithm of a root mean square; NaN where it has none.
        turns: no more than so many.

    Returns:
        The logarithms of the factors slot by slot.
    """
    total = np.zeros(groups.slots)
    if not groups.sizes.count:
        return total
    equations = _equations(squares, groups)
    for _ in range(turns):
        missing = target - sizes_of(squares, total)
        missing[~np.isfinite(missing)] = 0.0
        step = along(groups.sizes, equations.solved(missing), groups.slots)
        total += step
        if np.abs(step).max() < SMALLEST_STEP:
            break
    return total


@dataclass(frozen=True, kw_only=True)
class _Equations:
    """How logarithms of sizes move with those of free factors: as a slot's own does, and as the mean along other axes.

    Attributes:
        own: [slots, free], a slot's own logarithm.
        mean: [axes, free], the mean of an axis.
        spread: [slots, axes], which means act on a slot.
        weight: [slots], of its equation.
        products: `own.T W own`, `own.T W spread` and `spread.T W spread`.
    """

    own: csr_array
    mean: csr_array
    spread: csr_array
    weight: np.ndarray
    products: tuple[csr_array, csr_array, csr_array]

    def solved(self, missing: np.ndarray) -> np.ndarray:
        """Returns the logarithms of free factors that bring what is missing nearest to nothing.

        By conjugate gradients, each factor in the scale of its own equations: some rest on thousands of times as many
        numbers as others do. What they leave is found in the next turn.
        """
        heavy = self.weight * missing
        wanted = self.own.T @ heavy + self.mean.T @ (self.spread.T @ heavy)
        scale = self.products[0].diagonal()
        scale = np.divide(1, scale, out=np.ones_like(scale), where=scale > 0)
        size = (len(scale),) * 2
        return cg(
            LinearOperator(size, matvec=self._weighed, dtype=np.float64),
            wanted,
            rtol=PRECISION,
            M=LinearOperator(size, matvec=lambda z: scale * z, dtype=np.float64),
        )[0]

    def _weighed(self, factors: np.ndarray) -> np.ndarray:
        """Multiplies by the matrix of the normal equations."""
        alone, across, between = self.products
        means = self.mean @ factors
        return alone @ factors + across @ means + self.mean.T @ (across.T @ factors + between @ means)


def _equations(squares: Sequence[Squares], groups: Groups) -> _Equations:
    axes = [axis for leaf in squares for axis in leaf.axes]
    weight = np.zeros(groups.slots)
    for leaf in squares:
        for axis in leaf.axes:
            weight[axis.slots] = np.prod(leaf.shape) / len(axis.slots)
    span = groups.sizes
    own = coo_array((span.powers, (span.slots, span.free)), shape=(groups.slots, span.count)).tocsr()
    number = np.concatenate([np.full(len(axis.slots), index) for index, axis in enumerate(axes)])
    slots = np.concatenate([axis.slots for axis in axes])
    shares = np.concatenate([np.full(len(axis.slots), 1 / len(axis.slots)) for axis in axes])
    mean = coo_array((shares, (number, slots)), shape=(len(axes), groups.slots)).tocsr() @ own
    of_slot = coo_array((np.ones(len(slots)), (slots, number)), shape=(groups.slots, len(axes))).tocsr()
    pairs = [(i, j) for i, a in enumerate(axes) for j, b in enumerate(axes) if i != j and a.path == b.path]
    first, second = np.asarray(pairs, np.int64).reshape(-1, 2).T
    spread = of_slot @ coo_array((np.ones(len(pairs)), (first, second)), shape=(len(axes), len(axes))).tocsr()
    of_own, of_spread = (side.T.tocsr() @ diags_array(weight).tocsr() for side in (own, spread))
    return _Equations(
        own=own,
        mean=mean,
        spread=spread,
        weight=weight,
        products=(of_own @ own, of_own @ spread, of_spread @ spread),
    )
