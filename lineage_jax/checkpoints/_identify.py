"""Which network a file is of: the entry that fits, the Flax module of it, and what was left out."""

import difflib
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flax import linen as nn

    from converters import Checkpoint, Entry, Match
    from lineage_jax.checkpoints._network import LoadedNetwork

logger = logging.getLogger(__name__)


def identify(file: "Checkpoint", arch: str | None = None) -> "Match | None":
    """Returns the entry that is named or that fits, the first of several with a line in the log that says so.

    Args:
        file: what was read.
        arch: the name of an entry, such as `torchvision/resnet50`, or None to recognise it.

    Raises:
        ValueError: If there is no such entry, or the file is of another network.
    """
    import converters

    shapes = {name: array.shape for name, array in file.tensors.items()}
    if arch is not None:
        entry = entry_of(arch)
        inside = converters.recognise(shapes, buffers=file.buffers).fits
        match = next((each for each in inside if each.entry is entry), converters.compare(shapes, entry))
        if match.settings is None:
            raise ValueError(f"expected {file.path} to be {arch}, but {'; '.join(match.differences)}")
        return match
    found = converters.recognise(shapes, buffers=file.buffers)
    if found.others:
        others = ", ".join(match.entry.name for match in found.others)
        logger.info(
            f"{file.path.name} is taken as {found.fits[0].entry.name}; it may be {others}, of equal names and shapes "
            f"but other numbers (epsilon, padding): choose with --arch"
        )
    return found.fits[0] if found.fits else None


def architecture_of(loaded: "LoadedNetwork") -> str | None:
    """Names the entry that a network's file fits, such as `torchvision/resnet50`, or its Flax module, or nothing."""
    import converters

    if loaded.file is None:
        return None if loaded.network is None else type(loaded.network).__name__
    shapes = {name: array.shape for name, array in loaded.file.tensors.items()}
    fits = converters.recognise(shapes, buffers=loaded.file.buffers).fits
    return fits[0].entry.name if fits else None


def entry_of(arch: str) -> "Entry":
    """Looks an entry up by name.

    Raises:
        ValueError: If there is none; names the nearest.
    """
    import converters

    if arch not in converters.ENTRIES:
        near = difflib.get_close_matches(arch, converters.ENTRIES, n=3, cutoff=0.4) or list(converters.ENTRIES)[:3]
        raise ValueError(f"unknown architecture '{arch}'; the nearest of {len(converters.ENTRIES)}: {', '.join(near)}")
    return converters.ENTRIES[arch]


def network_of(match: "Match") -> "nn.Module":
    """Builds the network that a file was recognised as; one that was recognised up to its head gets one of one class.

    Heads of other networks have another shape as a rule, and then take no part; the features that are compared lie
    before the head.
    """
    from lineage_jax import models

    settings = {**(match.settings or {}), **({"num_classes": 1} if match.headless else {})}
    return models.build(match.entry.architecture, **settings)


def notes_of(match: "Match", file: "Checkpoint") -> tuple[str, ...]:
    """Says what was stripped off a network that was recognised, and what was left out."""
    notes = []
    where = f" under '{match.prefix}'" if match.prefix else ""
    if where or match.headless:
        head = ", but for its head" if match.headless else ""
        notes.append(f"{file.path.name} is {match.entry.name}{where}{head}")
    left = [name for name in match.ignored if name not in file.buffers]
    if left:
        more = f" and {len(left) - 1} more" if len(left) > 1 else ""
        notes.append(f"left out, as no part of {match.entry.name}: '{left[0]}'{more}")
    return tuple(notes)
