"""Networks compared by their features: what is read, and which compiled programs run."""

import dataclasses
import functools
from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from lineage_jax import linearize
from lineage_jax.pairs._comparison import AtATime, Comparison
from lineage_jax.pairs._mesh import CHILDREN, children_here, placed, placed_probes
from lineage_jax.pairs._parts import whole
from lineage_jax.pairs._passes import Scoring, Seen
from lineage_jax.pairs._plan import Plan
from lineage_jax.pairs._programs import Programs, lent
from lineage_jax.pairs._reading import Reading, read_block
from lineage_jax.typing import FeatureFn, Params

APART = "features of a probe do not depend on others"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prepared:
    """Networks of one side.

    Attributes:
        names: of the networks; the block may hold more, to be of one size with others.
        block: the networks stacked.
        is_checked: whether features that are not finite are an error; where a block was handed in, `faults` says so.
        seen: what children's forward passes give; None for parents, and where probes are shown in pieces.
    """

    names: tuple[str, ...]
    block: Params
    is_checked: bool
    seen: Seen | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class FeatureComparison(Comparison):
    """Scores of features: a `Comparison` of two compiled programs, children's forward passes and all pairs.

    Attributes:
        scoring: the setting as the caller has it.
        measures: names of its measures.
        plan: how it is done.
        programs: what is compiled for the plan.
        probes: all of them.
        alphas: strengths.
        reading: what is known of the networks.
    """

    scoring: Scoring
    measures: tuple[str, ...]
    plan: Plan
    programs: Programs
    probes: jax.Array
    alphas: tuple[float, ...]
    reading: Reading

    @property
    def at_a_time(self) -> AtATime:
        """Networks of a block that was given, or that fit into the memory of the plan."""
        return self.plan.at_a_time

    @property
    def labels(self) -> dict[str, Sequence[str] | Sequence[float]]:
        """Layers in the feature function's own order, measures, forms and alphas."""
        return {
            "layer": self.plan.layers,
            "measure": self.measures,
            "form": self.scoring.forms,
            "alpha": self.alphas,
        }

    @property
    def not_shared(self) -> tuple[str, ...]:
        """Paths that some network lacks or has in another shape."""
        return self.plan.shared.not_shared

    def read(self, role: str, names: Sequence[str]) -> Params:
        """Reads networks and stacks those that this process's devices hold; computes nothing of them.

        Raises:
            UnknownKindError: If a network is of a kind that the plan does not know.
            ValueError: If a weight is not finite, or an integer that must be equal is not.
        """
        here = self.here(role)
        padded = (*names, *[names[-1]] * (1 + here[-1] - len(names)))
        wanted = tuple(dict.fromkeys(padded[place] for place in here))
        shared, constant = self.plan.shared, self.plan.constant
        to = jnp.asarray if self.plan.mesh is None else np.asarray
        return read_block(self.reading, role, wanted, shared, size=len(here), constant=constant, to=to)

    def here(self, role: str) -> tuple[int, ...]:
        """Places, in a block of `at_a_time` networks filled up, of those that this process's devices hold.

        All parents, and all children unless a mesh has devices of other processes too.
        """
        if role == "parent":
            return tuple(range(self.at_a_time.parents))
        return children_here(self.plan.mesh, self.plan.children)

    def place(self, role: str, block: Params) -> Params:
        """Puts a block on the devices that need it, for `prepare`; no device talks to another.

        Args:
            role: "parent" or "child".
            block: what `read` or `stacked` made of the networks at the places of `here`.
        """
        mesh, here = self.plan.mesh, self.here(role)
        if mesh is None:
            return jax.tree.map(jnp.asarray, block)
        axes, size = (None, self.at_a_time.parents) if role == "parent" else (CHILDREN, self.plan.children)
        return jax.tree.map(lambda leaf: placed(leaf, mesh, axes, size=size, here=here), block)

    def prepare(self, role: str, names: Sequence[str], block: Params | None = None) -> Prepared:
        """Takes networks in; children run forward, on all probes where these are shown in one piece.

        Args:
            role: "parent" or "child".
            names: of the networks.
            block: what `place` returned for them; None to read them here, and to raise what `faults` finds.

        Raises:
            UnknownKindError: As `read`, where there is no block.
            ValueError: As `read`, or if a feature is not finite, where there is no block.
        """
        placed = self.place(role, self.read(role, names)) if block is None else block
        prepared = Prepared(names=tuple(names), block=placed, is_checked=block is None)
        if role == "parent" or self._is_cut:
            return prepared
        prepared = dataclasses.replace(prepared, seen=self._see(prepared, self._all_probes))
        if prepared.is_checked:
            _check_features(self.faults(prepared))
        return prepared

    def faults(self, children: Prepared) -> dict[str, str]:
        """Says what is wrong with children whose features are not finite, by name; their scores mean nothing.

        Where probes are shown in pieces, this takes another forward pass of each child.
        """
        seen = [children.seen] if children.seen else (self._see(children, probes) for probes, _ in self._shown())
        return {name: fault for one in seen for name, fault in _faults(children.names, one).items()}

    def compare(self, parents: Prepared, children: Prepared) -> np.ndarray:
        """Scores all pairs `[p, m, layer, measure, form, alpha]`.

        Raises:
            ValueError: If a feature is not finite, or features of a probe depend on others where probes are cut.
        """
        if (self._is_cut or self.plan.is_split) and APART not in self.reading.checked:
            first = jax.tree.map(lambda leaf: leaf.addressable_data(0)[0], parents.block)
            _check_apart(self.scoring.feature_fn, first, np.asarray(self.probes))
            self.reading.checked.add(APART)
        scores = self._scores(parents, children)[: len(parents.names), : len(children.names)]
        sorted_layers = sorted(self.plan.layers)
        return scores[:, :, [sorted_layers.index(layer) for layer in self.plan.layers]]

    @property
    def _is_cut(self) -> bool:
        return self.plan.is_cut(len(self.probes))

    @functools.cached_property
    def _all_probes(self) -> jax.Array:
        """The probes, on the devices that need them."""
        return self._placed(self.probes)

    def _placed(self, probes: jax.Array) -> jax.Array:
        return probes if self.plan.mesh is None else placed_probes(probes, self.plan.mesh)

    def _shown(self) -> Iterator[tuple[jax.Array, float]]:
        """Yields the probes piece by piece, all but the last of one size, and what part of all they are."""
        for start in range(0, len(self.probes), self.plan.pieces.rows):
            piece = self.probes[start : start + self.plan.pieces.rows]
            yield self._placed(piece), len(piece) / len(self.probes)

    def _see(self, children: Prepared, probes: jax.Array) -> Seen:
        """Runs the children's forward passes."""
        with lent(lambda: self.plan.final(self.scoring, self.probes)):
            return self.programs.see_all(children.block, probes)

    def _scores(self, parents: Prepared, children: Prepared) -> np.ndarray:
        """Scores pairs; over parts of the probes, shown one after another or on several devices, they are averaged."""
        if children.seen is None:
            parts, weights = zip(*self._of_pieces(parents, children), strict=True)
            return whole(np.stack(parts), weights, self.scoring.measures)
        scores = self._scores_on(self._all_probes, parents, children, children.seen)
        return whole(scores, [1 / len(scores)] * len(scores), self.scoring.measures) if self.plan.is_split else scores

    def _of_pieces(self, parents: Prepared, children: Prepared) -> Iterator[tuple[np.ndarray, float]]:
        for probes, weight in self._shown():
            seen = self._see(children, probes)
            if children.is_checked:
                _check_features(_faults(children.names, seen))
            yield self._scores_on(probes, parents, children, seen), weight

    def _scores_on(self, probes: jax.Array, parents: Prepared, children: Prepared, seen: Seen) -> np.ndarray:
        strengths = np.asarray(self.alphas, jnp.result_type(float))
        with lent(lambda: self.plan.final(self.scoring, self.probes)):
            found = self.programs.score_pairs(
                parents.block, children.block, seen, probes, strengths, chunk=self.plan.pieces.children.chunk
            )
        return np.asarray(found)


