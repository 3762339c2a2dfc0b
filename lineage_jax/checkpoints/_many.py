"""Many networks by name, each read when it is asked for."""

import collections
import dataclasses
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lineage_jax.checkpoints._load import from_variables, load
from lineage_jax.checkpoints._names import names_of
from lineage_jax.checkpoints._network import LoadedNetwork
from lineage_jax.checkpoints._reasons import in_one_line

if TYPE_CHECKING:
    from flax import linen as nn

    from lineage_jax.typing import Params

logger = logging.getLogger(__name__)

Paths: TypeAlias = str | os.PathLike | Sequence[str | os.PathLike]
"""A folder whose files and folders are networks, one file, or several paths."""

UNREADABLE = (ValueError, OSError, ImportError)
"""What reading a network raises for a file or folder that is none, is damaged, or needs an extra."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class LazyNetworks(Mapping[str, Any]):  # not `LoadedNetwork`: a run-time check of types would read one to see it
    """Networks by name, each read again whenever it is asked for: nothing is kept.

    Attributes:
        given: by name a path, a loaded network, a `models.SavedNetwork`, or variables in memory.
        arch: the entry that files are of, or None to recognise each.
        nesting: which network of files of several.
        network: the Flax module of variables in memory, or None.
        input_shape: one image `(h, w, c)` of that, or None.
    """

    given: Mapping[str, Any]
    arch: str | None = None
    nesting: str | None = None
    network: "nn.Module | None" = None
    input_shape: tuple[int, int, int] | None = None

    def __getitem__(self, name: str) -> LoadedNetwork:
        """Reads one network, and calls it by this name."""
        from lineage_jax.models import SavedNetwork

        given = self.given[name]
        if isinstance(given, str | os.PathLike):
            given = load(given, self.arch, self.nesting)
        if isinstance(given, LoadedNetwork):
            return given if given.name == name else dataclasses.replace(given, name=name)
        if isinstance(given, SavedNetwork):
            return from_variables(given.variables, name=name, network=given.network, input_shape=given.input_shape)
        return from_variables(given, name=name, network=self.network, input_shape=self.input_shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self.given)

    def __len__(self) -> int:
        return len(self.given)

    def __contains__(self, name: object) -> bool:
        """Says whether there is such a name, without reading it."""
        return name in self.given

    def __repr__(self) -> str:
        """Says what can be asked for; nothing is read."""
        return f"LazyNetworks({', '.join(self.given)})"

    @property
    def variables(self) -> "Mapping[str, Params]":
        """The variables alone, read when asked for: what `lineage.score` takes as parents or children."""
        return _Variables(networks=self)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Variables(Mapping[str, Any]):
    """The variables of networks that are read when asked for."""

    networks: LazyNetworks

    def __getitem__(self, name: str) -> "Params":
        return self.networks[name].variables

    def __iter__(self) -> Iterator[str]:
        return iter(self.networks)

    def __len__(self) -> int:
        return len(self.networks)

    def __contains__(self, name: object) -> bool:
        return name in self.networks


def load_many(
    paths: Paths | Mapping[str, str | os.PathLike], arch: str | None = None, nesting: str | None = None
) -> LazyNetworks:
    """Calls networks on disk by their names and reads each when it is asked for, so that few need memory at a time.

    Args:
        paths: a folder whose files and folders are networks (hidden ones are passed over), one file, several paths, or
            paths by the name that each network gets.
        arch: the entry that the files are of, such as `torchvision/resnet50`, or None to recognise each.
        nesting: which network of files of several, such as `model_ema`.

    Returns:
        A mapping from name to `LoadedNetwork`; its `variables` are one to the variables alone.

    Raises:
        FileNotFoundError: If there is nothing at the one path that is given.
        ValueError: If a folder is empty. What cannot be read raises when it is asked for, as `load` does.

    Examples:
        >>> import tempfile, numpy as np
        >>> from lineage_jax import io
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("anna", "bert"):
        ...         io.save(f"{folder}/{name}", {"w": np.ones(3)}, description={"tree of": name})
        ...     networks = load_many(folder)
        ...     list(networks), networks["bert"].tree["w"].tolist()
        (['anna', 'bert'], [1.0, 1.0, 1.0])
    """
    if isinstance(paths, Mapping):
        return LazyNetworks(given=paths, arch=arch, nesting=nesting)
    each = distinct_paths(paths_in(paths))
    return LazyNetworks(given=dict(zip(names_of(each), each, strict=True)), arch=arch, nesting=nesting)


def paths_in(paths: Paths) -> list[Path]:
    """Returns the networks of a folder, or the paths that are given.

    Raises:
        FileNotFoundError: If there is nothing at the one path that is given.
        ValueError: If a folder is empty.
    """
    from lineage_jax import io

    if not isinstance(paths, str | os.PathLike):
        return [Path(path) for path in paths]
    place = Path(paths)
    if not place.exists():
        raise FileNotFoundError(f"expected a folder of networks, got {place}, where there is nothing")
    if not place.is_dir() or io.is_checkpoint(place) or any(place.glob("*.index.json")):
        return [place]
    inside = [path for path in sorted(place.iterdir()) if not path.name.startswith(".")]
    if not inside:
        raise ValueError(f"expected networks in {place}, got an empty folder")
    return inside


def distinct_paths(paths: Sequence[Path]) -> list[Path]:
    """Returns the places that are given, each once, and logs which came more often."""
    places = collections.Counter(path.resolve() for path in paths)
    for place, count in places.items():
        if count > 1:
            logger.info(f"{place} is given {count} times, and taken once")
    return list({path.resolve(): path for path in reversed(paths)}.values())[::-1]


def each_readable(
    networks: LazyNetworks, *, progress: Callable[[int, int], None] = lambda done, total: None
) -> Iterator[tuple[str, LoadedNetwork | Exception]]:
    """Yields all networks of a lazy mapping one by one, or instead of one why it cannot be read; none is kept.

    Args:
        networks: as `load_many` returns them.
        progress: called with how many are done with, and how many there are.
    """
    for done, name in enumerate(networks, start=1):
        try:
            found: LoadedNetwork | Exception = networks[name]
        except UNREADABLE as reason:
            found = reason
        yield name, found
        del found  # or it would stay until the next one is read
        progress(done, len(networks))


def load_readable(
    networks: LazyNetworks, *, progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[dict[str, LoadedNetwork], dict[str, str]]:
    """Reads all networks of a lazy mapping that can be read.

    Args:
        networks: as `load_many` returns them.
        progress: called with how many were tried, and how many there are.

    Returns:
        The networks, and by name why others cannot be read, in a line each that is logged as a warning too.

    Raises:
        ValueError: If there are some and none can be read: what was wrong with the first.
        OSError: The same.
        ImportError: The same.
    """
    loaded: dict[str, LoadedNetwork] = {}
    failed: dict[str, Exception] = {}
    for name, found in each_readable(networks, progress=progress):
        if isinstance(found, LoadedNetwork):
            loaded[name] = found
        else:
            failed[name] = found
    if failed and not loaded:
        raise next(iter(failed.values()))
    skipped = {name: in_one_line(error) for name, error in failed.items()}
    for name, line in skipped.items():
        logger.warning(f"skipped {name}: {line}")
    return loaded, skipped


def log_notes(networks: Mapping[str, LoadedNetwork]) -> None:
    """Logs how networks were read, where there is something to say; what many have in common once."""
    of_note: dict[str, list[str]] = {}
    for name, loaded in networks.items():
        for note in loaded.notes:
            of_note.setdefault(note, []).append(name)
    for note, names in of_note.items():
        who = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
        logger.info(f"{who}: {note}")
