r"""Searching a catalogue for the relatives of one network.

Networks of one signature share the same kernels with the child, so which modules correspond is found once for each
(`leaves.all_counterparts`), and all of them are compared in one product. Signatures are gone through from the one that
could reach the highest cosine, and those that could not reach the hits found so far, or `leaves.UNRELATED`, are passed
over.

Networks are found by the cosine over all of the child's kernels. Those that are relatives beyond doubt are then ranked
by how likely each is the parent (`_parents`), so that cosines need not fall from one to the next.
"""

import collections
import dataclasses
import heapq
import itertools
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lineage_jax import checkpoints
from lineage_jax.catalogue._catalogue import Catalogue, Listed
from lineage_jax.catalogue._estimate import Shared, closely, cosines, shared_between
from lineage_jax.catalogue._files import place_of
from lineage_jax.catalogue._fingerprint import Fingerprint, Kernels, fingerprint
from lineage_jax.catalogue._parents import costs
from lineage_jax.catalogue._sketch import Shape
from lineage_jax.checkpoints import LoadedNetwork
from lineage_jax.leaves import UNRELATED, Counterparts, all_counterparts

if TYPE_CHECKING:
    from lineage_jax.typing import Params

CANDIDATES = 100
"""Networks of the highest cosines, of which relatives are ranked as parents."""

SURE = 4
"""Standard errors that a relative is above `leaves.UNRELATED`."""

NEAR = 0.5
"""Share of the highest cosine that it reaches at least: who shares a part alone says little of the rest."""

