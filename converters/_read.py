"""Reading a PyTorch or safetensors file: no torch, no import and no call named by the file, no write."""

import dataclasses
import hashlib
import mmap
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np

from converters._archive import Archive
from converters._forms import plain
from converters._legacy import open_legacy
from converters._rebuild import is_known
from converters._safetensors import open_safetensors
from converters._state_dict import find_state_dict
from converters._tar import open_tar
from converters._tensors import to_array
from converters._unreadable import Budget, UnreadableFile
from converters._zip import open_zip

LIMIT = 8 << 30
"""Bytes, 8 GiB: the largest vision networks in float32, and what a workstation can hold."""

OPENERS: dict[str, Callable[[mmap.mmap, Budget], Archive]] = {"zip": open_zip, "legacy": open_legacy, "tar": open_tar}
HINTS = {
    b"\x1f\x8b": "it is packed by gzip, unpack it",
    b"version https://": "it is a pointer of Git LFS, fetch the file that it points to",
    b"\x89HDF": "it is HDF5, export the network with torch.save",
}
"""How files start that are mistaken for checkpoints, and what to do then."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A network's tensors as they lay in a file.

    Attributes:
        path: the file.
        container: "zip", "legacy" (before PyTorch 1.6), "tar" (before 0.1.12) or "safetensors".
        tensors: the network's, in the order of the file; read-only, and views of the file where it holds the values as
            they are. bfloat16 and float8 are those of ml_dtypes; quantised tensors are float32, and weights in parts
            (weight_norm, spectral_norm, pruning, packed, scaled, in adapters' wrappers) are brought to plain ones.
        nesting: where they lay, such as "state_dict" or "[0].state_dict"; "" at the top.
        prefix: "module." or "_orig_mod.", or both, as stripped from every name.
        others: what else lay in the file, in a few words each: {"optimizer": "84 tensors", "epoch": "12"}.
        placeholders: global names that were not rebuilt, such as "distiller.thinning.ThinningRecipe".
        sha256: of the file.
        notes: what a user should know of how this network was found and read, a line each.
        buffers: which of the tensors are no weights, and why: counters, queues, grids, position tables.
        unresolved: which of the tensors are weights in a form that cannot be brought to plain ones, and why.
    """

    path: Path
    container: str
    tensors: dict[str, np.ndarray]
    nesting: str
    prefix: str
    others: dict[str, str]
    placeholders: tuple[str, ...]
    sha256: str
    notes: tuple[str, ...] = ()
    buffers: dict[str, str] = dataclasses.field(default_factory=dict)
    unresolved: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Returns the weights and normalisation statistics: the tensors that are neither buffers nor unresolved."""
        return {name: array for name, array in self.tensors.items() if name not in self.buffers | self.unresolved}


def read(path: str | os.PathLike, *, nesting: str | None = None, limit: int = LIMIT) -> Checkpoint:
    """Reads the network's tensors out of a `.pt`, `.pth`, `.th`, `.tar` or `.safetensors` file, whatever it is called.

    The file is mapped, not copied, and must stay as it is while the arrays are in use. What the reader takes beside it,
    and the size of all tensors together, stay below `limit`.

    Args:
        path: the file.
        nesting: where the network lies, in a file of several; by default the only one, or that under the first of the
            usual names: averaged weights ("state_dict_ema", "model_ema", "ema"), "state_dict", "model", "net".
        limit: bytes of tensors and other content that are accepted at most.

    Raises:
        FileNotFoundError: If there is no such file.
        UnreadableFile: If it holds no network, or several, or is malformed, or needs more than `limit`.

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
    if not path.is_file():
        raise FileNotFoundError(f"expected a PyTorch or safetensors file at {path}, found none: check the path")
    try:
        return _read(path, nesting, Budget(limit))
    except UnreadableFile as error:
        raise UnreadableFile(f"{path}: {error}") from error


def _read(path: Path, nesting: str | None, budget: Budget) -> Checkpoint:
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            raise UnreadableFile("expected a PyTorch or safetensors file, got an empty one: fetch it again")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    container = _container(data)
    archive = open_safetensors(data, budget, path) if container == "safetensors" else OPENERS[container](data, budget)
    found = find_state_dict(archive.value, nesting, budget)
    arrays = {name: to_array(tensor, archive.contents, budget) for name, tensor in found.tensors.items()}
    brought = plain(arrays, budget)
    return Checkpoint(
        path=path,
        container=container,
        tensors=brought.tensors,
        nesting=found.nesting,
        prefix=found.prefix,
        others={**found.others, **archive.texts},
        placeholders=tuple(name for name in archive.globals if not is_known(name)),
        sha256=hashlib.sha256(data).hexdigest(),
        notes=brought.notes,
        buffers=brought.buffers,
        unresolved=brought.unresolved,
    )


def _container(data: mmap.mmap) -> str:
    """Tells containers apart by how they start, whatever the file is called."""
    if data[:4] in (b"PK\3\4", b"PK\5\6"):
        return "zip"
    if data[257:262] == b"ustar":
        return "tar"
    if data[8:9] == b"{" and int.from_bytes(data[:8], "little") <= len(data) - 8:
        return "safetensors"
    if data[:1] == pickle.PROTO:
        return "legacy"
    start = data[:16]
    hint = next((words for magic, words in HINTS.items() if start.startswith(magic)), "fetch the file itself")
    raise UnreadableFile(f"expected a file of torch.save or safetensors, got one that starts with {start!r}: {hint}")
