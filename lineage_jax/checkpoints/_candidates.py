"""The networks in question: what each is called, and which can be read."""

import collections
import dataclasses
import itertools
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lineage_jax.checkpoints._load import Loaded, load, name_of
from lineage_jax.checkpoints._reasons import in_one_line

logger = logging.getLogger(__name__)

UNREADABLE = (ValueError, OSError, ImportError)
"""What reading a network raises for a file or folder that is none, is damaged, or needs an extra."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """A child and the candidates that could be read.

    Attributes:
        child: what the child is called.
        suspect: the child.
        parents: the candidates by name.
        among: the child itself was given as a candidate too.
        skipped: candidates that could not be read, and why.
    """

    child: str
    suspect: Loaded
    parents: dict[str, Loaded]
    among: bool = False
    skipped: dict[str, str] = dataclasses.field(default_factory=dict)


def load_all(
    parents: Sequence[Path],
    child: Path,
    arch: str | None,
    nesting: str | None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Asked:
    """Reads a child and its candidates; of these a bad one is said and skipped, and the child itself is left out.

    Raises:
        ValueError: If the child or every candidate cannot be read.
        OSError: The same.
    """
    given = once(parents)
    paths = [path for path in given if path.resolve() != child.resolve()]
    child_name, *names = tell_apart([child, *paths])
    total = len(paths) + 1
    progress(0, total)
    suspect = load(child, arch, nesting)
    progress(1, total)
    candidates = dict(zip(names, paths, strict=True))
    loaded, failed = load_some(candidates, arch, nesting, progress=lambda done: progress(1 + done, total))
    say_notes({child_name: suspect, **loaded})
    return Asked(
        child=child_name,
        suspect=suspect,
        parents=loaded,
        among=len(paths) < len(given),
        skipped=failed,
    )


def load_some(
    paths: Mapping[str, Path],
    arch: str | None,
    nesting: str | None = None,
    *,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[dict[str, Loaded], dict[str, str]]:
    """Reads networks; returns those that can be read, and why the others cannot, which is said as well.

    Raises:
        ValueError: If none can be read.
        OSError: The same.
    """
    loaded: dict[str, Loaded] = {}
    failed: dict[str, Exception] = {}
    for done, (name, path) in enumerate(paths.items(), start=1):
        try:
            loaded[name] = load(path, arch, nesting)
        except UNREADABLE as reason:
            failed[name] = reason
        progress(done)
    if failed and not loaded:
        raise next(iter(failed.values()))
    skipped = {name: in_one_line(error) for name, error in failed.items()}
    for name, line in skipped.items():
        logger.warning(f"skipped {name}: {line}")
    return loaded, skipped


def say_notes(networks: Mapping[str, Loaded]) -> None:
    """Says how networks were read, where there is something to say; what many have in common once."""
    of_note: dict[str, list[str]] = {}
    for name, loaded in networks.items():
        for note in loaded.notes:
            of_note.setdefault(note, []).append(name)
    for note, names in of_note.items():
        who = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        logger.info(f"{who}: {note}")


def once(paths: Sequence[Path]) -> list[Path]:
    """Returns the places that are given, each once, and says which came more often."""
    places = collections.Counter(path.resolve() for path in paths)
    for place, count in places.items():
        if count > 1:
            logger.info(f"{place} is given {count} times, and taken once")
    return list({path.resolve(): path for path in reversed(paths)}.values())[::-1]


def tell_apart(paths: Sequence[Path]) -> list[str]:
    """Calls each network by its folder or file, and those of one name by the part of their paths that differs.

    Examples:
        >>> tell_apart([Path("runs/1/weights/best.pt"), Path("runs/2/weights/best.pt"), Path("other.pt")])
        ['1', '2', 'other']
        >>> tell_apart([Path("a/best.pt"), Path("a/best.safetensors")])
        ['best.pt', 'best.safetensors']
    """
    names = [name_of(path) for path in paths]
    alike = {name: [place for place, other in enumerate(names) if other == name] for name in names}
    called = list(names)
    for name, places in alike.items():
        if len(places) > 1:
            for place, part in zip(places, _differing([paths[place] for place in places]), strict=True):
                called[place] = part or name
    taken = collections.Counter(called)
    return [str(path) if taken[name] > 1 else name for name, path in zip(called, paths, strict=True)]


def _differing(paths: Sequence[Path]) -> list[str]:
    """Returns what is left of each path without the steps that all begin with and those that all end with."""
    steps = [Path(os.path.abspath(path)).parts for path in paths]
    steps = [path[_agreeing(steps) :] for path in steps]
    end = _agreeing([path[::-1] for path in steps])
    return ["/".join(path[: len(path) - end]) for path in steps]


def _agreeing(steps: Sequence[Sequence[str]]) -> int:
    """Returns how many first steps all paths have in common."""
    return sum(1 for _ in itertools.takewhile(lambda level: len(set(level)) == 1, zip(*steps, strict=False)))
