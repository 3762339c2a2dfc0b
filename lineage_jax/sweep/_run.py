"""The driver: blocks of pairs, one after another, on the devices of a team and into a store."""

import contextlib
import dataclasses
import itertools
import logging
import math
import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from lineage_jax import io
from lineage_jax.pairs import AtATime, FeatureComparison
from lineage_jax.sweep._agree import told_by_all
from lineage_jax.sweep._described import SCORES, read_attributes
from lineage_jax.sweep._first_stage import chosen_parents
from lineage_jax.sweep._hosts import Team, identity, team_of
from lineage_jax.sweep._others import look_at_others
from lineage_jax.sweep._plan import PRECISIONS, Plan
from lineage_jax.sweep._reading import Block, Reader, ahead, return_freed_memory
from lineage_jax.sweep._records import Record
from lineage_jax.sweep._setting import Setting, setting_of
from lineage_jax.sweep._sides import side_of
from lineage_jax.sweep._status import Status, status
from lineage_jax.sweep._store import Store
from lineage_jax.sweep._writing import open_for_writing
from lineage_jax.typing import FeatureFn, Inputs, Population

logger = logging.getLogger(__name__)

NO_SCORE = "none of its scores is a number, though its weights are: values overflow on the way"


class Step(NamedTuple):
    """How far this process is.

    Attributes:
        blocks: that it has done in this run.
        all_blocks: that it has to do in this run.
        pairs: of the blocks that are done.
        all_pairs: of all of these blocks.
    """

    blocks: int
    all_blocks: int
    pairs: int
    all_pairs: int


Progress = Callable[[Step], None]


def run(
    plan: Plan,
    store: str | os.PathLike,
    *,
    mesh: Team | Mesh | Mapping[str, int] | None = None,
    parents: Population | None = None,
    children: Population | None = None,
    probes: Inputs | None = None,
    features: FeatureFn | None = None,
    blocks: AtATime | None = None,
    retry_failed: bool = False,
    progress: Progress | None = None,
) -> Status:
    """Computes the scores of a plan into a store, or goes on with what is there.

    Parents pass by while a block of children stays; the next networks of either side are read meanwhile. A network that
    cannot be read, is not finite or does not fit the others has scores that are NaN, and the store says why: all others
    are computed. What the first parent and child that can be read have in common is what is compared; a network fits if
    it has every leaf that a layer depends on in their shape, whatever head it has.

    Several processes share the blocks (`join`). Each goes on by itself; process 0 waits at the end for those that still
    write.

    Args:
        plan: what is compared, and how.
        store: the folder; one that holds this plan is gone on with.
        mesh: devices that compute a block together, with axes out of `children` and `probes`, or the axes' sizes, or
            what `join` returned; by default children over all devices of a process.
        parents: candidate parents by name, where the plan names none; a mapping may load each when asked for it.
        children: children by name, where the plan names none.
        probes: `[n, ...]`, where the plan names none.
        features: pure function `(variables, inputs) -> [n, ...]` or `{layer: [n, ...]}`; needed where networks are of
            no known architecture.
        blocks: parents and children of a block of a new store, where `blocks_of` is not to choose them: for who knows
            how fast networks are read there. A store that exists keeps its own.
        retry_failed: computes blocks again in which a network failed.
        progress: called with a `Step` after each block.

    Returns:
        How far the store is; other processes may still be writing, unless this is process 0.

    Raises:
        ValueError: If the plan does not fit the networks or probes, the mesh does not fit the devices, the memory does
            not hold a pair, or the store is of another plan.
        BlockingIOError: If another run writes the store.
        OSError: If something that the plan names is not there, or the store cannot be written; what is done is kept.
        TypeError: If what was handed over are no networks by name, or features are not floating-point.

    Examples:
        >>> import tempfile
        >>> from lineage_jax import sweep
        >>> networks = {name: {"w": np.full((3, 2), number)} for number, name in ((1.0, "a"), (2.0, "b"))}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     done = sweep.run(
        ...         Plan(measures=["l1"], alphas=[0.0], forms=["direct"]), f"{folder}/store",
        ...         parents=networks, children=networks, probes=np.ones((4, 3)), features=lambda p, x: x @ p["w"],
        ...     )
        ...     sweep.open(f"{folder}/store").squeeze().values.tolist()
        [[-0.0, -3.0], [-3.0, -0.0]]
    """
    team = mesh if isinstance(mesh, Team) else team_of(mesh)
    return_freed_memory()
    of_children = side_of(plan, "child", children)
    chosen = None
    if plan.catalogue is not None and parents is None:
        of_parents, chosen = chosen_parents(plan, of_children)
    else:
        of_parents = side_of(plan, "parent", parents)
    with jax.default_matmul_precision(PRECISIONS[plan.precision]):
        setting = setting_of(plan, team, of_parents, of_children, probes=probes, features=features)
        setting = dataclasses.replace(setting, chosen=chosen)
        _sweep(setting, store, blocks=blocks, retry_failed=retry_failed, progress=progress)
    if team.writes:
        look_at_others(store, team)
    return status(store)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Done:
    """A block that was computed."""

    place: io.Place
    values: np.ndarray
    record: Record
    measured: Mapping[str, Any]


