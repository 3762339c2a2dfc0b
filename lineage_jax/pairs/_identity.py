"""What makes two functions the same to a compiled program, without keeping either alive.

Functions made of values (a Linen network and its layers, a measure with its options, a partial) are the same if all
their parts are. A plain function, a lambda say, is the same as itself alone, and a program that was compiled for it is
let go of with it.
"""

import dataclasses
import functools
import types
import weakref
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, eq=False)
class Itself:
    """Stands for one object while that lives, and equals nothing afterwards."""

    reference: weakref.ref
    address: int

    def __hash__(self) -> int:
        return self.address

    def __eq__(self, other: object) -> bool:
        thing = self.reference()
        return self is other or (thing is not None and isinstance(other, Itself) and other.reference() is thing)


def identity(thing: Any) -> Hashable:
    """Returns a key that is equal for what is the same.

    Examples:
        >>> one, other = (lambda x: x), (lambda x: x)
        >>> identity(one) == identity(one), identity(one) == identity(other)
        (True, False)
        >>> identity(functools.partial(max, 1)) == identity(functools.partial(max, 1))
        True
    """
    if isinstance(thing, tuple | list):
        return (type(thing), *map(identity, thing))
    if isinstance(thing, Mapping):
        return (type(thing), *((identity(key), identity(entry)) for key, entry in thing.items()))
    if isinstance(thing, types.MethodType):
        return (types.MethodType, identity(thing.__self__), identity(thing.__func__))
    if type(thing) is functools.partial:
        return (functools.partial, identity(thing.func), identity(thing.args), identity(thing.keywords))
    if _is_made_of_fields(thing):
        fields = (getattr(thing, field.name) for field in dataclasses.fields(thing) if field.compare)
        return (type(thing), *map(identity, fields))
    if type(thing).__hash__ in (None, object.__hash__):
        return _itself(thing)
    return (type(thing), thing)


def watch(key: Hashable, then: Callable[[], object]) -> tuple[weakref.ref, ...]:
    """Calls a function once any of the objects that stand in a key for themselves is gone.

    Returns:
        What watches: let go of it, and nothing is called any more.
    """
    things = (one.reference() for one in set(_themselves(key)))
    return tuple(weakref.ref(thing, lambda _: then()) for thing in things if thing is not None)


def _is_made_of_fields(thing: Any) -> bool:
    by_value = type(thing).__eq__ is not object.__eq__
    return dataclasses.is_dataclass(thing) and not isinstance(thing, type) and by_value


def _itself(thing: Any) -> Hashable:
    try:
        return Itself(weakref.ref(thing), id(thing))
    except TypeError:  # a few built-in kinds cannot be referred to weakly
        return (type(thing), thing)


def _themselves(key: Hashable) -> Iterator[Itself]:
    if isinstance(key, Itself):
        yield key
    elif isinstance(key, tuple):
        for part in key:
            yield from _themselves(part)