def _faults(names: Sequence[str], seen: Seen) -> dict[str, str]:
    """Says what is wrong with children, by name: at the first layer, by their names, that is not finite."""
    faults: dict[str, str] = {}
    for layer, overflown in seen.overflown.items():
        for name, has_overflown in zip(names, np.asarray(overflown), strict=False):
            if has_overflown:
                faults.setdefault(
                    name,
                    f"features that are not finite at layer '{layer}' though its weights are: values overflow on the "
                    "way; check the scale of the probes and the precision",
                )
    return faults


def _check_features(faults: dict[str, str]) -> None:
    for name, fault in faults.items():
        raise ValueError(f"child '{name}' has {fault}")


def _check_apart(feature_fn: FeatureFn, network: Params, probes: np.ndarray) -> None:
    """Refuses to show probes apart where the features of one depend on what others are shown with it."""
    alike, others = (  # as many rows of both, since another number of rows rounds differently
        linearize.by_layer(linearize.as_matrices(feature_fn(network, probes[rows])))
        for rows in (np.array([0, 0, 0]), np.array([0, len(probes) // 2, -1]))
    )
    for layer, features in alike.items():
        allowed = 30 * jnp.finfo(features.dtype).eps * jnp.max(jnp.abs(features))
        if not bool(jnp.all(jnp.abs(others[layer][0] - features[0]) <= allowed)):
            raise ValueError(
                f"features at layer '{layer}' depend on which probes are shown together (batch statistics, say), so "
                "that probes can neither be cut to fit into memory nor be split over a mesh; allow more memory, or "
                "leave out the axis 'probes'"
            )
