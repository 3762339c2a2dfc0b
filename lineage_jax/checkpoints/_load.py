"""Networks from folders, files and memory: which one it is, its weights as a tree, and the Flax module where known."""

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_jax.checkpoints._identify import identify, network_of, notes_of
from lineage_jax.checkpoints._names import name_of
from lineage_jax.checkpoints._network import LoadedNetwork

if TYPE_CHECKING:
    from flax import linen as nn

    from converters import Checkpoint
    from lineage_jax.typing import Params

COUNTER = "num_batches_tracked"
"""What PyTorch calls the number of batches that a normalisation has seen."""


def load(path: str | os.PathLike, arch: str | None = None, nesting: str | None = None) -> LoadedNetwork:
    """Reads a network: a checkpoint folder of ours, or a file or folder that another program has written.

    Args:
        path: folder or file.
        arch: the entry that a file is of, such as `torchvision/resnet50`, or None to recognise it.
        nesting: which network of a file of several, such as `model_ema`.

    Raises:
        FileNotFoundError: If there is nothing at `path`.
        ValueError: If there is no network, it is not of `arch`, or its weights are not finite; the message names the
            array as the file does.
        ImportError: If a format needs a package that is not installed.

    Examples:
        >>> import tempfile, jax
        >>> from lineage_jax import models
        >>> network = models.fc(5, widths=(8,))
        >>> variables = models.init(network, jax.random.key(0), (4, 4, 1))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     models.save_network(f"{folder}/anna", network, variables, input_shape=(4, 4, 1))
        ...     loaded = load(f"{folder}/anna")
        >>> loaded.name, loaded.network == network, loaded.input_shape
        ('anna', True, (4, 4, 1))
    """
    from lineage_jax import io

    path = Path(path)
    own = io.is_checkpoint(path) or not path.exists()
    return _checked(_load_own(path) if own else _recognised(_read_file(path, nesting), arch))


def read(path: str | os.PathLike, nesting: str | None = None) -> LoadedNetwork:
    """Reads the arrays of a network without asking which one it is, nor whether its weights are finite.

    Reading a file needs no JAX, which alone takes longer to import than many files take to read.

    Args:
        path: folder or file, as for `load`.
        nesting: which network of a file of several, such as `model_ema`.

    Raises:
        FileNotFoundError: If there is nothing at `path`.
        ValueError: If there is no network, or several of which `nesting` names none.
        ImportError: If a format needs a package that is not installed.

    Examples:
        >>> import tempfile, numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(f"{folder}/anna.npz", **{"fc.weight": np.ones((3, 2))})
        ...     read(f"{folder}/anna.npz").tree["params"]["fc"]["kernel"].shape
        (2, 3)
    """
    path = Path(path)
    if path.is_file():
        return _read_file(path, nesting)
    from lineage_jax import io

    own = io.is_checkpoint(path) or not path.exists()
    return _load_own(path) if own else _read_file(path, nesting)


def from_variables(
    variables: "Params",
    *,
    name: str,
    network: "nn.Module | None" = None,
    input_shape: tuple[int, int, int] | None = None,
) -> LoadedNetwork:
    """Takes a network in memory as one that was read.

    Args:
        variables: its arrays, `{"params": ...}` of Linen or any other tree.
        name: what it is called.
        network: the Flax module that takes them, where features are to be compared.
        input_shape: one image `(h, w, c)` of it.

    Raises:
        ValueError: If a weight is not finite.
    """
    return _checked(LoadedNetwork(name=name, tree=variables, network=network, input_shape=input_shape))


def _checked(loaded: LoadedNetwork) -> LoadedNetwork:
    """Refuses weights and statistics that are NaN or infinite, by the names that they have in the file."""
    from lineage_jax import pairs

    arrays = loaded.tree if loaded.file is None else dict(loaded.file.weights)
    pairs.check_finite(arrays, loaded.name if loaded.path is None else str(loaded.path))
    return loaded


def read_file(path: str | os.PathLike, nesting: str | None = None) -> "Checkpoint":
    """Reads what another program has written: a file, shards under an index, or a checkpoint of orbax.

    Raises:
        ValueError: If there is no network, or several of which `nesting` names none.
        OSError: If it cannot be read.
    """
    import converters

    path = Path(path)
    if not path.is_dir() or any(path.glob("*.index.json")):
        return converters.read(path, nesting=nesting)
    from lineage_jax import io

    folder = io.find_tree(path)
    if folder is None:
        return converters.read(path, nesting=nesting)
    tree, sha256 = io.load_tree(folder), io.sha256(folder)
    return converters.from_tree(tree, path=path, container="orbax", sha256=sha256, nesting=nesting)


def _load_own(path: Path) -> LoadedNetwork:
    from lineage_jax import io, models

    tree, description = io.load(path)
    if "tree of" in description:
        return LoadedNetwork(name=name_of(path), path=path, tree=tree)
    saved = models.restore_network(tree, description, path=path)
    known: dict[str, Any] = {"network": saved.network, "input_shape": saved.input_shape}
    return LoadedNetwork(name=name_of(path), path=path, tree=saved.variables, **known)


def _read_file(path: Path, nesting: str | None) -> LoadedNetwork:
    import converters

    file = read_file(path, nesting)
    return LoadedNetwork(
        name=name_of(path),
        path=path,
        tree=converters.as_tree(file.weights),
        file=file,
        notes=file.notes,
        unresolved=file.unresolved,
        counters=batch_counters(file),
    )


def _recognised(loaded: LoadedNetwork, arch: str | None) -> LoadedNetwork:
    """Says which network a file is, where that is known."""
    assert loaded.file is not None, "what is recognised was read from a file"
    match = identify(loaded.file, arch)
    if match is None:
        return loaded
    return dataclasses.replace(
        loaded,
        network=network_of(match),
        input_shape=match.input_shape,
        match=match,
        notes=(*loaded.notes, *notes_of(match, loaded.file)),
    )


def batch_counters(file: "Checkpoint") -> dict[str, int]:
    """Returns how many batches each normalisation has seen, by the file's name of the module."""
    return {
        name.rpartition(".")[0]: int(array)
        for name, array in file.tensors.items()
        if name.rpartition(".")[2] == COUNTER and array.size == 1 and array.dtype.kind in "iu"
    }
