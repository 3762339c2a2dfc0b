"""Networks from folders and files: which one it is, its weights as a tree, and the Flax network where it is known."""

import dataclasses
import difflib
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from flax import linen as nn

    from converters import Checkpoint, Match
    from lineage_jax.models import SavedNetwork
    from lineage_jax.typing import Params

SUFFIXES = {
    *(".pt", ".pth", ".th", ".tar", ".t7", ".bin", ".ckpt", ".model", ".safetensors"),
    *(".npz", ".npy", ".pkl", ".pickle", ".msgpack", ".h5", ".hdf5", ".keras", ".onnx", ".pdparams"),
}

COUNTER = "num_batches_tracked"
"""What PyTorch calls the batches that a normalisation has counted."""

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Loaded:
    """A network that the user pointed at.

    Attributes:
        path: file or checkpoint folder.
        tree: its arrays by path; those of a file under the file's own names.
        network: the Flax network, or None where the architecture is not known.
        input_shape: one image `(h, w, c)` of a known network.
        file: what the file holds, or None for a folder.
        match: the entry that a file was recognised as.
        notes: what should be said of how the network was read, a line each.
        unresolved: weights in a form that cannot be brought to plain ones, by name, and why: they take no part.
        counters: how many batches each normalisation has seen, by the file's name of the module.
    """

    path: Path
    tree: "Params"
    network: "nn.Module | None" = None
    input_shape: tuple[int, int, int] | None = None
    file: "Checkpoint | None" = None
    match: "Match | None" = None
    notes: tuple[str, ...] = ()
    unresolved: Mapping[str, str] = dataclasses.field(default_factory=dict)
    counters: Mapping[str, int] = dataclasses.field(default_factory=dict)


def load(path: Path, arch: str | None, nesting: str | None = None) -> Loaded:
    """Reads a checkpoint folder of our own, or a file or folder that another program has written.

    Args:
        path: folder or file.
        arch: the entry that a file is of, or None to recognise it.
        nesting: which network of a file of several.

    Raises:
        ValueError: If there is no network, or its weights are not finite.
    """
    from lineage_jax import io

    own = path.is_dir() and (path / io.SUMS).is_file()
    loaded = _load_own(path) if own or not path.exists() else _load_file(path, arch, nesting)
    check_finite(loaded)
    return loaded


def check_finite(loaded: Loaded) -> None:
    """Refuses weights and statistics that are NaN or infinite, by the names that they have in the file.

    Raises:
        ValueError: If there are any; says in which array, and how many.
    """
    from lineage_jax import pairs

    pairs.check_finite(loaded.tree if loaded.file is None else dict(loaded.file.weights), str(loaded.path))


def read(path: Path, nesting: str | None = None) -> "Checkpoint":
    """Reads a file, or a folder that another program has written: shards under an index, or a checkpoint of orbax."""
    import converters

    if not path.is_dir() or any(path.glob("*.index.json")):
        return converters.read(path, nesting=nesting)
    from lineage_jax import io

    folder = io.find_tree(path)
    if folder is None:
        return converters.read(path, nesting=nesting)
    tree, sha256 = io.load_tree(folder), io.sha256(folder)
    return converters.from_tree(tree, path=path, container="orbax", sha256=sha256, nesting=nesting)


def _load_own(path: Path) -> Loaded:
    from lineage_jax import io, models

    tree, description = io.load(path)
    if "tree of" in description:
        return Loaded(path=path, tree=tree)
    saved = models.restore_network(tree, description, path=path)
    return Loaded(path=path, tree=saved.variables, network=saved.network, input_shape=saved.input_shape)


def _load_file(path: Path, arch: str | None, nesting: str | None) -> Loaded:
    import converters

    file = read(path, nesting)
    loaded = Loaded(
        path=path,
        tree=converters.as_tree(file.weights),
        file=file,
        notes=file.notes,
        unresolved=file.unresolved,
        counters=counters_of(file),
    )
    match = identify(file, arch)
    if match is None:
        return loaded
    return dataclasses.replace(
        loaded,
        network=network_of(match),
        input_shape=match.input_shape,
        match=match,
        notes=(*loaded.notes, *notes_of(match, file)),
    )


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


