"""Reading a network's file or folder: no torch, no import and no call named by the file, no write."""

import dataclasses
import hashlib
import mmap
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from converters._archive import Archive
from converters._containers import open_file
from converters._folder import INDEX, network_in, shard_note, shards_of, sum_of
from converters._forms import plain
from converters._numpy import OBJECTS, TEXTS, strides_of
from converters._partial import check_whole
from converters._progress import progress_in
from converters._rebuild import is_known
from converters._several_networks import notes_on_choice, without_copies
from converters._state_dict import find_state_dict
from converters._tensors import Storage, Tensor, to_array
from converters._tree import layout_of
from converters._trees import find_tree, is_tree
from converters._unreadable import Budget, UnreadableFile, shown

LIMIT = 8 << 30
"""Bytes, 8 GiB: the largest vision networks in float32, and what a workstation can hold."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A network's tensors as they lay in a file.

    Attributes:
        path: the file or folder.
        container: of PyTorch "zip", "legacy" (before 1.6) or "tar" (before 0.1.12); "safetensors"; "pickle" of anything
            else; "npz" or "npy"; "msgpack" of Flax; "orbax"; "keras" or "hdf5"; "onnx".
        tensors: the network's, in the order of the file; read-only views of the file where it holds the values as they
            are, else new arrays. bfloat16 and float8 are those of ml_dtypes; quantised tensors are float32, and weights
            in parts (weight_norm, spectral_norm, pruning, packed, scaled, in adapters' wrappers) are brought to plain
            ones.
        nesting: where they lay, such as "state_dict" or "[0].state_dict"; "" at the top.
        prefix: "module." or "_orig_mod.", or both, as stripped from every name.
        others: what else lay in the file, in a few words each: {"optimizer": "84 tensors", "epoch": "12"}.
        placeholders: global names that were not rebuilt, such as "distiller.thinning.ThinningRecipe".
        sha256: of the file; of several, that of the list which `sha256sum` prints of them.
        layout: "torch", `[out, in, h, w]`, or "flax", `[h, w, in, out]`, going by the names of the weights.
        notes: what a user should know of how this network was found and read, a line each.
        buffers: which of the tensors are no weights, and why: counters, queues, grids, position tables.
        unresolved: which of the tensors are weights in a form that cannot be brought to plain ones, and why.
        progress: how far a training was, by place in the file: {"epoch": 12, "optimizer.state.[0].step": 4800}.
    """

    path: Path
    container: str
    tensors: dict[str, np.ndarray]
    nesting: str
    prefix: str
    others: dict[str, str]
    placeholders: tuple[str, ...]
    sha256: str
    layout: str = "torch"
    notes: tuple[str, ...] = ()
    buffers: dict[str, str] = dataclasses.field(default_factory=dict)
    unresolved: dict[str, str] = dataclasses.field(default_factory=dict)
    progress: dict[str, int] = dataclasses.field(default_factory=dict)

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Returns the weights and normalisation statistics, the tensors that are neither buffers nor unresolved."""
        return {name: array for name, array in self.tensors.items() if name not in self.buffers | self.unresolved}


def read(path: str | os.PathLike, *, nesting: str | None = None, limit: int = LIMIT) -> Checkpoint:
    """Reads the network's tensors out of a file, whatever it is called, or out of a folder with shards and their index.

    Files of PyTorch of all versions, pickles of tensors or arrays (also in `.npy`), safetensors, `.npz`, MessagePack of
    Flax, HDF5 and Keras (with h5py) and ONNX are read. A file is mapped, not copied, and must stay as it is while the
    arrays are in use. What the reader takes beside it, and the size of all tensors together, stay below `limit`.

    Args:
        path: the file; or a folder, such as Hugging Face's, with one network, whole or in shards.
        nesting: where the network lies, in a file of several; by default the only one, or that which is usually meant:
            averaged weights ("state_dict_ema", "model_ema", "ema"), "state_dict", "model", "net"; a teacher, a
            generator, an online network (`notes` says which). Also a prefix in a flat state_dict, such as "student".
        limit: bytes of tensors and other content that are accepted at most.

    Raises:
        FileNotFoundError: If there is no such file or folder.
        UnreadableFile: If it holds no network, none at `nesting`, or is malformed, or needs more than `limit`.

    References:
        `torch.load` and its unpickler for `weights_only=True`, PyTorch 2.13.

    Examples:
        >>> import converters, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     converters.write(f"{folder}/a.pth", {"fc.bias": np.arange(3.0)})
        ...     converters.read(f"{folder}/a.pth").tensors
        {'fc.bias': array([0., 1., 2.])}
    """
    path = Path(path)
    if not path.is_file() and not path.is_dir():
        raise FileNotFoundError(f"expected the file or folder of a network at {path}, found none: check the path")
    try:
        return _read(path, nesting, Budget(limit))
    except UnreadableFile as error:
        raise UnreadableFile(f"{path}: {error}") from error


def from_tree(
    tree: Mapping[str, Any], *, path: Path, container: str, sha256: str, nesting: str | None = None
) -> Checkpoint:
    """Finds the network in nested dictionaries of arrays that somebody else has read, such as orbax.

    Args:
        tree: variables, parameters alone, or a training state, of which the optimizer's moments are left out.
        path: where it lay.
        container: what is said of that.
        sha256: of it.
        nesting: where the parameters lie; see `read`.

    Raises:
        UnreadableFile: If there is no network in it or at `nesting`, several of which none is usually meant, or more
            than 8 GiB.

    Examples:
        >>> state = {"params": {"fc": {"kernel": np.ones((2, 3))}}, "opt_state": [{"mu": {"fc": np.ones(6)}}]}
        >>> found = from_tree(state, path=Path("a"), container="orbax", sha256="")
        >>> list(found.tensors), found.others, found.layout
        (['params/fc/kernel'], {'opt_state': '1 tensor'}, 'flax')
    """
    budget = Budget(LIMIT)
    archive = Archive(value=_described(tree), contents=_elsewhere, is_tree=True)
    try:
        return _checkpoint(path, container, archive, sha256, nesting, budget)
    except UnreadableFile as error:
        raise UnreadableFile(f"{path}: {error}") from error


def _read(path: Path, nesting: str | None, budget: Budget) -> Checkpoint:
    source = network_in(path) if path.is_dir() else path
    open_all = _open_shards if source.name.endswith(INDEX) else _open
    return _checkpoint(path, *open_all(source, budget), nesting, budget)


def _checkpoint(
    path: Path, container: str, archive: Archive, sha256: str, nesting: str | None, budget: Budget
) -> Checkpoint:
    """Finds the network in what a file holds, and makes its arrays."""
    find = find_tree if is_tree(archive, budget) else find_state_dict
    found = find(archive.value, nesting, budget)
    tensors, texts = _numbers(found.tensors)
    check_whole(tensors, found.others)
    arrays = {name: to_array(tensor, archive.contents, budget) for name, tensor in tensors.items()}
    said: tuple[str, ...] = ()
    if nesting is None:
        said = notes_on_choice(found, arrays, archive)
        arrays, copies = without_copies(arrays)
        said += copies
    brought = plain(arrays, budget)
    return Checkpoint(
        path=path,
        container=container,
        tensors=brought.tensors,
        nesting=found.nesting,
        prefix=found.prefix,
        others={**found.others, **texts, **archive.texts},
        placeholders=tuple(name for name in archive.globals if not is_known(name)),
        sha256=sha256,
        layout=archive.layout or layout_of(arrays),
        notes=(*archive.notes, *found.notes, *shard_note(path), *said, *brought.notes),
        buffers=brought.buffers,
        unresolved=brought.unresolved,
        progress=progress_in(archive, budget),
    )


def _open(path: Path, budget: Budget) -> tuple[str, Archive, str]:
    """Returns the container, what it holds, and its sum."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            raise UnreadableFile("expected the file of a network, got an empty one: fetch it again")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    container, archive = open_file(data, budget, path)
    return container, archive, hashlib.sha256(data).hexdigest()