def _sweep(
    setting: Setting,
    folder: str | os.PathLike,
    *,
    blocks: AtATime | None,
    retry_failed: bool,
    progress: Progress | None,
) -> None:
    """Computes the blocks of this team that are missing."""
    team = setting.team
    with _opened(setting, folder, blocks) if team.writes else contextlib.nullcontext() as store:
        size, wanted = _work_of(team, store, retry_failed=retry_failed)
        done = computed(setting, AtATime(*size), wanted)
        with contextlib.closing(done):
            _store_all(done, store, wanted, progress)


def _opened(
    setting: Setting, folder: str | os.PathLike, blocks: AtATime | None
) -> contextlib.AbstractContextManager[Store]:
    """Opens the store; what comparing costs is only asked where a new one needs blocks."""
    team, planned = setting.team, setting.comparison()
    made = read_attributes(Path(folder)) if (Path(folder) / SCORES).is_dir() else None
    if made:
        blocks = AtATime(*made["blocks"])
    return open_for_writing(
        folder,
        plan=setting.plan.as_dict(),
        labels=setting.labels(planned),
        blocks=setting.blocks(planned) if blocks is None else blocks,
        described=setting.described,
        dtype=made["dtype"] if made else jnp.result_type(float),
        process=team.index,
        processes=team.count,
        run=identity() if team.count > 1 else None,
    )


