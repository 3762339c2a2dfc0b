r"""Whether one network is the other one rounded: to int8 or fewer bits, to float16, bfloat16 or float8.

That a network lies on a grid and the other does not would say little: some were trained in bfloat16 and tuned in
float32, some quantised and tuned on. But a weight that was rounded to a grid of step $s$ has moved by $s / 2$ at most,
by every amount below that equally often, $s / \sqrt{12}$ in the mean square. Training moves weights by less or by more,
and not all of them by less than just that. So the one on the grid came later where it is the other one rounded, and
where it is not, nothing is said.
"""

from collections.abc import Iterator, Mapping

import ml_dtypes
import numpy as np

from lineage_jax.lineage._cue import Cue, cue

FORMATS = {
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "float8": np.dtype(ml_dtypes.float8_e4m3fn),
}
"""Number formats that networks are rounded to, the finest first."""

FEWEST = 64
"""Weights that share one step, below which they show no grid."""
FEW_ROWS = 4
"""Rows that are looked at before all are."""
MOST_LEVELS = 256
"""Steps from the smallest to the largest weight: those of 8 bits."""
ON_GRID = 0.02
"""Steps by which a weight on a grid may lie beside it: what float32 keeps of a product."""
HALF = 0.52
"""Steps that rounding moves a weight at most, and the same slack."""
CLIPPED = 0.01
"""Share of weights beyond the ends of the grid, which quantisation cuts off."""
SPREAD = (0.22, 0.34)
"""Root mean square of the moves in steps; 1 / sqrt(12) = 0.289 where all of them are equally likely."""
MOST_OF_IT = 0.5
"""Share of the weights that must be rounded: first and last layers often are not."""


def cue_by_rounding(candidate: Mapping[str, np.ndarray], child: Mapping[str, np.ndarray]) -> Cue | None:
    """Says who came first where one of two networks is the other one rounded.

    Args:
        candidate: kernels by path, their output units last; those without a counterpart of equal path and shape in the
            child are passed over. In the child's layout, and units in its order.
        child: the same.

    Returns:
        A cue, or None where neither is the other one rounded, or they are equal.

    Examples:
        >>> weights = np.random.default_rng(0).normal(size=(64, 32)).astype(np.float32)
        >>> cue_by_rounding({"fc": weights}, {"fc": weights.astype(np.float16).astype(np.float32)}).said
        'the child is the candidate rounded to float16'
        >>> grid = np.abs(weights).max() / 127
        >>> cue_by_rounding({"fc": np.round(weights / grid) * grid}, {"fc": weights}).first
        'child'
    """
    pairs = [(candidate[path], child[path]) for path in candidate if path in child]
    pairs = [(_in_float32(a), _in_float32(b)) for a, b in pairs if a.shape == b.shape and a.ndim > 1]
    for first, other, ways in (("candidate", "child", [(b, a) for a, b in pairs]), ("child", "candidate", pairs)):
        how = _rounded_to(ways)
        if how is not None:
            return cue("rounding", first, f"the {other} is the {first} rounded to {how}", forgeable=True)
    return None


def _in_float32(kernel: np.ndarray) -> np.ndarray:
    return kernel.astype(np.float32, copy=False)


def _rounded_to(pairs: list[tuple[np.ndarray, np.ndarray]]) -> str | None:
    """Names what most of the first ones are rounded to, from the second ones, or None."""
    pairs = [(rounded, exact) for rounded, exact in pairs if not np.array_equal(rounded, exact)]
    total = sum(rounded.size for rounded, _ in pairs)
    for name, dtype in FORMATS.items():
        if total and sum(r.size for r, e in pairs if _is_cast(r, e, dtype)) >= MOST_OF_IT * total:
            return name
    if total and sum(r.size for r, e in pairs if _is_on_a_grid(r, e)) >= MOST_OF_IT * total:
        return "a grid of at most 8 bits"
    return None


def _is_cast(rounded: np.ndarray, exact: np.ndarray, dtype: np.dtype) -> bool:
    """Says whether a kernel is another one in a narrower format, looking at a few weights first."""
    with np.errstate(over="ignore"):
        few = [each.flat[:FEWEST] for each in (rounded, exact)]
        alike = np.array_equal(few[1].astype(dtype).astype(np.float32), few[0])
        return alike and np.array_equal(exact.astype(dtype).astype(np.float32), rounded)


def _is_on_a_grid(rounded: np.ndarray, exact: np.ndarray) -> bool:
    """Says whether a kernel is another one rounded to steps of its own, or to steps of each unit.

    Not where the other one lies on a grid, too: of one network rounded in two ways the coarser one looks so.
    """
    if any(_may_be_on_grids(rows) for rows in _few_of(exact)):
        return False
    whole, by_unit = (_may_be_on_grids(rows) for rows in _few_of(rounded))
    return (whole and _are_rounded(rounded.reshape(1, -1), exact.reshape(1, -1))) or (
        by_unit and _are_rounded(_units(rounded), _units(exact))
    )


def _few_of(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns a few weights of a kernel as one row, and those of a few units; the kernel is not copied."""
    return kernel.flat[: 4 * MOST_LEVELS][None], _units(kernel[..., :FEW_ROWS])


def _units(kernel: np.ndarray) -> np.ndarray:
    """Returns the weights of every unit, [units, n]."""
    return kernel.reshape(-1, kernel.shape[-1]).T


def _may_be_on_grids(rows: np.ndarray) -> bool:
    """Says whether a few of the weights of a few rows lie on grids; those of a trained network do not."""
    return any(_step(row) is not None for row in rows[:, : 4 * MOST_LEVELS].astype(np.float64))


def _are_rounded(rounded: np.ndarray, exact: np.ndarray) -> bool:
    """Says whether rows `[n, d]` lie on grids, nine of ten at least, moved as rounding moves them."""
    moves = list(_moves(rounded, exact))
    if rounded.shape[1] < FEWEST or len(moves) < 0.9 * len(rounded):
        return False
    every = np.concatenate(moves)
    inside = np.abs(every) <= HALF
    spread = float(np.sqrt(np.mean(every[inside] ** 2))) if inside.any() else 0.0
    return bool(inside.mean() >= 1 - CLIPPED) and SPREAD[0] <= spread <= SPREAD[1]


def _moves(rounded: np.ndarray, exact: np.ndarray) -> Iterator[np.ndarray]:
    """Yields for every row on a grid how far its weights were moved, in steps."""
    for row, before in zip(rounded.astype(np.float64), exact.astype(np.float64), strict=True):
        step = _step(row)
        if step is not None:
            yield (row - before) / step


def _step(row: np.ndarray) -> float | None:
    """Returns the step of the grid that weights lie on, or None where they lie on none of few levels."""
    levels = np.unique(row)
    reach = levels[-1] - levels[0]
    gaps = np.diff(levels)
    gaps = gaps[gaps > reach * ON_GRID / MOST_LEVELS]  # of equal levels, float32 makes some that differ a little
    if not len(gaps) or reach > MOST_LEVELS * gaps.min():
        return None
    step = float(gaps.min())
    steps = (row - levels[0]) / step
    step *= 1.0 if not steps.max() else steps.max() / round(steps.max())  # over all of them, more exactly
    steps = (row - levels[0]) / step
    return step if np.abs(steps - np.round(steps)).max() <= ON_GRID * 2 else None
