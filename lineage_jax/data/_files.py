"""Arrays out of IDX, .npy and .npz files, with every malformed file refused in one line."""

import gzip
import math
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""Third byte of an IDX file -> the dtype of its big-endian numbers."""

GZIP = b"\x1f\x8b"


def require_file(path: str | Path, what: str) -> Path:
    """Returns the path if a file is there.

    Raises:
        FileNotFoundError: If there is none.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"expected {what} at {path}, found no such file: check the path")
    return Path(path)


def first_bytes(path: Path) -> bytes:
    """Returns the bytes by which formats are told apart, whatever the file is called."""
    with path.open("rb") as file:
        return file.read(6)


def read_idx(path: str | Path) -> np.ndarray:
    """Reads an IDX file, gzipped or not, in the machine's own byte order.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no IDX file, or holds fewer or more bytes than its header announces.

    References:
        LeCun, Cortes and Burges, "The MNIST database of handwritten digits", section "File formats".
    """
    path = require_file(path, "an IDX file")
    content = _uncompressed(path)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in IDX_TYPES or content[3] == 0:
        raise ValueError(f"{path} is no IDX file: it starts with the bytes {content[:4].hex(' ') or '(none)'}")
    dtype, rank = np.dtype(IDX_TYPES[content[2]]), content[3]
    start = 4 + 4 * rank
    if len(content) < start:
        raise ValueError(f"{path} is truncated: its header needs {start} bytes, the file has {len(content)}")
    shape = struct.unpack(f">{rank}I", content[4:start])
    expected, found = math.prod(shape) * dtype.itemsize, len(content) - start
    if found != expected:
        problem = "truncated" if found < expected else "too long"
        raise ValueError(f"{path} is {problem}: shape {shape} of {dtype.name} needs {expected} bytes, it has {found}")
    return np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def read_npz(path: str | Path) -> dict[str, np.ndarray]:
    """Reads all arrays of an .npz file by name; the one array of an .npy file has the empty name.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it cannot be read without unpickling, which could run any code.
    """
    path = require_file(path, "an .npy or .npz file")
    try:
        with path.open("rb") as file:  # numpy leaves a broken archive open when it opens the file itself
            loaded = np.load(file, allow_pickle=False)
            arrays = {"": loaded} if isinstance(loaded, np.ndarray) else dict(loaded)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ValueError(f"{path} cannot be read as .npy or .npz without pickles: {reason}") from error
    strangers = [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]
    if strangers:
        raise ValueError(f"{path} is no .npz file: its entry {strangers[0]} is no array")
    return arrays


def _uncompressed(path: Path) -> bytes:
    content = path.read_bytes()
    if content[:2] != GZIP:
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path} is truncated or damaged: its gzip stream does not unpack ({error})") from error
