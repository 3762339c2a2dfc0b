"""Position embeddings of vision transformers at another image size.

Both functions are separable: one matrix an axis, whose rows say how much of each old row a new row takes.
"""

from collections.abc import Callable

import numpy as np


def resample_positions(positions: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Brings a position embedding to another grid of patches as timm does: pixels are areas, and shrinking averages.

    Args:
        positions: `[1, 1 + t, d]`; the first row is of the class token and stays, the others are of a square grid.
        grid: rows and columns of the new grid.

    Returns:
        `[1, 1 + rows * columns, d]`, of the same dtype.

    Raises:
        ValueError: If `positions` are not those of a class token and a square grid.

    References:
        Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on Acoustics, Speech,
        and Signal Processing 1981, with a = -1/2, widened by the factor by which the grid shrinks.

    Examples:
        >>> resample_positions(np.ones((1, 5, 3)), (4, 6)).shape
        (1, 25, 3)
    """
    return _resampled(positions, grid, _area_weights)


def interpolate_positions(positions: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Brings a position embedding to another grid of patches as torchvision does: the corners stay where they are.

    See `resample_positions`; here a = -3/4, and shrinking skips rows.

    Raises:
        ValueError: If `positions` are not those of a class token and a square grid.

    Examples:
        >>> corner = interpolate_positions(np.arange(5.0).reshape(1, 5, 1), (3, 3))[0, 1, 0]
        >>> float(corner)
        1.0
    """
    return _resampled(positions, grid, _corner_weights)


def _resampled(positions: np.ndarray, grid: tuple[int, int], weights: Callable[[int, int], np.ndarray]) -> np.ndarray:
    side = round((positions.shape[1] - 1) ** 0.5) if positions.ndim == 3 else 0
    if positions.shape[:2] != (1, 1 + side**2) or side == 0:
        raise ValueError(
            f"expected positions [1, 1 + side * side, d] of a class token and a square grid, got {positions.shape}"
        )
    rows, columns = (weights(side, size) for size in grid)
    patches = positions[0, 1:].astype(np.float64).reshape(side, side, -1)
    patches = np.einsum("ai,bj,ijd->abd", rows, columns, patches, optimize=True)
    patches = patches.reshape(1, grid[0] * grid[1], -1).astype(positions.dtype)
    return np.concatenate([positions[:, :1], patches], axis=1)


def _area_weights(old: int, new: int) -> np.ndarray:
    stretch = max(old / new, 1.0)
    centres = (np.arange(new) + 0.5) * old / new
    weights = _cubic((np.arange(old) + 0.5 - centres[:, None]) / stretch, a=-0.5)
    return weights / weights.sum(axis=1, keepdims=True)


def _corner_weights(old: int, new: int) -> np.ndarray:
    centres = np.arange(new) * (old - 1) / max(new - 1, 1)
    taken = np.arange(-2, old + 2)  # two rows beyond each border, which repeat the border's own
    weights = _cubic(taken - centres[:, None], a=-0.75)
    inside = weights[:, 2:-2].copy()
    inside[:, 0] += weights[:, :2].sum(axis=1)
    inside[:, -1] += weights[:, -2:].sum(axis=1)
    return inside


def _cubic(distance: np.ndarray, *, a: float) -> np.ndarray:
    """Evaluates the cubic convolution kernel, which reaches two rows to either side."""
    x = np.abs(distance)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))
