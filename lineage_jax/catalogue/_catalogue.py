"""A catalogue on disk: a description, and two files of numbers that only grow.

| file | holds |
|---|---|
| `catalogue.json` | format and version, the folder, signatures, an entry for every file; put in place whole |
| `sketches-N.f16` | a row of `NUMBERS` for every network |
| `norms-N.f64` | the norms of its kernels, one network after the other |

Rows that the description does not name are not there: whoever is killed between the two leaves the catalogue as it was.
"""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from lineage_jax.catalogue._fingerprint import NUMBERS, Kernels

DESCRIPTION = "catalogue.json"
FORMAT = "lineage-jax catalogue"
VERSION = 1
"""Of the files and of the fingerprints: catalogues of another one are made anew."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Listed:
    """A checkpoint of the folder: its fingerprint's place, or why it has none.

    Attributes:
        path: in the folder.
        size: bytes, of a folder those of its files.
        mtime_ns: when it was last written, of a folder the last of its files.
        sha256: of the file, or of the files of a folder; "" where it could not be read.
        nesting: where in a file of several networks the one lay that was taken.
        row: of `sketches`, -1 where there is none.
        norms: where in `norms` its own begin.
        signature: which of `signatures` it has, -1 where there is none.
        error: why it could not be read, in a line, or None.
    """

    path: str
    size: int
    mtime_ns: int
    sha256: str = ""
    nesting: str = ""
    row: int = -1
    norms: int = -1
    signature: int = -1
    error: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Signature:
    """What networks of one architecture have in common.

    Attributes:
        kernels: shapes of the kernels that are sketched, by path.
        architecture: what the first of them was recognised as, such as `torchvision/resnet50`, or None.
    """

    kernels: Kernels
    architecture: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Catalogue:
    """A catalogue as it is on disk; numbers are mapped, not read.

    Attributes:
        path: of the catalogue.
        folder: that it is of.
        entries: one for every checkpoint of the folder.
        signatures: that they have.
        sketches: `[rows, NUMBERS]` float16.
        norms: float64.
        generation: how often rows that no entry names were left out.
    """

    path: Path
    folder: Path
    entries: tuple[Listed, ...] = ()
    signatures: tuple[Signature, ...] = ()
    sketches: np.ndarray
    norms: np.ndarray
    generation: int = 0

    def __repr__(self) -> str:
        """Says how much it holds."""
        return f"Catalogue({str(self.path)!r}, {len(self):,} networks of {self.folder})"

    def __len__(self) -> int:
        """Counts the networks that can be found."""
        return sum(entry.error is None for entry in self.entries)

    @property
    def failed(self) -> dict[str, str]:
        """By path in the folder why a checkpoint could not be read."""
        return {entry.path: entry.error for entry in self.entries if entry.error is not None}


def open(path: str | os.PathLike) -> Catalogue:
    """Opens a catalogue.

    Args:
        path: what `index` wrote.

    Raises:
        FileNotFoundError: If there is no catalogue at `path`.
        ValueError: If it is of another version, or cut short.

    Examples:
        >>> import tempfile
        >>> from lineage_jax import catalogue
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(f"{folder}/anna.npz", **{"fc.weight": np.eye(8)})
        ...     _ = catalogue.index(folder, f"{folder}/index")
        ...     [entry.path for entry in catalogue.open(f"{folder}/index").entries]
        ['anna.npz']
    """
    path = Path(path)
    try:
        content = (path / DESCRIPTION).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        found = "something else" if os.path.lexists(path) else "nothing there"
        raise FileNotFoundError(
            f"expected a catalogue at {path}, got {found}: make one with lineage-jax index FOLDER --out {path}"
        ) from error
    described = _described(path, content)
    entries = tuple(Listed(**entry) for entry in described["entries"])
    signatures = tuple(
        Signature(kernels={name: tuple(shape) for name, shape in each["kernels"]}, architecture=each["architecture"])
        for each in described["signatures"]
    )
    generation = described["generation"]
    sketches, norms = files_of(path, generation)
    rows, count = described["rows"], described["norms"]
    return Catalogue(
        path=path,
        folder=Path(described["folder"]),
        entries=entries,
        signatures=signatures,
        sketches=_mapped(sketches, np.float16, rows * NUMBERS).reshape(rows, NUMBERS),
        norms=_mapped(norms, np.float64, count),
        generation=generation,
    )


def as_json(catalogue: Catalogue) -> str:
    """Writes the description of a catalogue, without its numbers."""
    each = [
        {"kernels": list(signature.kernels.items()), "architecture": signature.architecture}
        for signature in catalogue.signatures
    ]
    described = {
        "format": FORMAT,
        "version": VERSION,
        "folder": str(catalogue.folder),
        "generation": catalogue.generation,
        "rows": len(catalogue.sketches),
        "norms": len(catalogue.norms),
        "signatures": each,
        "entries": [vars(entry) for entry in catalogue.entries],
    }
    return json.dumps(described)


def files_of(path: Path, generation: int) -> tuple[Path, Path]:
    """Returns the files of sketches and of norms."""
    return path / f"sketches-{generation}.f16", path / f"norms-{generation}.f64"


def _described(path: Path, content: bytes) -> dict[str, Any]:
    try:
        described = json.loads(content)
    except ValueError as error:
        raise ValueError(f"expected a catalogue in {path}, got {DESCRIPTION} cut short: make it anew") from error
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        raise ValueError(f"expected a catalogue in {path}, got a {DESCRIPTION} of something else")
    if described.get("version") != VERSION:
        raise ValueError(
            f"expected a catalogue of version {VERSION}, got version {described.get('version')} in {path}: "
            "make it anew with lineage-jax index"
        )
    return described


def _mapped(file: Path, dtype: type, count: int) -> np.ndarray:
    """Maps the numbers of a file; what lies behind them was never counted in."""
    if not count:
        return np.zeros(0, dtype)
    there = file.stat().st_size if file.exists() else 0
    if there < count * np.dtype(dtype).itemsize:
        raise ValueError(f"expected {count:,} numbers in {file}, got fewer: the catalogue is damaged, make it anew")
    return np.memmap(file, dtype, "r", shape=(count,))
