"""numpy's arrays inside pickles, and jax's, which are pickled as numpy's: how each name is rebuilt.

An array comes in two steps, made empty and then given (version, shape, dtype, Fortran order, elements), or in one from
a buffer. Elements stay in the file where the pickle holds them as bytes. Protocol 2 has no bytes: there they are text
in latin-1, which is decoded. Arrays of objects are remembered as such and refused when their values are wanted.

References:
    numpy, `numpy/_core/src/multiarray/methods.c`: `array_reduce`, `array_setstate`; JAX, `_reconstruct_array`.
"""

import math
import re
from typing import Any

import numpy as np

from converters._machine import Placeholder, Rebuild, Run, Stateful
from converters._tensors import DTYPES, Storage, Tensor
from converters._unreadable import Budget, damaged

SPECIFICATION = re.compile(r"[<>=|]?([a-zA-Z])(\d*)")
FORMATS = {
    **{f"f{size}": DTYPES[f"float{8 * size}"] for size in (2, 4, 8)},
    **{f"i{size}": DTYPES[f"int{8 * size}"] for size in (1, 2, 4, 8)},
    **{f"u{size}": DTYPES[f"uint{8 * size}"] for size in (1, 2, 4, 8)},
    **{f"c{size}": DTYPES[f"complex{8 * size}"] for size in (8, 16)},
    "b1": DTYPES["bool"],
    "V2": DTYPES["bfloat16"],  # what numpy makes of it where ml_dtypes is not asked
}
"""numpy's short name of a number format -> the format."""
OBJECTS, TEXTS = np.dtype(object), np.dtype("U")
"""What stands for values that are no numbers."""
MOST_AXES = 64

Array = tuple[np.dtype, bool]
"""A number format, and whether it is big-endian."""


def number_format(words: str) -> Array:
    """Returns what numpy calls by a short name, such as "<f4"; texts and dates are `TEXTS`, all else `OBJECTS`.

    Examples:
        >>> number_format(">f4"), number_format("|O")
        ((dtype('float32'), True), (dtype('O'), False))
    """
    if words in DTYPES:
        return DTYPES[words], False
    match = SPECIFICATION.fullmatch(words.partition("[")[0])
    if match is None:
        return OBJECTS, False
    if match[1] in "USaMm":
        return TEXTS, False
    return FORMATS.get("".join(match.groups()), OBJECTS), words.startswith(">")


def is_number(dtype: np.dtype) -> bool:
    """Says whether elements of this format are numbers."""
    return dtype not in (OBJECTS, TEXTS)


class NumpyFormat(Stateful):
    """A dtype in the making.

    Attributes:
        dtype: the number format, or `OBJECTS` or `TEXTS`.
        swapped: whether it is big-endian.
    """

    __slots__ = ("dtype", "swapped")

    def __init__(self, dtype: np.dtype, swapped: bool) -> None:
        self.dtype, self.swapped = dtype, swapped

    def build(self, state: Any, budget: Budget) -> None:
        """(version, byte order, subarray, names, fields, ...): of records and subarrays no tensor is made."""
        match state:
            case (_, order, None, None, *_):
                self.swapped = order in (">", b">")
            case _:
                self.dtype = OBJECTS


class NumpyTensor(Tensor, Stateful):
    """An array in the making: a tensor once its state is there.

    Attributes:
        items: the elements of an array of objects.
    """

    __slots__ = ("items",)

    def __init__(self) -> None:
        nothing = Storage(key="", dtype=DTYPES["uint8"], count=0, content=np.empty(0, np.uint8))
        super().__init__(storage=nothing, dtype=DTYPES["uint8"], offset=0, shape=(0,), strides=(1,))
        self.items: list | None = None

    def build(self, state: Any, budget: Budget) -> None:
        """(version, shape, dtype, Fortran order, elements); the version is not always there."""
        match state[-4:] if isinstance(state, tuple) else None:
            case (tuple(shape), NumpyFormat() as form, fortran, elements):
                self.fill(shape, form, bool(fortran), elements)
            case _:
                raise damaged("shape, dtype, order and elements of an array", state)

    def fill(self, shape: tuple, form: NumpyFormat, fortran: bool, elements: Any) -> None:
        """Becomes the window of this shape on these elements."""
        if len(shape) > MOST_AXES or not all(isinstance(length, int) and length >= 0 for length in shape):
            raise damaged("the shape of an array", shape)
        self.dtype, self.shape, self.strides = form.dtype, shape, strides_of(shape, fortran=fortran)
        if not is_number(form.dtype):
            self.items = elements if isinstance(elements, list) else None
            return
        content, count = _bytes(elements), math.prod(shape)
        if content.size != count * form.dtype.itemsize:
            raise damaged(f"{count * form.dtype.itemsize} bytes of an array", f"{content.size}")
        self.storage = Storage(key="", dtype=form.dtype, count=count, content=content, swapped=form.swapped)


