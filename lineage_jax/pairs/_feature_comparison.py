"""Networks compared by their features: what is read, and which compiled programs run."""

import dataclasses
from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from lineage_jax import linearize, similarity
from lineage_jax.pairs._comparison import AtATime, Comparison
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
        """Networks that fit into the memory of the plan."""
        return AtATime(self.plan.pieces.parents, self.plan.pieces.children.block)

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
        """Reads and stacks networks; computes nothing of them.

        Raises:
            UnknownKindError: If a network is of a kind that the plan does not know.
            ValueError: If a weight is not finite, or an integer that must be equal is not.
        """
        shared, constant = self.plan.shared, self.plan.constant
        return read_block(self.reading, role, names, shared, size=len(self.here(role)), constant=constant)

    def here(self, role: str) -> Sequence[int]:
        """Places of a block, which is of one size however few names there are, that are to be stacked here: all."""
        return range(self.at_a_time.parents if role == "parent" else self.at_a_time.children)

    def place(self, role: str, block: Params) -> Params:
        """Puts a block that `stacked` made on the device, for `prepare`; `role` says of which side it is."""
        return jax.tree.map(jnp.asarray, block)

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
        if role == "parent" or not self._whole:
            return prepared
        prepared = dataclasses.replace(prepared, seen=self._see(prepared, self.probes))
        if prepared.is_checked:
            _check_features(self.faults(prepared))
        return prepared

    def faults(self, children: Prepared) -> dict[str, str]:
        """Says what is wrong with children whose features are not finite, by name; their scores mean nothing.

        Where probes are shown in pieces, this takes another forward pass of each child.
        """
        seen = [children.seen] if children.seen else (self._see(children, probes) for probes in self._shown())
        return {name: fault for one in seen for name, fault in _faults(children.names, one).items()}

    def compare(self, parents: Prepared, children: Prepared) -> np.ndarray:
        """Scores all pairs `[p, m, layer, measure, form, alpha]`.

        Raises:
            ValueError: If a feature is not finite, or features of a probe depend on others where probes are cut.
        """
        if not self._whole and APART not in self.reading.checked:
            _check_apart(self.scoring.feature_fn, jax.tree.map(lambda leaf: leaf[0], parents.block), self.probes)
            self.reading.checked.add(APART)
        scores = self._scores(parents, children)[: len(parents.names), : len(children.names)]
        sorted_layers = sorted(self.plan.layers)
        return scores[:, :, [sorted_layers.index(layer) for layer in self.plan.layers]]

    @property
    def _whole(self) -> bool:
        """Whether the probes are shown in one piece."""
        return self.plan.pieces.rows == len(self.probes)

    def _shown(self) -> Iterator[jax.Array]:
        """Yields the probes as they are shown, all pieces but the last of one size."""
        for start in range(0, len(self.probes), self.plan.pieces.rows):
            yield self.probes[start : start + self.plan.pieces.rows]

    def _see(self, children: Prepared, probes: jax.Array) -> Seen:
        """Runs the children's forward passes."""
        with lent(lambda: self.plan.final(self.scoring, self.probes)):
            return self.programs.see_all(children.block, probes)

    def _scores(self, parents: Prepared, children: Prepared) -> np.ndarray:
        """Scores pairs; over pieces of the probes, their means are averaged, and roots are taken last."""
        if children.seen is not None:
            return self._scores_on(self.probes, parents, children, children.seen)
        total, dtype = np.zeros(()), np.dtype(np.float32)
        for probes in self._shown():
            seen = self._see(children, probes)
            if children.is_checked:
                _check_features(_faults(children.names, seen))
            part = self._scores_on(probes, parents, children, seen)
            total, dtype = total + part.astype(np.float64) * (len(probes) / len(self.probes)), part.dtype
        scores = total.astype(dtype)
        for index, measure in enumerate(self.scoring.measures):
            if isinstance(measure, similarity.RootedMeasure):
                scores[:, :, :, index] = measure.root(jnp.asarray(scores[:, :, :, index]))
        return scores

    def _scores_on(self, probes: jax.Array, parents: Prepared, children: Prepared, seen: Seen) -> np.ndarray:
        strengths = jnp.asarray(self.alphas, jnp.result_type(float))
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


def _check_apart(feature_fn: FeatureFn, network: Params, probes: jax.Array) -> None:
    """Refuses to show probes piece by piece where the features of one depend on what others are shown with it."""
    alike, others = (  # as many rows of both, since another number of rows rounds differently
        linearize.by_layer(linearize.as_matrices(feature_fn(network, probes[rows])))
        for rows in (np.array([0, 0, 0]), np.array([0, len(probes) // 2, -1]))
    )
    for layer, features in alike.items():
        allowed = 30 * jnp.finfo(features.dtype).eps * jnp.max(jnp.abs(features))
        if not bool(jnp.all(jnp.abs(others[layer][0] - features[0]) <= allowed)):
            raise ValueError(
                f"features at layer '{layer}' depend on which probes are shown together (batch statistics, say), so "
                "that probes cannot be cut to fit into memory; allow more memory"
            )
