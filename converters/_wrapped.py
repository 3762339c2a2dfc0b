"""A network of the zoo inside of something else: under a module's name, with another head or none.

A wrapper (`model.`, `net.`, `backbone._orig_mod.`) is looked for where an entry's first kernel ends a name. What lies
beside the network may be buffers, and dense layers behind it: an array of more than two axes is another part of the
function, and then this is another network. Of the network itself only the head may be missing or be another one.
"""

import collections
import dataclasses
import functools
from collections.abc import Collection, Iterator, Mapping

from converters._entry import Entry
from converters._index import index, names_of
from converters._layouts import Shape
from converters._matching import Match, Reader, by_path, compare_paths, expected, tried
from converters._zoo import ENTRIES

FEWEST = 0.8
"""Share of an entry's names that lie under a prefix at least, before shapes are compared."""
MOST_AXES = 2
"""Axes of arrays that may lie beside a network, or be its head."""


def wrapped(shapes: Mapping[str, Shape], buffers: Collection[str]) -> list[Match]:
    """Returns the entries that fit a part of a state_dict, those of the largest part."""
    found = []
    under = _under(shapes)
    for entry in (ENTRIES[name] for name in index() if name in ENTRIES):
        first, count = _first_kernel(entry.name)
        for prefix in _prefixes(first, shapes):
            if under[prefix] >= FEWEST * count:
                match = _within(prefix, shapes, buffers, entry)
                found += [match] if match is not None else []
    most = max((len(shapes) - len(match.ignored) for match in found), default=0)
    return [match for match in found if len(shapes) - len(match.ignored) == most]


@functools.cache
def head_of(entry: str) -> str | None:
    """Returns the module, with its dot, of the one dense layer that tells the number of classes, if there is one.

    Examples:
        >>> head_of("torchvision/resnet18"), head_of("timm/vit_tiny_patch16_224"), head_of("milesial/unet")
        ('fc.', 'head.', None)
    """
    reader = Reader(names_of(entry))
    tried(ENTRIES[entry].sizes, reader)
    dense = [name for name in reader.read if len(reader.shapes.get(name, ())) == MOST_AXES]
    return dense[0].removesuffix("weight") if len(dense) == 1 else None


@functools.cache
def _first_kernel(entry: str) -> tuple[str, int]:
    """Returns the first kernel of an entry, and how many names it has but for its head and its counters."""
    names, head = names_of(entry), head_of(entry)
    body = [name for name in names if not ENTRIES[entry].ignores(name) and not (head and name.startswith(head))]
    return next(name for name in body if len(names[name]) > 1), len(body)


def _under(shapes: Collection[str]) -> collections.Counter[str]:
    """Counts the names under every prefix."""
    counts: collections.Counter[str] = collections.Counter()
    for name in shapes:
        counts[""] += 1
        for place, letter in enumerate(name):
            if letter == ".":
                counts[name[: place + 1]] += 1
    return counts


def _prefixes(first: str, shapes: Collection[str]) -> Iterator[str]:
    ends = f".{first}"
    yield from (name.removesuffix(first) for name in shapes if name == first or name.endswith(ends))


def _within(prefix: str, shapes: Mapping[str, Shape], buffers: Collection[str], entry: Entry) -> Match | None:
    """Compares what lies under a prefix, but for buffers that the network has no place for, with an entry."""
    beside = {name: shape for name, shape in shapes.items() if not name.startswith(prefix)}
    if any(len(shape) > MOST_AXES for name, shape in beside.items() if name not in buffers):
        return None
    inside = {name.removeprefix(prefix): shape for name, shape in shapes.items() if name.startswith(prefix)}
    wanted = expected(entry.name)[0]
    without = {
        name: shape for name, shape in inside.items() if prefix + name not in buffers or entry.path(name) in wanted
    }
    match = compare_paths(without, by_path(without, entry), entry)
    ignored = [*beside, *(prefix + name for name in inside if name not in without)]
    if match.fits:
        return _placed(match, prefix, ignored)
    head = head_of(entry.name)
    return None if head is None else _but_for_head(prefix, without, ignored, entry, head)


def _but_for_head(
    prefix: str,
    inside: Mapping[str, Shape],
    ignored: list[str],
    entry: Entry,
    head: str,
) -> Match | None:
    """Compares with an entry whose head is put in the place of whatever head there is."""
    names = names_of(entry.name)
    modules = {name.partition(".")[0] for name in names if not name.startswith(head)}
    wanted = expected(entry.name)[0]
    own = [
        name
        for name, shape in inside.items()
        if name.startswith(head)
        or (entry.path(name) not in wanted and name.partition(".")[0] not in modules and len(shape) <= MOST_AXES)
    ]
    body = {name: shape for name, shape in inside.items() if name not in own}
    heads = {name: (0, *shape[1:]) for name, shape in names.items() if name.startswith(head)}
    if heads.keys() <= set(own):  # the head is there, and something else does not fit
        return None
    match = compare_paths({**body, **heads}, by_path({**body, **heads}, entry), entry, free=heads)
    if not match.fits or any(len(inside[name]) > MOST_AXES for name in own):
        return None
    return _placed(match, prefix, [*ignored, *(prefix + name for name in own)], headless=True)


def _placed(match: Match, prefix: str, ignored: list[str], *, headless: bool = False) -> Match:
    return dataclasses.replace(match, prefix=prefix, ignored=tuple(ignored), headless=headless)