def strides_of(shape: tuple[int, ...], *, fortran: bool) -> tuple[int, ...]:
    """Returns the steps between elements in elements: the last axis runs fastest, or the first."""
    if fortran:
        return tuple(math.prod(shape[:axis]) for axis in range(len(shape)))
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _bytes(elements: Any) -> np.ndarray:
    if isinstance(elements, Run):
        return elements.view()
    if isinstance(elements, str):  # a string of Python 2 that happens to be UTF-8
        elements = elements.encode()
    if not isinstance(elements, bytes):
        raise damaged("the elements of an array in bytes", elements)
    return np.frombuffer(elements, np.uint8)


def _dtype(arguments: tuple, budget: Budget) -> NumpyFormat:
    """(short name or class, align, copy)."""
    match arguments:
        case (str(words), *_):
            return NumpyFormat(*number_format(words))
        case (Placeholder(name=name), *_) if name.rpartition(".")[2] in DTYPES:
            return NumpyFormat(DTYPES[name.rpartition(".")[2]], False)
    return NumpyFormat(OBJECTS, False)


def _empty_array(arguments: tuple, budget: Budget) -> NumpyTensor:
    """(class, shape, format): all of it is replaced by the state."""
    return NumpyTensor()


def _array_from_buffer(arguments: tuple, budget: Budget) -> NumpyTensor:
    """(elements, dtype, shape, order), and the order of the axes where it is "K"."""
    match arguments:
        case (elements, NumpyFormat() as form, tuple(shape), "C" | "F" as order, *_):
            array = NumpyTensor()
            array.fill(shape, form, order == "F", elements)
            return array
        case (elements, NumpyFormat() as form, tuple(shape), "K", tuple(axes)) if sorted(axes) == [*range(len(shape))]:
            array = NumpyTensor()
            array.fill(shape, form, False, elements)
            array.strides = tuple(array.strides[axis] for axis in axes)
            array.shape = tuple(array.shape[axis] for axis in axes)
            return array
    raise damaged("elements, dtype, shape and order of an array", arguments)


def _scalar(arguments: tuple, budget: Budget) -> Any:
    """(dtype, bytes): a number of Python."""
    match arguments:
        case (NumpyFormat(dtype=dtype, swapped=swapped), bytes() | str() as given) if is_number(dtype):
            content = _bytes(given)
            if content.size != dtype.itemsize:
                raise damaged(f"{dtype.itemsize} bytes of a number", f"{content.size}")
            value = content.view(dtype)[0]
            return (value.byteswap() if swapped else value).item()
    return Placeholder("numpy.core.multiarray.scalar", arguments)


def _array_of_jax(arguments: tuple, budget: Budget) -> Any:
    """(function, its arguments, state of the numpy array, state of jax)."""
    match arguments:
        case (Placeholder(name=name), _, state, *_) if name in _EMPTY:
            array = NumpyTensor()
            array.build(state, budget)
            return array
    return Placeholder("jax._src.array._reconstruct_array", arguments)


def _encoded(arguments: tuple, budget: Budget) -> Any:
    """(text, "latin1"): how protocol 2 spells bytes."""
    match arguments:
        case (str(text), str("latin1" | "latin-1")):
            budget.spend(len(text))
            try:
                return text.encode("latin-1")
            except UnicodeEncodeError as error:
                raise damaged("bytes as latin-1 text", text) from error
    return Placeholder("_codecs.encode", arguments)


def _bytes_object(arguments: tuple, budget: Budget) -> Any:
    """() is how protocol 2 spells bytes without a byte."""
    return Placeholder("builtins.bytes", arguments) if arguments else b""


_EMPTY = ("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct")
ARRAYS: dict[str, Rebuild] = {
    **{name: _empty_array for name in _EMPTY},
    **{f"numpy.{core}.numeric._frombuffer": _array_from_buffer for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray.scalar": _scalar for core in ("core", "_core")},
    "numpy.dtype": _dtype,
    "jax._src.array._reconstruct_array": _array_of_jax,
    "jax._src.device_array.reconstruct_device_array": _array_of_jax,
    "_codecs.encode": _encoded,
    "__builtin__.bytes": _bytes_object,
    "builtins.bytes": _bytes_object,
}
"""Global name -> the function that stands in for it."""

CLASSES = {
    *("numpy.ndarray", "numpy.matrix", "numpy.memmap"),
    *(f"ml_dtypes.{name}" for name in DTYPES),
    *(f"numpy.{name}" for name in DTYPES),
}
"""Names that arrays are described with, so that nothing of them is lost."""