SLACK = 0.1
"""How much an estimate may lie above what the norms allow."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hit:
    """A network of the catalogue that may be a relative.

    Attributes:
        path: where it lies.
        cosine: the estimate of its centred kernel cosine with the child, over all of the child's kernels.
        error: the standard error of that.
        chance: how far cosines of strangers of these shapes scatter, at least.
        compared: share of the child's weights that were compared, of kernels that speak (0 to 1).
        kernels: how many kernels were compared.
        architecture: what it was recognised as, or None.
        nesting: where it lay in a file of several networks.
        parent_module: its module that was compared, "" for all of it.
        child_module: the child's module that corresponds to it.
        sha256: of the file when it was read.
        stale: what has happened to the file since, or None.
    """

    path: Path
    cosine: float
    error: float
    chance: float
    compared: float
    kernels: int
    architecture: str | None
    nesting: str
    parent_module: str
    child_module: str
    sha256: str
    stale: str | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """What a search found.

    Attributes:
        folder: that the catalogue is of.
        name: of the network that relatives were looked for.
        kernels: how many kernels it has.
        networks: how many networks it was compared with.
        itself: places in the catalogue that hold the very same file, which are no candidates.
        hits: relatives first, those before that are likelier to be the parent; then others, the most alike first.
        notes: what else should be known, a line each.
    """

    folder: Path
    name: str
    kernels: int
    networks: int
    itself: tuple[Path, ...]
    hits: tuple[Hit, ...]
    notes: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Likely:
    """A row that is among the best so far."""

    entry: Listed
    shared: Shared
    pairs: Counterparts
    cosine: float

    def __lt__(self, other: "_Likely") -> bool:
        return (self.cosine, other.entry.path) < (other.cosine, self.entry.path)


def search(
    catalogue: Catalogue,
    network: "str | os.PathLike | LoadedNetwork | Params",
    *,
    top: int = 10,
    nesting: str | None = None,
) -> Found:
    """Ranks the networks of a catalogue by how alike their kernels are to those of one.

    Args:
        catalogue: as `open` returns it.
        network: a file or folder, a network that was loaded, or variables.
        top: how many are returned at most.
        nesting: which network of a file of several.

    Raises:
        ValueError: If `top` is less than 1, the catalogue has no networks, or the network has no weights.
        OSError: If it cannot be read.

    Examples:
        >>> import tempfile
        >>> from lineage_jax import catalogue
        >>> networks = {name: np.random.default_rng(seed).normal(size=(64, 64)) for seed, name in enumerate("ab")}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name, kernel in networks.items():
        ...         np.savez(f"{folder}/{name}.npz", **{"body.fc.kernel": kernel})
        ...     _ = catalogue.index(folder, f"{folder}/index")
        ...     found = catalogue.search(catalogue.open(f"{folder}/index"), {"fc": {"kernel": 2 * networks["b"]}})
        >>> [(hit.path.name, bool(hit.cosine > 0.99), hit.parent_module) for hit in found.hits]
        [('b.npz', True, 'body'), ('a.npz', False, 'body')]
    """
    if top < 1:
        raise ValueError(f"expected at least 1 network to be asked for, got top {top}")
    if not len(catalogue):
        failed = next(iter(catalogue.failed.items()), None)
        reason = f"; {len(catalogue.failed):,} could not be read, {failed[0]} for one: {failed[1]}" if failed else ""
        raise ValueError(f"expected networks in {catalogue.path}, got an empty catalogue{reason}")
    loaded = _loaded(network, nesting)
    child = _fingerprint(loaded)
    sha256 = loaded.sha256
    itself = [entry for entry in catalogue.entries if entry.sha256 and entry.sha256 == sha256 and _nests(entry, loaded)]
    rows = {entry.row for entry in itself}
    likely = _most_alike(catalogue, child, max(top, CANDIDATES), without=rows)
    hits = _parents_first(catalogue, child, likely)[:top]
    entries = {catalogue.folder / each.entry.path: each.entry for each in likely}
    return Found(
        folder=catalogue.folder,
        name=loaded.label,
        kernels=len(child.kernels),
        networks=len(catalogue) - len(itself),
        itself=tuple(catalogue.folder / entry.path for entry in itself),
        hits=tuple(dataclasses.replace(hit, stale=_stale(hit.path, entries[hit.path])) for hit in hits),
        notes=(loaded.not_plain,) if loaded.not_plain else (),
    )


def _loaded(network: Any, nesting: str | None) -> LoadedNetwork:
    if isinstance(network, str | os.PathLike):
        return checkpoints.read(network, nesting)
    return network if isinstance(network, LoadedNetwork) else LoadedNetwork(name="the network", tree=network)


def _fingerprint(loaded: LoadedNetwork) -> Fingerprint:
    try:
        return fingerprint(loaded.tree)
    except ValueError as error:
        raise ValueError(f"{loaded.label}: {error}") from error


def _nests(entry: Listed, loaded: LoadedNetwork) -> bool:
    """Says whether it is the same network of a file that may hold several."""
    return loaded.file is None or entry.nesting == loaded.file.nesting


def _most_alike(catalogue: Catalogue, child: Fingerprint, top: int, without: set[int]) -> list[_Likely]:
    """Returns the best, most alike first."""
    of_signature: dict[int, list[Listed]] = {}
    for entry in catalogue.entries:
        if entry.row >= 0 and entry.row not in without:
            of_signature.setdefault(entry.signature, []).append(entry)
    bounds = _bounds(child, {each: catalogue.signatures[each].kernels for each in of_signature})
    best: list[_Likely] = []
    for signature in sorted(bounds, key=lambda each: -bounds[each]):
        if bounds[signature] < UNRELATED or (len(best) == top and bounds[signature] + SLACK < best[0].cosine):
            break
        for likely in _of_signature(catalogue, child, signature, of_signature[signature], top):
            (heapq.heappush if len(best) < top else heapq.heappushpop)(best, likely)
    return sorted(best, reverse=True)


def _bounds(child: Fingerprint, candidates: Mapping[int, Kernels]) -> dict[int, float]:
    """Returns the highest cosine that networks of each signature can have: that of a copy of all that may be shared."""
    squares: dict[tuple[str, Shape], float] = collections.defaultdict(float)
    for (path, shape), norm in zip(child.kernels.items(), child.norms.tolist(), strict=True):
        squares[_end(path), shape] += norm**2
    shapes, whole = {shape for _, shape in squares}, sum(squares.values()) or 1.0
    bounds = {}
    for signature, kernels in candidates.items():
        there = {(_end(path), shape) for path, shape in kernels.items() if shape in shapes}
        bounds[signature] = math.sqrt(sum(squares[each] for each in there & squares.keys()) / whole)
    return bounds


def _end(path: str) -> str:
    """Returns the layer and the leaf, which are the same wherever a module stands."""
    return "/".join(path.rsplit("/", 2)[-2:])


def _of_signature(
    catalogue: Catalogue, child: Fingerprint, signature: int, entries: list[Listed], top: int
) -> Iterator[_Likely]:
    """Yields the best of one signature, each as the modules that make it most alike."""
    kernels = catalogue.signatures[signature].kernels
    rows = np.array([entry.row for entry in entries])
    norms = catalogue.norms[np.array([entry.norms for entry in entries])[:, None] + np.arange(len(kernels))]
    lined_up = [(pairs, shared_between(child, kernels, pairs.pairs)) for pairs in _counterparts(kernels, child.kernels)]
    found = np.stack([cosines(shared, catalogue.sketches, rows, norms) for _, shared in lined_up])
    which = found.argmax(axis=0)
    most = found.max(axis=0)
    for place in np.argsort(-most, kind="stable")[:top].tolist():
        pairs, shared = lined_up[which[place]]
        yield _Likely(entry=entries[place], shared=shared, pairs=pairs, cosine=float(most[place]))


def _counterparts(candidate: Kernels, child: Kernels) -> list[Counterparts]:
    """Finds which kernels correspond; where all that may do so stand at the same paths, they do."""
    same = {path: path for path, shape in child.items() if candidate.get(path) == shape}
    there = {(_end(path), shape) for path, shape in candidate.items()}
    if same and all(path in same for path, shape in child.items() if (_end(path), shape) in there):
        return [Counterparts(pairs=same, parent_module="", child_module="")]
    return all_counterparts(candidate, child)


def _parents_first(catalogue: Catalogue, child: Fingerprint, likely: list[_Likely]) -> list[Hit]:
    """Ranks relatives by how likely each is the parent, and leaves the others behind them as they are."""
    hits = [_hit(catalogue, each) for each in likely]
    highest = max((hit.cosine for hit in hits), default=0.0)
    related = [hit.cosine - SURE * hit.error > UNRELATED and hit.cosine >= NEAR * highest for hit in hits]
    relatives = list(itertools.compress(likely, related))
    if len(relatives) < 2:
        return hits
    cost = costs(
        child,
        [each.shared for each in relatives],
        catalogue.sketches[[each.entry.row for each in relatives]],
        [_norms(catalogue, each.entry) for each in relatives],
    )
    first = list(itertools.compress(hits, related))
    ranked = [first[place] for place in np.argsort(cost, kind="stable").tolist()]
    return [*ranked, *(hit for hit, one in zip(hits, related, strict=True) if not one)]


def _norms(catalogue: Catalogue, entry: Listed) -> np.ndarray:
    return catalogue.norms[entry.norms : entry.norms + len(catalogue.signatures[entry.signature].kernels)]


def _hit(catalogue: Catalogue, likely: _Likely) -> Hit:
    entry, shared = likely.entry, likely.shared
    signature = catalogue.signatures[entry.signature]
    cosine, error, chance = closely(shared, catalogue.sketches[entry.row], _norms(catalogue, entry))
    return Hit(
        path=catalogue.folder / entry.path,
        cosine=cosine,
        error=error,
        chance=chance,
        compared=shared.compared,
        kernels=len(likely.pairs.pairs),
        architecture=signature.architecture,
        nesting=entry.nesting,
        parent_module=likely.pairs.parent_module,
        child_module=likely.pairs.child_module,
        sha256=entry.sha256,
        stale=None,
    )


def _stale(path: Path, entry: Listed) -> str | None:
    """Says what has happened to a file since it was read."""
    place = place_of(path)
    if place is None:
        return "it has vanished since"
    return None if (place.size, place.mtime_ns) == (entry.size, entry.mtime_ns) else "it has changed since"
