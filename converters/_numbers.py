"""Which number formats hold weights, whatever their precision."""

import ml_dtypes
import numpy as np

NARROW = frozenset(
    np.dtype(kind)
    for kind in (
        *(ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e4m3fnuz),
        *(ml_dtypes.float8_e5m2, ml_dtypes.float8_e5m2fnuz, ml_dtypes.float8_e8m0fnu),
    )
)
"""Formats that numpy itself has not."""


def is_floating(dtype: np.dtype) -> bool:
    """Says whether numbers of this format have a fraction; complex ones count.

    Examples:
        >>> is_floating(np.dtype("float16")), is_floating(np.dtype(ml_dtypes.bfloat16)), is_floating(np.dtype("int8"))
        (True, True, False)
    """
    return dtype.kind in "fc" or dtype in NARROW


def is_float8(dtype: np.dtype) -> bool:
    """Says whether numbers take one byte and have a fraction."""
    return dtype in NARROW and dtype.itemsize == 1
