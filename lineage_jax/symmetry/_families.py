"""From facts to families: sets of units, or of blocks of units, that may be exchanged freely.

Units and their relations are a graph whose automorphisms are the symmetries. It falls apart: whatever is alone of its
kind stays in its place and is taken out, the rest is no longer connected, pieces that look alike are a family, and each
piece is looked at in the same way again.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lineage_jax.symmetry._facts import Facts


@dataclass(frozen=True, kw_only=True)
class Graph:
    """Units as nodes; edges with marks; a colour a node that tells kinds of nodes apart."""

    source: np.ndarray
    target: np.ndarray
    colours: np.ndarray


def families_of(facts: Facts, kinds: np.ndarray) -> list[np.ndarray]:
    """Returns families, inner ones first: arrays [members, units of a member] whose columns are alike.

    Args:
        facts: of a whole walk.
        kinds: of each of the first units its kind; units of other kinds are never exchanged.
    """
    while True:
        families, rigid = _divided(_graph(facts, kinds))
        if not rigid.size:
            return families
        facts.pin(rigid)


def _graph(facts: Facts, kinds: np.ndarray) -> Graph:
    none = (np.zeros(0, np.int64),) * 3
    edges = [np.concatenate(parts) for parts in zip(none, *facts.related, strict=True)]
    colours = np.zeros(facts.count, np.uint64)
    for units, marks in facts.marked:
        np.add.at(colours, units, _mixed(marks))
    np.add.at(colours, np.arange(len(kinds)), _mixed(-1 - kinds))
    return Graph(source=edges[0], target=edges[1], colours=_refined(colours, *edges))


def _refined(colours: np.ndarray, source: np.ndarray, target: np.ndarray, marks: np.ndarray) -> np.ndarray:
    """Tells nodes apart whose neighbours are of different colours, until nothing changes."""
    kinds = 0
    while (found := _kinds(colours)) > kinds:
        kinds = found
        further = _mixed(colours)
        np.add.at(further, source, _mixed(colours[target] + _mixed(2 * marks)))
        np.add.at(further, target, _mixed(colours[source] + _mixed(2 * marks + 1)))
        colours = further
    return colours


def _kinds(colours: np.ndarray) -> int:
    return int((np.diff(np.sort(colours)) != 0).sum()) + bool(colours.size)


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """Scatters numbers over 64 bits (the finaliser of splitmix64), so that sums of them stand for multisets."""
    z = np.asarray(numbers).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _divided(graph: Graph) -> tuple[list[np.ndarray], np.ndarray]:
    """Takes out what is alone of its kind, level by level; returns families, and nodes that do not fall apart."""
    count = len(graph.colours)
    pieces = np.zeros(count, np.int64)  # one piece at first, whose unique nodes are those that never move
    active, levels = np.ones(count, bool), []
    keys: list[np.ndarray] = []  # nodes sorted by these come piece by piece, in one order in pieces that are alike
    while True:
        alone = _alone(pieces, graph.colours, active)
        keys += [active & ~alone, np.where(alone, graph.colours, 0)]
        active = active & ~alone
        if not active.any():
            break
        parents, pieces = pieces, _pieces(graph, active)
        signatures = _signatures(pieces, graph.colours, active)
        keys += [np.where(active, signatures[pieces], 0), np.where(active, pieces, 0)]
        levels.append((parents, pieces, signatures, active))
        stuck = _stuck(pieces, graph.colours, active)
        if stuck.any():
            return [], np.flatnonzero(stuck)
    order = np.lexsort(keys[::-1])
    return [family for level in reversed(levels) for family in _families(order, *level)], np.zeros(0, np.int64)


def _stuck(pieces: np.ndarray, colours: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Finds the nodes of pieces in which no node is alone of its kind."""
    alone = _alone(pieces, colours, active)
    opened = np.zeros(int(pieces[active].max()) + 1, bool)
    opened[pieces[alone]] = True
    return active & ~opened[np.where(active, pieces, 0)]


def _alone(pieces: np.ndarray, colours: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Finds the nodes that no other one in their piece has the colour of."""
    nodes = np.flatnonzero(active)
    order = nodes[np.lexsort((colours[nodes], pieces[nodes]))]
    like = (pieces[order][1:] == pieces[order][:-1]) & (colours[order][1:] == colours[order][:-1])
    found = np.zeros(len(colours), bool)
    found[order] = ~(np.r_[False, like] | np.r_[like, False])
    return found


def _pieces(graph: Graph, active: np.ndarray) -> np.ndarray:
    kept = active[graph.source] & active[graph.target]
    edges = (graph.source[kept], graph.target[kept])
    count = len(graph.colours)
    return connected_components(coo_array((np.ones(len(edges[0])), edges), shape=(count, count)), directed=False)[1]


def _signatures(pieces: np.ndarray, colours: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Returns of each piece a number that says which colours it has."""
    found = np.zeros(int(pieces.max()) + 1, np.uint64)
    np.add.at(found, pieces[active], _mixed(colours[active]))
    return found


def _families(
    order: np.ndarray, parents: np.ndarray, pieces: np.ndarray, signatures: np.ndarray, active: np.ndarray
) -> list[np.ndarray]:
    nodes = order[active[order]]
    starts = np.r_[0, np.flatnonzero(np.diff(pieces[nodes])) + 1, len(nodes)]
    found: dict[tuple[int, int], list[np.ndarray]] = {}
    for first, last in itertools.pairwise(starts):
        members = nodes[first:last]
        found.setdefault((int(parents[members[0]]), int(signatures[pieces[members[0]]])), []).append(members)
    return [np.stack(members) for members in found.values() if len(members) > 1]
