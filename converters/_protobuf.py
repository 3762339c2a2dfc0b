"""The wire format of Protocol Buffers, of which ONNX and a few containers that are not read consist.

References:
    Protocol Buffers documentation, "Encoding".
"""

from collections.abc import Iterator
from mmap import mmap

from converters._unreadable import Budget, damaged

VARINT, WIDE, RUN, NARROW = 0, 1, 2, 5
"""Wire types: a number in steps of seven bits, eight bytes, bytes behind their length, four bytes."""
FIELD_COST = 128
"""Bytes charged for a field."""
LONGEST_VARINT = 10

Field = tuple[int, int, int, int]
"""Number of the field, wire type, and either (value, 0) of a number or (start, end) of a run."""


def fields(data: bytes | mmap, start: int, end: int, budget: Budget) -> Iterator[Field]:
    """Yields the fields of a message; runs are not copied.

    Raises:
        UnreadableFile: If a field is malformed or reaches beyond the message.
    """
    while start < end:
        budget.spend(FIELD_COST)
        tag, start = _varint(data, start, end)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, start = _varint(data, start, end)
            yield number, wire, value, 0
            continue
        if wire == RUN:
            size, start = _varint(data, start, end)
        elif wire in (WIDE, NARROW):
            size = 8 if wire == WIDE else 4
        else:
            raise damaged("a field of Protocol Buffers", f"wire type {wire} at byte {start}")
        if size > end - start or not number:
            raise damaged(f"{size} bytes of field {number} at byte {start}", f"{end - start}")
        yield number, wire, start, start + size
        start += size


def varints(data: bytes | mmap, start: int, end: int, budget: Budget) -> Iterator[int]:
    """Yields numbers that are packed one behind another."""
    while start < end:
        budget.spend(FIELD_COST)
        value, start = _varint(data, start, end)
        yield value


def _varint(data: bytes | mmap, start: int, end: int) -> tuple[int, int]:
    """Returns a number and where it ends."""
    value = 0
    for place in range(LONGEST_VARINT):
        if start + place >= end:
            break
        byte = data[start + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, start + place + 1
    raise damaged(f"a number at byte {start}", "one without an end")