def _work_of(team: Team, store: Store | None, *, retry_failed: bool) -> tuple[Sequence[int], list[io.Place]]:
    """Returns the size of blocks and which are to be computed; who writes tells the others of the team."""
    said = None
    if store is not None:
        rows, columns = store.grid
        places = [(number % rows, number // rows) for number in team.share(rows * columns)]
        again = store.failed.keys() if retry_failed else ()
        said = [list(store.blocks), [place for place in places if place not in store.done or place in again]]
    blocks, wanted = told_by_all(team, said)[0]
    return blocks, [(i, j) for i, j in wanted]


def _store_all(
    done: Iterator[_Done], store: Store | None, wanted: Sequence[io.Place], progress: Progress | None
) -> None:
    sizes = {}
    if store is not None:
        sizes = {place: len(store.names(*place)[0]) * len(store.names(*place)[1]) for place in wanted}
    blocks, pairs, all_pairs = 0, 0, sum(sizes.values())
    for each in done:
        if store is None:
            continue
        store.write(*each.place, each.values.astype(store.dtype), each.record, **each.measured)
        blocks, pairs = blocks + 1, pairs + sizes[each.place]
        if progress:
            progress(Step(blocks, len(wanted), pairs, all_pairs))


def computed(setting: Setting, blocks: AtATime, wanted: Sequence[io.Place]) -> Generator[_Done]:
    """Yields blocks as they are computed, in the order in which they are wanted: children by children.

    Blocks without a pair that a first stage has chosen come first; nothing of them is read.
    """
    empty = {} if setting.chosen is None else _without_pairs(setting, blocks, wanted)
    yield from empty.values()
    wanted = [place for place in wanted if place not in empty]
    across = setting.team.axes.get("children", 1)  # a store that others began may have other blocks than a mesh
    comparison = setting.comparison(AtATime(blocks.parents, math.ceil(blocks.children / across) * across))
    columns = {j: [i for i, _ in of_j] for j, of_j in itertools.groupby(wanted, key=lambda place: place[1])}
    rows = [i for i, _ in itertools.groupby(i for i, _ in wanted)]
    reader = Reader(comparison=comparison, like=setting.like)
    cut = lambda side, most: lambda k: reader.read(side, side.names[k * most : (k + 1) * most])  # noqa: E731
    with contextlib.ExitStack() as stack:
        stack.callback(reader.stop)
        read_parents, read_children = (
            stack.enter_context(contextlib.closing(ahead(cut(side, most), places)))
            for side, most, places in (
                (setting.parents, blocks.parents, rows),
                (setting.children, blocks.children, list(columns)),
            )
        )
        row, candidates = None, None
        for j, of_j in columns.items():
            column = _taken(setting.team, comparison, "child", read_children)
            for i in of_j:
                if i != row:
                    candidates = None  # before the next ones are asked for
                    row, candidates = i, _taken(setting.team, comparison, "parent", read_parents)
                assert candidates is not None
                pairs = setting.wanted(candidates.block.names, column.block.names)
                yield _compared((i, j), comparison, candidates, column, pairs)
            del column


@dataclasses.dataclass(kw_only=True, eq=False)
class _Taken:
    """Networks that are ready to be compared, and how long they took; that counts for the first block they are in."""

    block: Block
    prepared: Any
    measured: dict[str, float]


def _taken(team: Team, comparison: FeatureComparison, role: str, blocks: Iterator[Block]) -> _Taken:
    start = time.monotonic()
    block = _agreed(team, next(blocks))
    ready = time.monotonic()
    prepared = comparison.prepare(role, block.names, block.placed)
    faults = comparison.faults(prepared) if role == "child" else {}
    measured = {
        "waited": ready - start,
        "computed": time.monotonic() - ready,
        "reading": block.seconds,
        "read_bytes": block.read_bytes,
    }
    block = dataclasses.replace(block, placed=None, failed={**faults, **block.failed})
    return _Taken(block=block, prepared=prepared, measured=measured)


def _agreed(team: Team, block: Block) -> Block:
    """Puts together what the processes of a team found, each in the networks that it read."""
    said = told_by_all(team, [dict(block.sha256), dict(block.failed), sorted(block.not_shared)])
    return dataclasses.replace(
        block,
        sha256={name: digest for sums, _, _ in said for name, digest in sums.items()},
        failed={name: reason for _, failed, _ in said for name, reason in failed.items()},
        not_shared=frozenset(path for _, _, paths in said for path in paths),
    )


def _without_pairs(setting: Setting, blocks: AtATime, wanted: Sequence[io.Place]) -> dict[io.Place, _Done]:
    """Returns blocks of which no pair was chosen: all NaN."""
    found: dict[io.Place, _Done] = {}
    rest = [len(of_dim) for of_dim in setting.comparison(blocks).labels.values()]
    for i, j in wanted:
        parents = setting.parents.names[i * blocks.parents : (i + 1) * blocks.parents]
        children = setting.children.names[j * blocks.children : (j + 1) * blocks.children]
        if not setting.wanted(parents, children).any():
            values = np.full((len(parents), len(children), *rest), np.nan)
            found[i, j] = _Done(place=(i, j), values=values, record=Record(), measured={})
    return found


def _compared(
    place: io.Place, comparison: FeatureComparison, parents: _Taken, children: _Taken, pairs: np.ndarray
) -> _Done:
    """Compares a block; networks that failed have no scores, nor have pairs that were not chosen."""
    start = time.monotonic()
    values = np.array(comparison.compare(parents.prepared, children.prepared))
    measured: dict[str, float] = {"computed": time.monotonic() - start}
    for taken in (parents, children):
        for name, amount in taken.measured.items():
            measured[name] = measured.get(name, 0) + amount
        taken.measured.clear()
    failed = {"parent": dict(parents.block.failed), "child": dict(children.block.failed)}
    values[[name in failed["parent"] for name in parents.block.names]] = np.nan
    values[:, [name in failed["child"] for name in children.block.names]] = np.nan
    kept = [name not in failed["child"] for name in children.block.names]
    for name, scores in zip(parents.block.names, values, strict=True):
        if any(kept) and np.isnan(scores[kept]).all():
            failed["parent"].setdefault(name, NO_SCORE)
    values[~pairs] = np.nan
    record = Record(
        sha256={"parent": parents.block.sha256, "child": children.block.sha256},
        failed=failed,
        not_shared=sorted(parents.block.not_shared | children.block.not_shared),
    )
    return _Done(place=place, values=values, record=record, measured=measured)
