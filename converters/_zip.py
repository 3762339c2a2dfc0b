"""The container of PyTorch since 1.6, a zip archive: `NAME/data.pkl`, and `NAME/data/KEY` for each storage.

Entries are stored as a rule, and then arrays are views of the file; an archive that somebody packed again may hold
deflated ones. Names serve for look-ups in the archive's own directory, and never reach the file system. Checksums are
not compared, as PyTorch does not: `torch.save` can be told to leave them out. TorchScript archives have the same parts.

References:
    PKWARE, ".ZIP File Format Specification" (APPNOTE.TXT), 4.3 and 4.5.3; `torch.serialization`, version 2: `_load`.
"""

import dataclasses
import functools
import struct
import zlib
from mmap import mmap

import numpy as np

from converters._archive import Archive, stretch
from converters._machine import Machine
from converters._rebuild import REBUILD
from converters._tensors import Storage, as_storage
from converters._unreadable import Budget, UnreadableFile, damaged, shown

END, END_SIGNATURE = struct.Struct("<10xH4xI2x"), b"PK\5\6"  # count of entries, offset of the directory
WIDE_LOCATOR, WIDE_LOCATOR_SIGNATURE = struct.Struct("<8xQ4x"), b"PK\6\7"  # where the next is
WIDE_END, WIDE_END_SIGNATURE = struct.Struct("<32xQ8xQ"), b"PK\6\6"  # as `END`, in eight bytes each
CENTRAL, CENTRAL_SIGNATURE = struct.Struct("<8xHH8xIIHHH8xI"), b"PK\1\2"  # fields of `directory`
LOCAL, LOCAL_SIGNATURE = struct.Struct("<26xHH"), b"PK\3\4"  # lengths of name and extra field

LONGEST_COMMENT = 0xFFFF
WIDE, WIDE_FIELD = 0xFFFFFFFF, 1
"""What stands for a number of eight bytes, and the extra field where those are."""
ENCRYPTED = 1
STORED, DEFLATED = 0, 8
METHODS = {9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 99: "encryption"}
MOST_DEFLATED = 1032
"""Bytes that one byte of a deflated stream can stand for at most."""
WINDOW = 1 << 16
"""Bytes that unpacking takes beside its output."""
ENTRY_COST = 1024
"""Bytes charged for an entry of the directory, beside its name."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """An entry of the archive's directory; sizes and offset in bytes."""

    method: int
    packed: int
    size: int
    offset: int


def roots_of(entries: dict[str, Entry]) -> list[str]:
    """Returns the folders in which `torch.save` has put a pickle."""
    return [name.removesuffix("data.pkl") for name in entries if name.count("/") == 1 and name.endswith("/data.pkl")]


