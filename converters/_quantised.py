"""Weights kept as whole numbers, or as numbers of one byte, with a scale beside them.

| form | parts | plain weight |
|---|---|---|
| packed by PyTorch | `_packed_params._packed_params`: weight, read as what it stands for, and bias | both by name |
| int8, float8 | `weight`, its scale (`SCALES`) and perhaps a zero point (`ZEROS`) | (weight - zero point) * scale |
| LLM.int8 | `weight` and `SCB` | weight * SCB / 127 |

The shape says what a scale is for: one number for all; one a row (the outputs, also where there are as many columns);
one a column; or one a block, of 128 x 128 where that fits and otherwise of equal blocks. What is packed in bits (GPTQ,
AWQ, bitsandbytes in 4 bits) is named and left.

References:
    PyTorch 2.13, `torch.ao.nn.quantized`; Dettmers et al., "LLM.int8()", NeurIPS 2022; DeepSeek-V3, section 3.3.2.
"""

import functools
import math
import re
from collections.abc import Iterator

import numpy as np

from converters._form import Arrays, Form, kept, split
from converters._numbers import is_float8, is_floating
from converters._unreadable import Budget

PACKED = re.compile(r"((?:.*\.)?)_packed_params\._packed_params\[([01])\]")
SCALES = ("weight_scale", "weight_scale_inv", "weight_scales", "scales", "scale", "scale_weight", "w_scale", "SCB")
"""What scales of a `weight` are called."""
ZEROS = ("weight_zero_point", "zero_point", "zeros", "w_zero_point")
HALVES = {"weight._data": "weight._scale", "weight.data": "weight.scale"}
"""How a weight that is an object of two arrays names them."""
BITS = ("qweight", "weight_packed", "weight.absmax", "weight.quant_map", "weight_quantized")
"""What stands for a weight that is packed in bits."""
OF_BITS = re.compile(
    r"((?:.*\.)?)(?:qweight|qzeros|scales|g_idx|weight_packed|weight_scale|weight_shape|weight_zero_point"
    r"|weight_g_idx|weight_quantized|weight|weight\.(?:absmax|quant_map|nested_\w+|quant_state\..*))"
)
"""The module, and what lies in it for such a weight."""
SCB_LARGEST = 127
BLOCK = 128
COST = 12
"""Bytes charged for an element that is computed: the result in float32, and on the way."""


def packed(arrays: Arrays) -> Iterator[Form]:
    """Finds what PyTorch's quantised layers hold under one name, weight and bias."""
    for name, array in arrays.items():
        if found := PACKED.fullmatch(name):
            leaf = "weight" if found[2] == "0" else "bias"
            make = kept(array)
            yield Form(kind="packed weight", name=f"{found[1]}{leaf}", parts=(name,), make=make)


def packed_in_bits(arrays: Arrays) -> Iterator[Form]:
    """Finds weights of less than a byte, which cannot be brought to plain ones."""
    layers: dict[str, list[str]] = {}
    for name in arrays:
        if found := OF_BITS.fullmatch(name):
            layers.setdefault(found[1], []).append(name)
    for module, parts in layers.items():
        if any(name.removeprefix(module) in BITS for name in parts):
            why = "packed in bits: save the network without quantisation"
            yield Form(kind="weight in bits", name=f"{module}weight", parts=tuple(parts), why=why)


def scaled(arrays: Arrays) -> Iterator[Form]:
    """Finds whole or one-byte numbers with a scale beside them."""
    for name, array in arrays.items():
        module, leaf = split(name)
        whole = array.dtype.kind in "iu" and array.dtype.itemsize <= 2
        if not (whole or is_float8(array.dtype)) or array.ndim == 0:
            continue
        half = next((scale for data, scale in HALVES.items() if name.endswith(data)), None)
        if half is not None:
            stem = name[: -len(next(data for data in HALVES if name.endswith(data)))]
            beside: tuple[str, ...] = (f"{stem}{half}",)
            plain = f"{stem}weight"
        elif leaf == "weight":
            beside, plain = tuple(module + scale for scale in SCALES), name
        else:
            beside, plain = tuple(f"{name}{end}" for end in ("_scale", "_scale_inv")), name
        scale = next((n for n in beside if n in arrays and _is_scale(arrays[n])), None)
        if scale is None:
            continue
        zero = next((module + n for n in ZEROS if module + n in arrays and leaf == "weight"), None)
        yield _scaled(plain, (name, scale) if zero is None else (name, scale, zero), arrays)


