"""Arrays that hold what a rule writes down, and not what was learned: repeated rows, even steps, masks, sinusoids."""

import ml_dtypes
import numpy as np


def is_table(array: np.ndarray) -> bool:
    """Tells whether a matrix or more holds what a rule writes down: repeated, evenly spaced, sines and cosines, a mask.

    Examples:
        >>> angles = np.arange(16)[:, None] / 10.0 ** np.arange(8)
        >>> is_table(np.concatenate([np.sin(angles), np.cos(angles)], axis=1)), is_table(np.tile(np.arange(5), (4, 1)))
        (True, True)
        >>> is_table(np.random.default_rng(0).normal(size=(16, 16))), is_table(np.zeros((3, 3)))
        (False, False)
    """
    if array.ndim < 2 or array.size < 4 or np.iscomplexobj(array) or _constant(array):
        return False  # zeros and ones are how weights begin
    return _repeated(array) or _even(array) or _zero_or_one(array) or _sinusoidal(array)


def _constant(array: np.ndarray) -> bool:
    first = array.ravel()[:1] if array.flags.c_contiguous else array[(slice(0, 1),) * array.ndim].ravel()
    return bool((array[..., :1] == first).all() and (array == first).all())


def _repeated(array: np.ndarray) -> bool:
    """Rows that are the same along some axis, looked at one by one so that weights are refused at the first."""
    for axis, size in enumerate(array.shape):
        rows = np.moveaxis(array, axis, 0)
        if size > 1 and all(np.array_equal(rows[0], row) for row in rows[1:]):
            return True
    return False


def _even(array: np.ndarray) -> bool:
    """Steps along some axis that are all the same, up to the rounding of its values."""
    rounding = 4 * float(ml_dtypes.finfo(array.dtype).eps)
    for axis, size in enumerate(array.shape):
        rows = np.moveaxis(array, axis, 0)
        if size < 4 or not _evenly_spaced(rows[:4], rounding):
            continue
        if _evenly_spaced(rows, rounding):
            return True
    return False


def _evenly_spaced(rows: np.ndarray, rounding: float) -> bool:
    steps = np.diff(rows.astype(np.float64), axis=0)
    return bool((steps[0] != 0).any() and np.abs(steps - steps[0]).max() <= rounding * np.abs(rows).max())


def _zero_or_one(array: np.ndarray) -> bool:
    few = array[(slice(0, 4),) * array.ndim]
    return all(bool(((part == 0) | (part == 1)).all()) for part in (few, array))


def _sinusoidal(array: np.ndarray) -> bool:
    """Rows of pairs of a sine and a cosine, in whatever order: their squares sum to half the length of the row."""
    rows = array.reshape(-1, array.shape[-1])
    half = rows.shape[1] / 2
    if half < 4:
        return False
    for part in (rows[-2:], rows):  # a first row may be the class token's, of zeros
        sums = np.square(part.astype(np.float64)).sum(axis=1)
        near = np.abs(sums - half) <= 8 * float(ml_dtypes.finfo(array.dtype).eps) * half
        if not (near | (sums == 0)).all() or (sums == 0).all():
            return False
    return float(np.abs(rows).max()) <= 1
