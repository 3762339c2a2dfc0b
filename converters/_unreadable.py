"""The one error of unreadable files, and the budget that keeps a hostile file from taking the machine's memory."""

import reprlib
from typing import Any


class UnreadableFile(ValueError):  # noqa: N818 (the name says what the file is)
    """A file that holds no network, or not in a form that is safe and whole; one line says what was expected."""


def damaged(expected: str, got: Any) -> UnreadableFile:
    """Returns the error for a file that contradicts itself; `got` may be anything out of the file."""
    return UnreadableFile(f"expected {expected}, got {shown(got)}: the file is cut short or altered, fetch it again")


def shown(value: Any) -> str:
    """Returns a short text for anything out of a file, without line ends or control characters."""
    return value if isinstance(value, str) and value.isprintable() and len(value) <= 80 else reprlib.repr(value)


class Budget:
    """Bytes that a file may still make the reader allocate or return; spent before the bytes are taken.

    Examples:
        >>> budget = Budget(100)
        >>> budget.spend(60)
        >>> budget.spend(60)
        Traceback (most recent call last):
        converters._unreadable.UnreadableFile: expected at most 100 bytes of content, got more: raise limit if ...
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._left = limit

    def spend(self, size: int) -> None:
        """Takes `size` bytes off.

        Raises:
            UnreadableFile: If fewer are left.
        """
        self._left -= size
        if self._left < 0:
            raise UnreadableFile(
                f"expected at most {self._limit} bytes of content, got more: raise limit if you trust the file"
            )