def _is_scale(array: np.ndarray) -> bool:
    return is_floating(array.dtype) and array.dtype.kind != "c"


def _scaled(plain: str, parts: tuple[str, ...], arrays: Arrays) -> Form:
    weight, scale, *zeros = (arrays[part] for part in parts)
    kind = "float8 with a scale" if is_floating(weight.dtype) else f"{weight.dtype} with a scale"
    if any(_blocks(weight.shape, each.shape) is None for each in (scale, *zeros)):
        why = f"a scale of shape {scale.shape} does not fit a weight of shape {weight.shape}"
        return Form(kind=kind, name=plain, parts=parts, why=why)
    over = SCB_LARGEST if parts[1].endswith("SCB") else 1
    make = functools.partial(_times, weight, scale, zeros[0] if zeros else None, over)
    return Form(kind=kind, name=plain, parts=parts, make=make)


def _blocks(shape: tuple[int, ...], scale: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Returns the lengths of blocks along each axis that one scale is for, and the scales' shape with as many axes.

    Examples:
        >>> _blocks((6, 4), ()), _blocks((6, 4), (6,)), _blocks((6, 4), (4,)), _blocks((4, 4), (4,))
        (((6, 4), (1, 1)), ((1, 4), (6, 1)), ((6, 1), (1, 4)), ((1, 4), (4, 1)))
        >>> _blocks((200, 256), (2, 2)), _blocks((6, 4), (2, 4)), _blocks((6, 4), (5,))
        (((128, 128), (2, 2)), ((3, 1), (2, 4)), None)
    """
    axes = len(shape)
    if 0 in shape or 0 in scale:
        return None
    if math.prod(scale) == 1:
        return shape, (1,) * axes
    if len(scale) == 1:
        along = next((axis for axis, length in enumerate(shape) if scale == (length,)), None)
        if along is None:
            return None
        spread = tuple(length if axis == along else 1 for axis, length in enumerate(shape))
        return tuple(1 if axis == along else length for axis, length in enumerate(shape)), spread
    scale = scale + (1,) * (axes - len(scale))
    if len(scale) != axes:
        return None
    if all(count in (1, -(-length // BLOCK)) for length, count in zip(shape, scale, strict=True)):
        blocks = tuple(length if count == 1 else BLOCK for length, count in zip(shape, scale, strict=True))
        return blocks, scale
    if any(length % count for length, count in zip(shape, scale, strict=True)):
        return None
    return tuple(length // count for length, count in zip(shape, scale, strict=True)), scale


def _times(weight: np.ndarray, scale: np.ndarray, zero: np.ndarray | None, over: int, budget: Budget) -> np.ndarray:
    """Returns (weight - zero point) * scale in float32, block by block."""
    budget.spend(COST * weight.size)
    with np.errstate(all="ignore"):  # scales out of a file may be anything
        values = weight.astype(np.float32)
        if zero is not None:
            values -= _spread(zero, values.shape)
        values *= _spread(scale, values.shape)
        return values / np.float32(over) if over != 1 else values


def _spread(scale: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Repeats scales over their blocks; axes with one scale, or one an element, are left to broadcasting."""
    blocks, counts = _blocks(shape, scale.shape) or (shape, (1,) * len(shape))
    spread = scale.astype(np.float32).reshape(counts)
    for axis, (length, block, count) in enumerate(zip(shape, blocks, counts, strict=True)):
        if 1 < count < length:
            spread = np.repeat(spread, block, axis=axis).take(range(length), axis=axis)
    return spread