def open_zip(data: mmap, entries: dict[str, Entry], budget: Budget) -> Archive:
    """Runs the pickle of the archive with this directory and finds its storages.

    Raises:
        UnreadableFile: If the archive is malformed or cut short.
    """
    file = np.frombuffer(data, np.uint8)
    (root,) = roots_of(entries)
    order = unpack(file, entries[f"{root}byteorder"], budget).tobytes() if f"{root}byteorder" in entries else b"little"
    if order not in (b"little", b"big"):
        raise damaged("byte order little or big", order)

    @functools.cache
    def run(key: str, component: int) -> np.ndarray:
        if f"{root}data/{key}" not in entries:
            raise damaged(f"an entry data/{shown(key)} in the zip archive", "none")
        content = unpack(file, entries[f"{root}data/{key}"], budget)
        if order == b"little" or component == 1:
            return content
        budget.spend(content.size)
        return content[: content.size // component * component].view(f"u{component}").byteswap().view(np.uint8)

    def contents(storage: Storage) -> np.ndarray:
        return stretch(run(storage.key, storage.dtype.itemsize // (2 if storage.dtype.kind == "c" else 1)), 0, storage)

    machine = _machine(data, file, entries[f"{root}data.pkl"], budget)
    return Archive(value=machine.run(), contents=contents, globals=tuple(machine.globals))


def directory(data: mmap, budget: Budget) -> dict[str, Entry]:
    """Returns the entries by name.

    Raises:
        UnreadableFile: If the directory is malformed or names an entry twice.
    """
    end = data.rfind(END_SIGNATURE, max(0, len(data) - END.size - LONGEST_COMMENT))
    count, position = _fields(END, END_SIGNATURE, data, end)
    locator = end - WIDE_LOCATOR.size
    if locator >= 0 and data[locator : locator + 4] == WIDE_LOCATOR_SIGNATURE:
        (wide_end,) = _fields(WIDE_LOCATOR, WIDE_LOCATOR_SIGNATURE, data, locator)
        count, position = _fields(WIDE_END, WIDE_END_SIGNATURE, data, wide_end)
    entries: dict[str, Entry] = {}
    for _ in range(count):
        fields = _fields(CENTRAL, CENTRAL_SIGNATURE, data, position)
        flags, method, packed, size, name_length, extra_length, comment_length, offset = fields
        position += CENTRAL.size
        budget.spend(ENTRY_COST + 4 * name_length)
        name = data[position : position + name_length].decode(errors="replace")
        extra = data[position + name_length : position + name_length + extra_length]
        if name in entries:
            raise damaged("entries of different names", f"{shown(name)} twice")
        if flags & ENCRYPTED:
            raise UnreadableFile(f"expected an archive without a password, got {shown(name)} encrypted: unpack it")
        size, packed, offset = _widened(extra, size, packed, offset)
        entries[name] = Entry(method=method, packed=packed, size=size, offset=offset)
        position += name_length + extra_length + comment_length
    return entries


def unpack(file: np.ndarray, entry: Entry, budget: Budget) -> np.ndarray:
    """Returns the content of an entry: a view where it is stored, else a new array of the size that the entry declares.

    Raises:
        UnreadableFile: If the entry is malformed or does not unpack to its declared size.
    """
    start = start_of(file, entry)
    content = file[start : start + entry.packed]
    if content.size < entry.packed:
        raise damaged(f"{entry.packed} bytes of an entry at byte {start}", f"{content.size}")
    if entry.method == STORED and entry.size == entry.packed:
        return content
    if entry.method not in (STORED, DEFLATED):
        packer = METHODS.get(entry.method, f"method {entry.method}")
        raise UnreadableFile(
            f"expected an entry that is stored or deflated, got one packed by {packer}: unpack the archive and pack it "
            "again with zip -0"
        )
    if entry.method != DEFLATED or entry.size > MOST_DEFLATED * entry.packed:
        raise damaged("an entry of its own size", f"{entry.packed} bytes for {entry.size}")
    budget.spend(2 * entry.size + WINDOW)  # zlib may hold the output in pieces before it joins them
    machine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        unpacked = machine.decompress(content.data, entry.size + 1)  # at most; 0 would be no bound
    except zlib.error as error:
        raise damaged("a deflated entry", str(error)) from error
    if len(unpacked) != entry.size:
        raise damaged(f"an entry of {entry.size} bytes", f"{len(unpacked)}")
    return np.frombuffer(unpacked, np.uint8)


def start_of(file: np.ndarray | mmap, entry: Entry) -> int:
    """Returns the first byte of what an entry holds."""
    name_length, extra_length = _fields(LOCAL, LOCAL_SIGNATURE, file, entry.offset)
    return entry.offset + LOCAL.size + name_length + extra_length


def _machine(data: mmap, file: np.ndarray, entry: Entry, budget: Budget) -> Machine:
    """Returns the machine for a pickle: on the file itself where it is stored there."""
    script = unpack(file, entry, budget)
    if entry.method == STORED:
        start = start_of(file, entry)
        return Machine(
            data, position=start, end=start + entry.size, budget=budget, rebuild=REBUILD, persistent=as_storage
        )
    budget.spend(script.size)
    return Machine(script.tobytes(), budget=budget, rebuild=REBUILD, persistent=as_storage)


def _fields(layout: struct.Struct, signature: bytes, data: mmap | np.ndarray, position: int) -> tuple[int, ...]:
    """Returns the numbers of a record, whose first field is its signature."""
    record = bytes(data[max(position, 0) : max(position, 0) + layout.size])
    if position < 0 or len(record) < layout.size or not record.startswith(signature):
        raise damaged(f"{signature!r} of the zip archive at byte {position}", record)
    return layout.unpack(record)


def _widened(extra: bytes, *numbers: int) -> list[int]:
    """Takes numbers that did not fit into four bytes from the extra field, where those and no others stand in order."""
    wide = b""
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        wide = extra[4 : 4 + length] if kind == WIDE_FIELD else wide
        extra = extra[4 + length :]
    widened = []
    for number in numbers:
        if number == WIDE:
            if len(wide) < 8:
                raise damaged("an entry's size in eight bytes", wide)
            number, wide = int.from_bytes(wide[:8], "little"), wide[8:]
        widened.append(number)
    return widened
