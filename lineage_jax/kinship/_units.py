"""Units as directions: what each output unit of a kernel reads, at unit length."""

import numpy as np

ALIKE = 1e-9
"""Share of their squared length that differs between units, below which rounding makes the difference."""

MOST_INPUTS = 8192
"""Inputs of a unit that are looked at; more cost time and tell no more."""


def directions(kernel: np.ndarray, name: str) -> np.ndarray:
    """Returns what each output unit reads, at unit length, [inputs, units]; a unit of zeros stays so.

    Of very many inputs an evenly spaced part is taken, which is a test as good.

    Args:
        kernel: [..., inputs, units] of any floating-point type and scale.
        name: of the kernel and its network, for the message.

    Raises:
        ValueError: If a weight is NaN or infinite.
    """
    columns = kernel.reshape(-1, kernel.shape[-1])
    if not np.isfinite(columns).all():
        raise ValueError(f"expected finite weights, got NaN or infinity at {name}")
    columns = columns[:: -(-len(columns) // MOST_INPUTS)]
    columns = columns.astype(np.promote_types(columns.dtype, np.float32), copy=False)
    largest = np.abs(columns).max(0)
    columns = (columns / np.where(largest > 0, largest, 1)).astype(np.float32, copy=False)  # squares stay in range
    lengths = np.sqrt(np.einsum("io,io->o", columns, columns))
    columns /= np.where(lengths > 0, lengths, 1)
    return columns


def differences(columns: np.ndarray, places: np.ndarray) -> np.ndarray | None:
    """Returns what the units at some places read less their mean, [inputs, places]; None where they are all alike."""
    taken = columns if np.array_equal(places, np.arange(columns.shape[1])) else columns[:, places]
    centred = taken - taken.mean(1, keepdims=True)
    return centred if np.vdot(centred, centred) > ALIKE * np.vdot(taken, taken) else None
