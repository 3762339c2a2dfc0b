"""Factors of a network that are nobody's choice: units scaled until their numbers are as large as wanted."""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.linalg import LinearOperator, lsqr

from lineage_jax.symmetry._element import Element, along
from lineage_jax.symmetry._groups import Groups
from lineage_jax.symmetry._slices import Leaves, logarithms_of_norms, move

SMALLEST_STEP = 1e-6
"""Float32 does not know smaller changes of a norm."""


def scaled_to(leaves: Leaves, groups: Groups, target: np.ndarray, *, turns: int = 20) -> np.ndarray:
    """Rescales a network in place so that its slots have norms as near to those of a target as they can be.

    Least squares of logarithms. The factors of a kernel's rows act on the norms of its columns too, and are taken there
    for their mean, so that the equations are solved again until nothing changes.

    Args:
        leaves: of the network, arrays of float32 or float64.
        groups: of the network.
        target: slot by slot the logarithm of a root mean square; NaN where it has none.
        turns: no more than so many.

    Returns:
        The factors slot by slot.
    """
    span, total = groups.sizes, np.zeros(groups.slots)
    if not span.count:
        return np.ones(groups.slots)
    paths = {axis.path for axis in groups.axes if np.isin(span.slots, axis.slots).any()}
    axes = [axis for axis in groups.axes if axis.path in paths]
    for _ in range(turns):
        missing = target - logarithms_of_norms(leaves, axes, groups.slots)
        missing[~np.isfinite(missing)] = 0.0
        step = lsqr(_jacobian(groups), missing, atol=1e-8, btol=1e-8)[0]
        logarithms = along(span, step, groups.slots)
        if not np.abs(logarithms).max(initial=0.0) > SMALLEST_STEP:
            break
        total += logarithms
        move(leaves, axes, Element(order=np.arange(groups.slots), factor=np.exp(logarithms)))
    return np.exp(total)


def _jacobian(groups: Groups) -> LinearOperator:
    """Returns how logarithms of norms move with those of free factors: its own, and the mean along other axes."""
    span, axes = groups.sizes, [axis for axis in groups.axes if axis.floating]
    own = coo_array((span.powers, (span.slots, span.free)), shape=(groups.slots, span.count)).tocsr()
    number = np.concatenate([np.full(len(axis.slots), index) for index, axis in enumerate(axes)])
    slots = np.concatenate([axis.slots for axis in axes])
    shares = np.concatenate([np.full(len(axis.slots), 1 / len(axis.slots)) for axis in axes])
    mean = coo_array((shares, (number, slots)), shape=(len(axes), groups.slots)).tocsr() @ own
    pairs = [(i, j) for i, a in enumerate(axes) for j, b in enumerate(axes) if i != j and a.path == b.path]
    others = coo_array(
        (np.ones(len(pairs)), tuple(np.asarray(pairs, np.int64).reshape(-1, 2).T)), shape=(len(axes),) * 2
    ).tocsr()
    of_slot = coo_array((np.ones(len(slots)), (slots, number)), shape=(groups.slots, len(axes))).tocsr()
    spread = of_slot @ others
    return LinearOperator(
        (groups.slots, span.count),
        matvec=lambda z: own @ z + spread @ (mean @ z),
        rmatvec=lambda r: own.T @ r + mean.T @ (spread.T @ r),
        dtype=np.float64,
    )
