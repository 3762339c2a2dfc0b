r"""Weights that are kept as a norm and a direction, with their largest singular value, or with a mask beside them.

| form | parts | plain weight |
|---|---|---|
| weight_norm | `weight_g`, `weight_v`; or `parametrizations.weight.original0`, `.original1` | $g \, v / \|v\|$ |
| spectral_norm | `weight_orig`, `_u`, `_v`; or `parametrizations.weight.original`, `.0._u`, `.0._v` | $w / u^T W v$ |
| pruning | `weight_orig`, `weight_mask` | their product |

Norms are over all axes on which $g$ has length 1, so that whatever `dim` was chosen is read off its shape. $W$ is the
weight as a matrix whose rows run along one axis; which one is told by the lengths of $u$ and $v$, and where two axes
are equally long, by $u$ itself, which is close to $W v$ along the right one. Sums are float64.

References:
    `torch.nn.utils`: weight_norm, spectral_norm, parametrizations, prune; PyTorch 2.13.
"""

import functools
import re
from collections.abc import Iterator

import numpy as np

from converters._form import Arrays, Form, kept, split
from converters._numbers import is_floating
from converters._unreadable import Budget

COST = 32
"""Bytes charged for an element of a weight that is computed: the result, and float64 on the way."""

PARAMETRISED = re.compile(r"((?:.*\.)?)parametrizations\.([^.]+)\.(.+)")
"""Module, parameter, and what is kept of it."""

LOW_RANK = re.compile(r"\d+\.lora_\w+")
"""What minLoRA keeps beside the original."""


def pruned(arrays: Arrays) -> Iterator[Form]:
    """Finds weights beside a mask of their own shape."""
    for name in arrays:
        stem = name.removesuffix("_orig")
        mask = f"{stem}_mask"
        if stem != name and mask in arrays and arrays[mask].shape == arrays[name].shape:
            make = functools.partial(_masked, arrays[name], arrays[mask])
            yield Form(kind="pruning", name=stem, parts=(name, mask), make=make)


def normed(arrays: Arrays) -> Iterator[Form]:
    """Finds weights under the names that the older functions of `torch.nn.utils` give."""
    for name, array in arrays.items():
        leaf = split(name)[1]
        stem = name[:-2] if leaf.endswith("_g") else name.removesuffix("_orig")
        direction, left = arrays.get(f"{stem}_v"), arrays.get(f"{stem}_u")
        if leaf.endswith("_g") and direction is not None and _is_norm_of(array, direction):
            make = functools.partial(_with_norm, array, direction)
            yield Form(kind="weight_norm", name=stem, parts=(name, f"{stem}_v"), make=make)
        elif leaf.endswith("_orig") and left is not None and is_floating(array.dtype):
            parts = (name, f"{stem}_u") if direction is None else (name, f"{stem}_u", f"{stem}_v")
            yield _spectral(stem, parts, array, left, direction)
        elif leaf in ("weight_orig", "bias_orig") and stem not in arrays and f"{stem}_mask" not in arrays:
            why = "what turns the original into the weight is not in the file"
            yield Form(kind="reparametrisation", name=stem, parts=(name,), why=why)


def parametrised(arrays: Arrays) -> Iterator[Form]:
    """Finds weights under the names of `torch.nn.utils.parametrize`; those of unknown functions cannot be told."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name in arrays:
        if found := PARAMETRISED.fullmatch(name):
            groups.setdefault((found[1], found[2]), []).append(name)
    for (module, parameter), names in groups.items():
        parts = {PARAMETRISED.fullmatch(name)[3]: arrays[name] for name in names}  # type: ignore[index]
        stem, there = f"{module}{parameter}", sorted(parts)
        low_rank = [part for part in there if LOW_RANK.fullmatch(part)]
        if there == ["original0", "original1"] and _is_norm_of(parts["original0"], parts["original1"]):
            make = functools.partial(_with_norm, parts["original0"], parts["original1"])
            yield Form(kind="weight_norm", name=stem, parts=tuple(names), make=make)
        elif there == ["0._u", "0._v", "original"]:
            yield _spectral(stem, tuple(names), parts["original"], parts["0._u"], parts["0._v"])
        elif low_rank and there == [*low_rank, "original"]:
            base = tuple(name for name in names if name.endswith(".original"))
            yield Form(kind="parametrised LoRA", name=stem, parts=base, make=kept(parts["original"]))
        else:
            yield Form(kind="parametrisation", name=stem, parts=tuple(names), why="its function is not in the file")


def _is_norm_of(norm: np.ndarray, direction: np.ndarray) -> bool:
    """Says whether norms have the shape that they have along one axis of a direction, or along none."""
    if not (is_floating(norm.dtype) and is_floating(direction.dtype)) or "c" in norm.dtype.kind + direction.dtype.kind:
        return False
    if norm.ndim == 0:
        return direction.ndim > 0
    along = [axis for axis, length in enumerate(norm.shape) if length != 1]
    same = norm.ndim == direction.ndim and len(along) <= 1
    return same and all(norm.shape[axis] == direction.shape[axis] for axis in along)


def _with_norm(norm: np.ndarray, direction: np.ndarray, budget: Budget) -> np.ndarray:
    budget.spend(COST * max(direction.size, 1))
    wide = direction.astype(np.float64)
    over = tuple(axis for axis in range(wide.ndim) if norm.ndim == 0 or norm.shape[axis] == 1)
    with np.errstate(all="ignore"):  # a direction of zeros has no norm: its weight is NaN in PyTorch too
        lengths = np.sqrt(np.sum(wide * wide, axis=over, keepdims=True))
        return (wide * (norm.astype(np.float64) / lengths)).astype(direction.dtype)


def _masked(weight: np.ndarray, mask: np.ndarray, budget: Budget) -> np.ndarray:
    budget.spend(2 * weight.dtype.itemsize * max(weight.size, 1))
    with np.errstate(all="ignore"):
        return weight * mask.astype(weight.dtype)


def _spectral(
    stem: str, parts: tuple[str, ...], weight: np.ndarray, left: np.ndarray, right: np.ndarray | None
) -> Form:
    rows = [
        axis
        for axis, length in enumerate(weight.shape)
        if left.shape == (length,) and length and (right is None or right.shape == (weight.size // length,))
    ]
    real = all(is_floating(a.dtype) and a.dtype.kind != "c" for a in (weight, left, weight if right is None else right))
    if not rows or not real:
        return Form(kind="spectral_norm", name=stem, parts=parts, why="its singular vectors have other lengths")
    make = functools.partial(_with_largest_value_one, weight, left, right, rows)
    return Form(kind="spectral_norm", name=stem, parts=parts, make=make)


def _with_largest_value_one(
    weight: np.ndarray, left: np.ndarray, right: np.ndarray | None, rows: list[int], budget: Budget
) -> np.ndarray:
    """Divides a weight by u^T W v; of several axes that the rows may run along, that along which u fits best."""
    budget.spend(COST * max(weight.size, 1) * len(rows))
    wide, u = weight.astype(np.float64), left.astype(np.float64)
    with np.errstate(all="ignore"):
        found = []
        for axis in rows:
            matrix = np.moveaxis(wide, axis, 0).reshape(len(u), -1)
            v = matrix.T @ u if right is None else right.astype(np.float64)
            v = v / np.sqrt(v @ v) if right is None else v
            along = matrix @ v
            fit = abs(u @ along) / np.sqrt((u @ u) * (along @ along))
            found.append((float(np.nan_to_num(fit)), u @ along))
        return (wide / max(found, key=lambda pair: pair[0])[1]).astype(weight.dtype)
