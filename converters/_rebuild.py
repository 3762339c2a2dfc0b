"""The allow-list: the global names that a pickle may apply, and what each is rebuilt as.

Everything that these functions make is a plain container or the description of a tensor. They take the arguments as the
file gave them, and believe nothing of them.
"""

from typing import Any

import numpy as np

from converters._machine import Placeholder, Rebuild, as_key
from converters._numpy import ARRAYS, CLASSES
from converters._tensors import DTYPES, PER_CHANNEL, PER_TENSOR, STORAGES, Storage, Tensor
from converters._unreadable import Budget, UnreadableFile, damaged, shown

ENTRY_COST = 256
"""Bytes charged for an entry that is copied from one container into another."""
MOST_AXES = 64
"""As many as numpy takes."""


def is_known(name: str) -> bool:
    """Returns whether a global is rebuilt or a name that tensors are described with, so that nothing of it is lost."""
    module, _, last = name.rpartition(".")
    described = last in DTYPES or last in STORAGES or name in PER_TENSOR + PER_CHANNEL or name == "torch.device"
    return name in REBUILD or name in CLASSES or (module.partition(".")[0] == "torch" and described)


def _window(
    arguments: tuple, metadata: tuple = (), dtype: np.dtype | None = None, quantizer: tuple | None = None
) -> Tensor:
    """Returns a tensor from (storage, offset, shape, strides, ...)."""
    if any(isinstance(each, dict) and any(each.values()) for each in metadata):  # stored values are not the tensor's
        raise UnreadableFile(f"expected stored values, got a lazy view {metadata}: save after resolve_conj()")
    match arguments:
        case (Storage() as storage, offset, tuple(shape), tuple(strides), *_) if len(shape) == len(
            strides
        ) <= MOST_AXES and all(isinstance(number, int) and number >= 0 for number in (offset, *shape, *strides)):
            dtype = storage.dtype if dtype is None else dtype
            return Tensor(
                storage=storage, dtype=dtype, offset=offset, shape=shape, strides=strides, quantizer=quantizer
            )
    raise damaged("storage, offset, shape and strides of a tensor", arguments)


def _tensor(arguments: tuple, budget: Budget) -> Tensor:
    """(storage, offset, shape, strides, requires_grad, hooks, metadata), the last three not always."""
    return _window(arguments, metadata=arguments[6:])


def _tensor_of_dtype(arguments: tuple, budget: Budget) -> Tensor:
    """(storage, offset, shape, strides, requires_grad, hooks, dtype, metadata): formats without a storage class."""
    match arguments[6:]:
        case (Placeholder(name=name), *metadata) if name.removeprefix("torch.") in DTYPES:
            return _window(arguments, metadata=tuple(metadata), dtype=DTYPES[name.removeprefix("torch.")])
    found = arguments[6].name if arguments[6:] and isinstance(arguments[6], Placeholder) else shown(arguments[6:7])
    raise UnreadableFile(f"expected numbers that numpy has, got {found}: convert the tensors to float32")


def _quantized_tensor(arguments: tuple, budget: Budget) -> Tensor:
    """(storage, offset, shape, strides, quantizer, requires_grad, hooks)."""
    match arguments:
        case (_, _, _, _, tuple(quantizer), *_):
            return _window(arguments, quantizer=quantizer)
    raise damaged("a quantised tensor", arguments)


def _first(arguments: tuple, budget: Budget) -> Any:
    """(tensor, requires_grad, hooks, state): a parameter is its tensor."""
    if not arguments:
        raise damaged("the tensor of a parameter", "none")
    return arguments[0]


def _tensor_of_class(arguments: tuple, budget: Budget) -> Any:
    """(rebuilding function, class, its arguments, state): a tensor with attributes, or of a subclass."""
    match arguments:
        case (Placeholder(name=name), _, tuple(inner), *_) if name in _TENSORS:
            return _TENSORS[name](inner, budget)
    return Placeholder("torch._tensor._rebuild_from_type_v2", arguments)


def _mapping(arguments: tuple, budget: Budget) -> dict:
    """() or (pairs,) or (mapping,)."""
    given = arguments[0] if arguments else []
    pairs = list(given.items()) if isinstance(given, dict) else given
    if not isinstance(pairs, list) or not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        raise damaged("pairs of a dictionary", given)
    budget.spend(ENTRY_COST * len(pairs))
    return {as_key(key): value for key, value in pairs}


def _default_mapping(arguments: tuple, budget: Budget) -> dict:
    """(factory,): its entries are set afterwards."""
    return {}


def _set(arguments: tuple, budget: Budget) -> set:
    """() or (elements,)."""
    return set(map(as_key, _elements(arguments, budget)))


def _size(arguments: tuple, budget: Budget) -> tuple:
    """(lengths,)."""
    return tuple(_elements(arguments, budget))


def _elements(arguments: tuple, budget: Budget) -> list | tuple | set:
    given = arguments[0] if arguments else ()
    if not isinstance(given, list | tuple | set):
        raise damaged("elements of a set or shape", given)
    budget.spend(ENTRY_COST * len(given))
    return given


_TENSORS: dict[str, Rebuild] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_of_dtype,
    "torch._utils._rebuild_qtensor": _quantized_tensor,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": _first,
    "torch._utils._rebuild_device_tensor_from_numpy": _first,
    "torch._utils._rebuild_xla_tensor": _first,
    "torch.nn.parameter.Parameter": _first,  # how parameters and variables were written before PyTorch 0.4
    "torch.autograd.variable.Variable": _first,
}

REBUILD: dict[str, Rebuild] = {
    **_TENSORS,
    **ARRAYS,
    "flax.core.frozen_dict.FrozenDict": _mapping,
    "torch._tensor._rebuild_from_type_v2": _tensor_of_class,
    "torch._tensor._rebuild_from_type": _tensor_of_class,
    "torch.tensor._rebuild_from_type": _tensor_of_class,
    "torch.Size": _size,
    "collections.OrderedDict": _mapping,
    "collections.Counter": _mapping,
    "collections.defaultdict": _default_mapping,
    "builtins.set": _set,
    "builtins.frozenset": _set,
    "__builtin__.set": _set,  # as protocol 2 names it
    "__builtin__.frozenset": _set,
}
"""Global name -> the function that stands in for it."""
