"""Which network is it? From the names and shapes of a state_dict alone."""

import dataclasses
from collections.abc import Collection
from typing import Any

from converters._entry import Entry, Shapes
from converters._index import index
from converters._matching import LeafPath as LeafPath
from converters._matching import Match, Named, by_path, compare_paths
from converters._wrapped import wrapped
from converters._zoo import ENTRIES

NEAREST = 3
"""How many entries are named where none fits."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recognition:
    """What a state_dict may be.

    Attributes:
        fits: the entries that fit equally well, in the order of `ENTRIES`; empty where none does.
        nearest: the entries that come nearest, best first, where none fits; those of which nothing agrees left out.
    """

    fits: tuple[Match, ...]
    nearest: tuple[Match, ...]

    @property
    def others(self) -> tuple[Match, ...]:
        """Returns the fits that compute something else than the first; their weights alone do not tell them apart."""
        own = [(match.entry.architecture, match.settings) for match in self.fits]
        return tuple(match for match, network in zip(self.fits, own, strict=True) if network != own[0])


def recognise(shapes: Shapes, *, buffers: Collection[str] = ()) -> Recognition:
    """Finds the networks of the zoo that a state_dict may belong to.

    Names must agree, and shapes up to the sizes that an entry reads off them: in an array that it reads they are free,
    elsewhere they must have grown as one of those sizes has (all convolutions with the width, the rows of the head with
    the number of classes). A network whose sizes list more or fewer layers than the index's has them under the same
    names but for their numbers. `to_flax` then has the last word, since only the built network knows every shape.
    Where nothing fits the whole, a network in a wrapper, beside buffers, with another head or none is looked for.

    Args:
        shapes: name to shape, in any order, with or without counters of batches.
        buffers: names of arrays that are no weights, which a network need have no place for.

    Examples:
        >>> from converters import names_of
        >>> shapes = {**names_of("torchvision/resnet18"), "fc.weight": (100, 512), "fc.bias": (100,)}
        >>> found = recognise(shapes)
        >>> found.fits[0].entry.name, found.fits[0].settings, found.others
        ('torchvision/resnet18', {'num_classes': 100}, ())
        >>> found = recognise({f"model.{name}": shape for name, shape in shapes.items() if not name.startswith("fc.")})
        >>> found.fits[0].entry.name, found.fits[0].prefix, found.fits[0].headless
        ('torchvision/resnet18', 'model.', True)
        >>> del shapes["bn1.bias"]
        >>> recognise(shapes).nearest[0].differences
        ("'bn1.bias': nothing, expected (64,)",)
    """
    readings: dict[Any, dict[LeafPath, Named]] = {}  # many entries share their renames
    matches = []
    for entry in (ENTRIES[name] for name in index() if name in ENTRIES):
        key = entry.renames, entry.ignored
        readings[key] = readings.get(key) or by_path(shapes, entry)
        matches.append(compare_paths(shapes, readings[key], entry))
    order = list(ENTRIES)
    fitting = [match for match in matches if match.fits] or wrapped(shapes, buffers)
    most = max((match.same for match in fitting), default=0)
    best = sorted((m for m in fitting if m.same == most), key=lambda match: order.index(match.entry.name))
    nearest = [] if best else sorted((m for m in matches if m.share), key=lambda match: -match.share)[:NEAREST]
    return Recognition(fits=tuple(best), nearest=tuple(nearest))


def compare(shapes: Shapes, entry: Entry) -> Match:
    """Compares a state_dict with the one that the index holds of an entry.

    Names are compared as the paths that the entry makes of them, so that a name of old and one of today agree.

    Raises:
        ValueError: If the index does not hold the entry.
    """
    return compare_paths(shapes, by_path(shapes, entry), entry)
