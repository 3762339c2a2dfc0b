"""How zarr reads and writes the files of a grid; imported when one is opened, since zarr takes a while."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zarr.storage import LocalStore, WrapperStore

from lineage_jax.io._whole import write_whole


class Shown(WrapperStore[LocalStore]):
    """The files of a folder that are shown at the moment when they are asked for; it is only read."""

    def __init__(self, folder: Path, shows: Callable[[str], bool]) -> None:
        super().__init__(LocalStore(folder, read_only=True))
        self.shows = shows

    async def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        """Returns what a file holds, or None as if there were none."""
        return await super().get(key, *args, **kwargs) if self.shows(key) else None


class Whole(WrapperStore[LocalStore]):
    """The files of a folder, each written by `write_whole`: what zarr itself renames need not have reached the disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__(LocalStore(folder))
        self.folder = folder

    async def set(self, key: str, value: Any) -> None:
        """Writes a file, or replaces it."""
        await asyncio.to_thread(write_whole, self.folder / key, value.to_bytes())
