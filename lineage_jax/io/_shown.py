"""A store of zarr that keeps some of its files to itself; imported when a grid is opened, since zarr takes a while."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from zarr.storage import LocalStore, WrapperStore


class Shown(WrapperStore[LocalStore]):
    """The files of a folder that are shown at the moment when they are asked for; it is only read."""

    def __init__(self, store: LocalStore, shows: Callable[[str], bool]) -> None:
        super().__init__(store)
        self.shows = shows

    @classmethod
    def of(cls, folder: Path, shows: Callable[[str], bool]) -> "Shown":
        """Opens a folder whose files are shown if `shows` says so of their paths in it."""
        return cls(LocalStore(folder, read_only=True), shows)

    async def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        """Returns what a file holds, or None as if there were none."""
        return await super().get(key, *args, **kwargs) if self.shows(key) else None
