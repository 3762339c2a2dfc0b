"""What makes two functions the same to a compiled program, without keeping either alive.

What is made of values (a Flax network, a measure with its options, a partial function, arrays and containers of these)
is the same if all its parts are. A plain function, a lambda say, is the same as itself alone, and a program that was
compiled for it can be let go of with it.
"""

import dataclasses
import functools
import types
import weakref
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import flax.linen as nn
import jax
import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class _Itself:
    """Stands for one object while that lives, and equals nothing afterwards."""

    reference: weakref.ref
    address: int

    def __hash__(self) -> int:
        return self.address

    def __eq__(self, other: object) -> bool:
        thing = self.reference()
        return self is other or (thing is not None and isinstance(other, _Itself) and other.reference() is thing)


def identity_of(value: Any) -> Hashable:
    """Returns a key that is equal for what is the same, and can be hashed where the value itself cannot.

    Dictionaries are the same in whatever order; arrays by what they hold; 1, 1.0 and True are equal to Python, and
    three settings here. A network in another one is the same as a network alone.

    Examples:
        >>> identity_of(nn.Dense(4)) == identity_of(nn.Dense(4)), identity_of([{"a": 2}]) == identity_of([{"a": 3}])
        (True, False)
        >>> one, other = (lambda x: x), (lambda x: x)
        >>> identity_of(one) == identity_of(one), identity_of(one) == identity_of(other)
        (True, False)
        >>> identity_of(functools.partial(max, 1)) == identity_of(functools.partial(max, 1))
        True
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
    if isinstance(value, types.MethodType):
        return types.MethodType, identity_of(value.__self__), identity_of(value.__func__)
    if isinstance(value, functools.partial):
        return type(value), identity_of(value.func), identity_of(value.args), identity_of(value.keywords)
    if _is_made_of_fields(value):
        return type(value), _fields(value)
    if type(value).__hash__ in (None, object.__hash__):
        return _itself(value)
    return type(value), value


def watch(key: Hashable, then: Callable[[], object]) -> tuple[weakref.ref, ...]:
    """Calls a function once any of the objects is gone that stand for themselves in a key of `identity_of`.

    Returns:
        What watches: let go of it, and nothing is called any more.
    """
    things = (one.reference() for one in set(_themselves(key)))
    return tuple(weakref.ref(thing, lambda _: then()) for thing in things if thing is not None)


def _is_made_of_fields(value: Any) -> bool:
    by_value = type(value).__eq__ is not object.__eq__
    return dataclasses.is_dataclass(value) and not isinstance(value, type) and by_value


def _fields(value: Any, without: tuple[str, ...] = ()) -> Hashable:
    names = [field.name for field in dataclasses.fields(value) if field.compare and field.name not in without]
    return tuple((name, identity_of(getattr(value, name))) for name in names)


def _itself(value: Any) -> Hashable:
    try:
        return _Itself(weakref.ref(value), id(value))
    except TypeError:  # a few built-in kinds cannot be referred to weakly
        return type(value), value


def _themselves(key: Hashable) -> Iterator[_Itself]:
    if isinstance(key, _Itself):
        yield key
    elif isinstance(key, tuple | frozenset):
        for part in key:
            yield from _themselves(part)
