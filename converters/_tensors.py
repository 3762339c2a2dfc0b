"""Tensors as a pickle describes them, and the arrays that they are windows on.

A tensor is a window (offset, shape, strides) on a storage, which is a run of bytes elsewhere in the file. It stays a
description until its array is wanted: legacy files describe all tensors before the bytes of the first, and the state of
an optimizer need not be read at all. Tensors that share a storage become views of the same bytes.

Positions are Python integers and are checked before numpy sees them, so that no sum of offset and strides overflows.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from converters._machine import Placeholder
from converters._unreadable import Budget, UnreadableFile, damaged, shown

DTYPES: dict[str, np.dtype] = {
    **{name: np.dtype(name) for name in ("float64", "float32", "float16", "complex128", "complex64", "bool")},
    **{name: np.dtype(name) for name in ("int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8")},
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "float8_e4m3fn": np.dtype(ml_dtypes.float8_e4m3fn),
    "float8_e4m3fnuz": np.dtype(ml_dtypes.float8_e4m3fnuz),
    "float8_e5m2": np.dtype(ml_dtypes.float8_e5m2),
    "float8_e5m2fnuz": np.dtype(ml_dtypes.float8_e5m2fnuz),
    "float8_e8m0fnu": np.dtype(ml_dtypes.float8_e8m0fnu),
}
"""PyTorch's name of a number format -> numpy's."""

STORAGES: dict[str, np.dtype] = {
    "DoubleStorage": DTYPES["float64"],
    "FloatStorage": DTYPES["float32"],
    "HalfStorage": DTYPES["float16"],
    "BFloat16Storage": DTYPES["bfloat16"],
    "LongStorage": DTYPES["int64"],
    "IntStorage": DTYPES["int32"],
    "ShortStorage": DTYPES["int16"],
    "CharStorage": DTYPES["int8"],
    "ByteStorage": DTYPES["uint8"],
    "BoolStorage": DTYPES["bool"],
    "ComplexDoubleStorage": DTYPES["complex128"],
    "ComplexFloatStorage": DTYPES["complex64"],
    "QInt8Storage": DTYPES["int8"],
    "QUInt8Storage": DTYPES["uint8"],
    "QInt32Storage": DTYPES["int32"],
    "UntypedStorage": DTYPES["uint8"],
    "_UntypedStorage": DTYPES["uint8"],
}
"""Class of a storage, in whatever module it lived -> its elements; those of quantised ones are the stored integers."""

PER_TENSOR = ("torch.per_tensor_affine",)
PER_CHANNEL = ("torch.per_channel_affine", "torch.per_channel_affine_float_qparams")
MOST = 1 << 32
"""Zero points are at most this far from zero."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Storage:
    """A run of elements somewhere in the file.

    Attributes:
        key: its name there.
        dtype: its elements.
        count: how many of them.
        start: which element of the run named `key` comes first.
        content: its bytes, where they lie inside the pickle; nobody is asked for them then.
        swapped: whether its elements are big-endian.
    """

    key: str
    dtype: np.dtype
    count: int
    start: int = 0
    content: np.ndarray | None = None
    swapped: bool = False


@dataclasses.dataclass(kw_only=True, eq=False, slots=True)
class Tensor:
    """A window on a storage, in elements of `dtype`.

    Attributes:
        quantizer: scheme, scale and zero point (and axis) of a quantised tensor, as the file gave them.
    """

    storage: Storage
    dtype: np.dtype
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    quantizer: tuple | None = None


Contents = Callable[[Storage], np.ndarray]
"""The bytes of a storage, little-endian, as uint8 `[n]`."""


def as_storage(persistent_id: Any) -> Storage:
    """Returns the storage that a pickle refers to as ("storage", class, key, location, count).

    Raises:
        UnreadableFile: If it is something else.
    """
    match persistent_id:
        case ("storage", Placeholder(name=name), str(key), str(), int(count), *_) if count >= 0:
            return Storage(key=key, dtype=storage_dtype(name), count=count)
    raise UnreadableFile(
        f"expected a reference to a storage of torch.save, got {shown(persistent_id)}: another program's pickle"
    )


def storage_dtype(name: str) -> np.dtype:
    """Returns the elements of a storage class, such as "torch.cuda.FloatStorage".

    Raises:
        UnreadableFile: If numpy has no such elements.
    """
    dtype = STORAGES.get(name.rpartition(".")[2])
    if dtype is None:
        raise UnreadableFile(f"expected a storage of {', '.join(STORAGES)}, got {name}: convert the tensors to float32")
    return dtype


def to_array(tensor: Tensor, contents: Contents, budget: Budget) -> np.ndarray:
    """Returns the array: a read-only view where the file holds the values, a new one where they must be computed.

    Raises:
        UnreadableFile: If the window reaches beyond its storage.
    """
    dtype, shape = tensor.dtype, tensor.shape
    budget.spend(dtype.itemsize * math.prod(max(length, 1) for length in shape))
    if 0 in shape:
        array = np.empty(shape, dtype)
    else:
        content = _content(tensor.storage, contents, budget)
        reach = tensor.offset + sum((length - 1) * stride for length, stride in zip(shape, tensor.strides, strict=True))
        if (reach + 1) * dtype.itemsize > content.size:
            raise damaged(f"a storage of more than {reach} elements", f"{content.size // dtype.itemsize}")
        # strides of axes of length 1 are free in PyTorch, and may be beyond what numpy takes
        strides = tuple(stride if length > 1 else 1 for length, stride in zip(shape, tensor.strides, strict=True))
        steps = tuple(stride * dtype.itemsize for stride in strides)
        array = np.ndarray(shape, dtype, content, tensor.offset * dtype.itemsize, steps)
    return array if tensor.quantizer is None else _dequantize(array, tensor.quantizer, contents, budget)


def _content(storage: Storage, contents: Contents, budget: Budget) -> np.ndarray:
    """Returns the bytes of a storage in this machine's order."""
    content = contents(storage) if storage.content is None else storage.content
    if not storage.swapped:
        return content
    budget.spend(content.size)
    component = storage.dtype.itemsize // (2 if storage.dtype.kind == "c" else 1)
    return content[: content.size // component * component].view(f"u{component}").byteswap().view(np.uint8)


def _dequantize(array: np.ndarray, quantizer: tuple, contents: Contents, budget: Budget) -> np.ndarray:
    """Returns (stored - zero point) * scale in float32, as `torch.Tensor.dequantize` rounds it."""
    budget.spend(16 * max(array.size, 1))
    values = array.astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # scales out of a file may be anything
        match quantizer:
            case (Placeholder(name=scheme), float(scale), int(zero)) if scheme in PER_TENSOR and abs(zero) <= MOST:
                return (values - np.float32(zero)) * np.float32(scale)
            case (Placeholder(name=scheme), Tensor() as scales, Tensor() as zeros, int(axis)) if (
                scheme in PER_CHANNEL
                and 0 <= axis < array.ndim
                and scales.shape == zeros.shape == (array.shape[axis],)
                and scales.dtype.kind == "f"
                and zeros.dtype.kind in "if"
            ):
                along = [-1 if index == axis else 1 for index in range(array.ndim)]
                factors = to_array(scales, contents, budget).astype(np.float64).reshape(along)
                shifts = to_array(zeros, contents, budget).astype(np.float32).reshape(along)
                return ((values - shifts) * factors).astype(np.float32)
    raise damaged(f"a scale and zero point, or one for each channel of {array.shape}", quantizer)
