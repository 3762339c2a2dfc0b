"""What a weight that lies in parts is brought to: the parts' names, the plain name, and how the values are made."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from converters._unreadable import Budget

Arrays = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Form:
    """One weight in a form of its own.

    Attributes:
        kind: what the form is called, such as "weight_norm".
        name: the plain weight's name.
        parts: the names that it lies under.
        make: computes the plain weight, or None where it cannot be told.
        why: why not, of a form without `make`.
    """

    kind: str
    name: str
    parts: tuple[str, ...]
    make: Callable[[Budget], np.ndarray] | None = None
    why: str = ""


Finder = Callable[[Arrays], Iterable[Form]]
"""Finds the weights of some forms among arrays by name."""


def kept(array: np.ndarray) -> Callable[[Budget], np.ndarray]:
    """Makes what returns an array as it lies, under another name."""
    return lambda budget: array


def split(name: str) -> tuple[str, str]:
    """Returns the module's part of a name, its dot included, and the last part.

    Examples:
        >>> split("layer1.conv.weight"), split("weight")
        (('layer1.conv.', 'weight'), ('', 'weight'))
    """
    module, dot, leaf = name.rpartition(".")
    return module + dot, leaf