def _open_shards(index: Path, budget: Budget) -> tuple[str, Archive, str]:
    """Returns the same of shards together, whose tensors are those that the index names."""
    opened, tensors, sums = [], {}, {}
    for number, (path, names) in enumerate(shards_of(index).items()):
        container, archive, sums[path.name] = _open(path, budget)
        opened.append(archive)
        for key in names:
            tensor = archive.value.get(key) if isinstance(archive.value, dict) else None
            if not isinstance(tensor, Tensor):
                raise UnreadableFile(
                    f"expected {shown(key)} in {path.name}, as the index says, got none: fetch it again"
                )
            if tensor.storage.content is None:
                tensor.storage = dataclasses.replace(tensor.storage, key=f"{number}:{tensor.storage.key}")
            tensors[key] = tensor

    def contents(storage: Storage) -> np.ndarray:
        number, _, key = storage.key.partition(":")
        return opened[int(number)].contents(dataclasses.replace(storage, key=key))

    unknown = tuple(dict.fromkeys(name for archive in opened for name in archive.globals))
    texts = {"shards": f"{len(sums)} files"}
    return container, Archive(value=tensors, contents=contents, globals=unknown, texts=texts), sum_of(sums)


def _numbers(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Parts arrays of numbers from those of texts.

    Raises:
        UnreadableFile: If one holds objects.
    """
    numbers, texts = {}, {}
    for name, tensor in tensors.items():
        if tensor.dtype == OBJECTS:
            raise UnreadableFile(f"expected arrays of numbers, got objects or records at {shown(name)}: leave it out")
        if tensor.dtype == TEXTS:
            texts[name] = f"texts of shape {tensor.shape}"
        else:
            numbers[name] = tensor
    return numbers, texts


def _described(tree: Any) -> Any:
    """Describes arrays in memory as the tensors that a file would hold."""
    if isinstance(tree, Mapping):
        return {str(key): _described(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_described(value) for value in tree]
    if not isinstance(tree, np.ndarray) or tree.dtype.kind in "OSUMm":
        return tree
    content = np.ascontiguousarray(tree).reshape(-1).view(np.uint8)
    storage = Storage(key="", dtype=tree.dtype, count=tree.size, content=content)
    return Tensor(
        storage=storage, dtype=tree.dtype, offset=0, shape=tree.shape, strides=strides_of(tree.shape, fortran=False)
    )


def _elsewhere(storage: Storage) -> np.ndarray:
    raise UnreadableFile(f"expected arrays in memory, got a reference to {storage.key}")