def counters_of(file: "Checkpoint") -> dict[str, int]:
    """Returns how many batches each normalisation has seen, by the file's name of the module."""
    return {
        name.rpartition(".")[0]: int(array)
        for name, array in file.tensors.items()
        if name.rpartition(".")[2] == COUNTER and array.size == 1 and array.dtype.kind in "iu"
    }


def identify(file: "Checkpoint", arch: str | None) -> "Match | None":
    """Returns the entry that the user named or that fits, the first of several with a line that says so."""
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


def entry_of(arch: str) -> Any:
    """Looks an entry up by name."""
    import converters

    if arch not in converters.ENTRIES:
        near = difflib.get_close_matches(arch, converters.ENTRIES, n=3, cutoff=0.4) or list(converters.ENTRIES)[:3]
        raise ValueError(f"unknown architecture '{arch}'; the nearest of {len(converters.ENTRIES)}: {', '.join(near)}")
    return converters.ENTRIES[arch]


def to_saved(loaded: Loaded) -> "SavedNetwork":
    """Returns the network with its variables, those of a file brought to Flax's names and layouts in float32."""
    import numpy as np

    import converters
    from lineage_jax import models

    if loaded.network is None or loaded.input_shape is None:
        raise ValueError(f"expected a network of known architecture, got {loaded.path}")
    variables = loaded.tree
    if loaded.file is not None and loaded.match is not None:
        target = models.shapes_of(loaded.network, loaded.input_shape)
        tensors = in_float32(loaded.match.select(loaded.file.tensors))
        head = f"params/{loaded.network.head}/" if loaded.match.headless else None
        filled = {path: shape for path, shape in target.items() if head is None or not path.startswith(head)}
        variables = converters.to_flax(tensors, filled, loaded.match.entry).variables
        if head is not None:  # what is missing counts as zeros, as in lineage.overlap
            leaves = {path.removeprefix(head): shape for path, shape in target.items() if path.startswith(head)}
            variables["params"][loaded.network.head] = {
                leaf: np.zeros(shape, np.float32) for leaf, shape in leaves.items()
            }
    return models.SavedNetwork(network=loaded.network, variables=variables, input_shape=loaded.input_shape)


def own_arrays(loaded: Loaded) -> "Params":
    """Returns the arrays by path, those of a file under its own names in float32."""
    import converters

    return loaded.tree if loaded.file is None else converters.as_tree(in_float32(loaded.file.weights))


def in_float32(tensors: Mapping[str, "np.ndarray"]) -> dict[str, "np.ndarray"]:
    """Brings floating-point arrays of any precision to float32; others, and float32 itself, stay as they are."""
    import jax.numpy as jnp

    return {
        name: array.astype("float32", copy=False) if jnp.issubdtype(array.dtype, jnp.floating) else array
        for name, array in tensors.items()
    }


def obstacle(networks: Sequence[Loaded]) -> str | None:
    """Says why features cannot be compared, or None where all networks are of one architecture up to their classes."""
    first = networks[0]
    for loaded in networks:
        if loaded.network is None:
            return f"{loaded.path.name} is of no known architecture"
        if not same_architecture(loaded.network, first.network):
            return f"{loaded.path.name} is of another network, {brief(loaded.network)}, than {first.path.name}"
        if loaded.input_shape != first.input_shape:
            return f"{loaded.path.name} takes images {loaded.input_shape}, {first.path.name} {first.input_shape}"
    return None


def same_architecture(network: Any, like: Any) -> bool:
    """Says whether two networks are equal up to the number of classes."""
    return type(network) is type(like) and network.clone(num_classes=like.num_classes) == like


def name_of(path: Path) -> str:
    """Calls a network by its folder or file, without the endings of checkpoints; a link by its own name.

    Examples:
        >>> name_of(Path("runs/resnet20-v1.5.pth.tar"))
        'resnet20-v1.5'
    """
    path = Path(os.path.abspath(path))  # a cache of downloads links names to sums
    path = Path(path.name)
    while path.suffix in SUFFIXES:
        path = path.with_suffix("")
    return path.name


def brief(network: "nn.Module") -> str:
    """Says in a few words what a network is, up to the number of classes."""
    from lineage_jax import models

    return " ".join(str(value) for key, value in models.describe(network).items() if key != "num_classes")
