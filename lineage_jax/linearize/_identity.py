"""When two networks are the same function: compiled programs of one are found again for the other."""

import dataclasses
import functools
from collections.abc import Hashable, Mapping
from typing import Any

import flax.linen as nn
import jax
import numpy as np


def identity_of(value: Any) -> Hashable:
    """Returns what is equal for equal values, and can be hashed where the value itself cannot.

    Modules, dataclasses, dictionaries, lists, partial functions and arrays count by what they hold; anything else that
    cannot be hashed is equal to itself alone.

    Examples:
        >>> identity_of(nn.Dense(4)) == identity_of(nn.Dense(4)), identity_of([{"a": 2}]) == identity_of([{"a": 3}])
        (True, False)
    """
    if isinstance(value, nn.Module):
        return type(value), _fields(value, without=("parent",))
    if isinstance(value, Mapping):
        return type(value), frozenset((identity_of(key), identity_of(entry)) for key, entry in value.items())
    if isinstance(value, list | tuple):
        return type(value), tuple(map(identity_of, value))
    if isinstance(value, set | frozenset):
        return type(value), frozenset(map(identity_of, value))
    if isinstance(value, np.ndarray | jax.Array):
        return type(value), value.shape, str(value.dtype), np.asarray(value).tobytes()
    if isinstance(value, functools.partial):
        return type(value), value.func, identity_of(value.args), identity_of(value.keywords)
    try:
        hash(value)
    except TypeError:
        is_data = dataclasses.is_dataclass(value) and not isinstance(value, type)
        return (type(value), _fields(value)) if is_data else _Itself(value)
    return type(value), value  # 1, 1.0 and True are equal to Python, and are other networks


@dataclasses.dataclass(frozen=True, eq=False)
class _Itself:
    """A value that is equal to itself alone; it is kept, so that its address stays its own."""

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


def _fields(value: Any, without: tuple[str, ...] = ()) -> Hashable:
    names = [field.name for field in dataclasses.fields(value) if field.name not in without]
    return tuple((name, identity_of(getattr(value, name))) for name in names)
