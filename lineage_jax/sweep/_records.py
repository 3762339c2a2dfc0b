"""What is known of blocks and networks, beside the scores: files that are the same whatever run has written them.

| file | holds |
|---|---|
| `blocks/<i>-<j>.json` | makes block (i, j) done; which of its networks failed, and why |
| `networks/parent-<i>.json` | SHA-256 of the networks of a row of blocks, and paths that they do not share |
| `networks/child-<j>.json` | the same of a column |

A sum stands once for each network, not once for each block that it takes part in: of 1,000 x 100,000 networks in blocks
of 8 x 64 that is 9 MB where it would be 1.2 GB. Names are sorted; nothing here depends on when or in what order blocks
were computed.
"""

import contextlib
import dataclasses
import json
import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lineage_jax import io
from lineage_jax.sweep._described import SCORES
from lineage_jax.sweep._lock import gate

logger = logging.getLogger(__name__)

ROLES = ("parent", "child")
BLOCKS = "blocks"
NETWORKS = "networks"
RECORD = re.compile(r"(\d+)-(\d+)\.json")

ByRole = Mapping[str, Mapping[str, str]]
"""By role, "parent" or "child", something of networks by name: `{"child": {"a": "..."}}`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """Facts of a block that do not depend on the run: the same networks give the same record.

    Attributes:
        sha256: by role and name the sum of each network; that of one that failed may be left out, and is not kept.
        failed: by role and name why a network has no scores, in one line.
        not_shared: paths of leaves that some network of the block lacks or has in another shape.
    """

    sha256: ByRole = dataclasses.field(default_factory=dict)
    failed: ByRole = dataclasses.field(default_factory=dict)
    not_shared: Sequence[str] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of the networks of a row or column of blocks.

    Attributes:
        sha256: by name the sum of a network.
        not_shared: paths, sorted.
    """

    sha256: Mapping[str, str] = dataclasses.field(default_factory=dict)
    not_shared: Sequence[str] = ()

    def with_(self, other: "Known") -> "Known":
        """Puts together what is known from two blocks."""
        paths = sorted({*self.not_shared, *other.not_shared})
        return Known(sha256=dict(sorted({**self.sha256, **other.sha256}.items())), not_shared=paths)

    def holds(self, other: "Known") -> bool:
        """Tells whether another adds nothing."""
        return other.sha256.items() <= self.sha256.items() and set(other.not_shared) <= set(self.not_shared)


def known_of(record: Record, role: str) -> Known:
    """Returns what a record says of the networks of one side; of those that failed nothing: they may be mended."""
    failed = record.failed.get(role, {})
    sums = {name: digest for name, digest in record.sha256.get(role, {}).items() if name not in failed}
    return Known().with_(Known(sha256=sums, not_shared=record.not_shared))


def write_record(folder: Path, place: io.Place, record: Record) -> None:
    """Makes a block done."""
    failed = {role: dict(sorted(of_role.items())) for role, of_role in sorted(record.failed.items()) if of_role}
    io.write_whole(_file_of(folder, place), _bytes({"failed": failed}))


def read_failed(folder: Path, place: io.Place) -> dict[str, dict[str, str]] | None:
    """Returns which networks of a block failed, by role and name, or None if it has no record that can be read."""
    found = _read(_file_of(folder, place), {"failed": dict})
    return None if found is None else found["failed"]


def is_done(folder: Path, place: io.Place) -> bool:
    """Tells whether a block has a record that can be read."""
    return read_failed(folder, place) is not None


def recorded(folder: Path) -> set[io.Place]:
    """Returns the places of all blocks that have a record, readable or not."""
    with os.scandir(folder / BLOCKS) as entries:
        found = (RECORD.fullmatch(entry.name) for entry in entries)
        return {(int(match[1]), int(match[2])) for match in found if match}


def read_done(folder: Path, grid: tuple[int, int]) -> dict[io.Place, dict[str, dict[str, str]]]:
    """Returns the blocks that are done, and which networks of them failed.

    A block whose record cannot be read, or whose chunk is not there in full length, is not done.
    """
    places = {place for place in recorded(folder) if place[0] < grid[0] and place[1] < grid[1]}
    chunks = io.whole_chunks(folder / SCORES)  # after the records: a run may be writing, and chunks come first
    if lost := places - chunks:
        logger.warning(
            "%d blocks of %s have a record but no whole chunk, such as %s: they count as not done",
            *(len(lost), folder, min(lost)),
        )
    read = ((place, read_failed(folder, place)) for place in sorted(places & chunks))
    return {place: failed for place, failed in read if failed is not None}


def _file_of(folder: Path, place: io.Place) -> str:
    return f"{folder}/{BLOCKS}/{place[0]}-{place[1]}.json"  # a Path takes longer to make than the file to read


def remember(folder: Path, role: str, number: int, new: Known) -> Known:
    """Adds what a block says of its row or column to what other blocks and processes have said.

    Raises:
        ValueError: If a network is another one than it was there.
    """
    with gate(folder):
        known = read_known(folder, role, number)
        check_unchanged(role, known, new)
        together = known.with_(new)
        if together != known:
            io.write_whole(_known_file(folder, role, number), _bytes(dataclasses.asdict(together)))
    return together


def check_unchanged(role: str, known: Known, new: Known) -> None:
    """Refuses a network that is another one than before: the scores of one label would be of two networks."""
    for name, digest in new.sha256.items():
        if (before := known.sha256.get(name, digest)) != digest:
            raise ValueError(
                f"expected {role} '{name}' as it was when other blocks were computed, sha256 {before[:12]}, got "
                f"{digest[:12]}: put the former one back, or choose another folder for the store"
            )


def read_known(folder: Path, role: str, number: int) -> Known:
    """Returns what is known of the networks of a row of parents or a column of children; nothing is known at first."""
    found = _read(_known_file(folder, role, number), {"sha256": dict, "not_shared": list})
    return Known() if found is None else Known(**found)


def _known_file(folder: Path, role: str, number: int) -> str:
    return f"{folder}/{NETWORKS}/{role}-{number}.json"


def _bytes(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=None).encode() + b"\n"


WITHOUT_FAULT = _bytes({"failed": {}})


def _read(file: str, kinds: Mapping[str, type]) -> dict[str, Any] | None:
    """Returns what a file holds, by name things of these kinds, or None if it is not there or damaged."""
    try:
        with open(file, "rb") as stream:
            content = stream.read()
    except FileNotFoundError:
        return None
    if content == WITHOUT_FAULT:  # most are, of hundreds of thousands
        return {"failed": {}}
    with contextlib.suppress(ValueError):
        found = json.loads(content)
        if isinstance(found, dict) and {name: type(part) for name, part in found.items()} == kinds:
            return found
    logger.warning("%s is damaged, and counts as not there", file)
    return None
