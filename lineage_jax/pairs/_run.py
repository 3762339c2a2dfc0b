"""All pairs, block by block: what is read, and in which order the programs run."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from lineage_jax import linearize, similarity
from lineage_jax.pairs._passes import Scoring, Seen
from lineage_jax.pairs._plan import Plan
from lineage_jax.pairs._population import names_of
from lineage_jax.pairs._programs import Programs, lent, programs_of, remembered
from lineage_jax.pairs._reading import Reading, read_block
from lineage_jax.typing import FeatureFn, Params, Population

Done = Callable[[int, int], None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """What all blocks have in common.

    Attributes:
        scoring: the setting as the caller has it.
        plan: how it is done.
        programs: what is compiled for the plan.
        probes: all of them.
        alphas: strengths.
    """

    scoring: Scoring
    plan: Plan
    programs: Programs
    probes: jax.Array
    alphas: jax.Array

    @property
    def whole(self) -> bool:
        """Whether the probes are shown in one piece."""
        return self.plan.pieces.rows == len(self.probes)

    def shown(self) -> Iterator[jax.Array]:
        """Yields the probes as they are shown, all pieces but the last of one size."""
        for start in range(0, len(self.probes), self.plan.pieces.rows):
            yield self.probes[start : start + self.plan.pieces.rows]


def run_of(scoring: Scoring, plan: Plan, probes: jax.Array, alphas: tuple[float, ...]) -> Run:
    """Finds the programs of a plan."""
    choice = (plan.stemmed, plan.shared.missing, plan.pieces.rows == len(probes))
    programs = programs_of(remembered(scoring), choice)
    strengths = jnp.asarray(alphas, jnp.result_type(float))
    return Run(scoring=scoring, plan=plan, programs=programs, probes=probes, alphas=strengths)


def score_all(
    run: Run, reading: Reading, parents: Population, children: Population, progress: Done | None
) -> np.ndarray:
    """Scores all pairs `[p, m, l, measure, form, k]`, layers sorted by name.

    Raises:
        UnknownKindError: If a network is of a kind that the plan does not know.
        ValueError: As `score`.
    """
    parent_names, child_names = names_of(parents, "parent"), names_of(children, "child")
    groups = list(_groups(parent_names, run.plan.pieces.parents))
    resident = _parents(run, reading, parents, groups[0]) if len(groups) == 1 else None
    found: list[np.ndarray] = []
    for names in _groups(child_names, run.plan.pieces.children.block):
        block = read_block(
            children, "child", names, reading, run.plan.shared, run.plan.constant, size=run.plan.pieces.children.block
        )
        seen = _seen(run, block, run.probes, names) if run.whole else None
        rows: list[np.ndarray] = []
        for group in groups:
            stacked = _parents(run, reading, parents, group) if resident is None else resident
            if not found and not rows and not run.whole:
                _check_apart(run.scoring.feature_fn, jax.tree.map(lambda leaf: leaf[0], stacked), run.probes)
            rows.append(_scores(run, stacked, block, seen, names)[: len(group), : len(names)])
            del stacked  # before the next ones are read
        found.append(np.concatenate(rows))
        del block, seen
        if progress:
            done = sum(part.shape[1] for part in found)
            progress(len(parent_names) * done, len(parent_names) * len(child_names))
    return np.concatenate(found, axis=1)


def _parents(run: Run, reading: Reading, parents: Population, names: Sequence[str]) -> Params:
    size = min(run.plan.pieces.parents, len(names_of(parents, "parent")))
    return read_block(parents, "parent", names, reading, run.plan.shared, run.plan.constant, size=size)


def _seen(run: Run, block: Params, probes: jax.Array, names: Sequence[str]) -> Seen:
    """Runs the children's forward passes."""
    with lent(lambda: run.plan.final(run.scoring, run.probes)):
        seen = run.programs.see_all(block, probes)
    for layer, features in seen.features.items():
        finite = np.asarray(jnp.all(jnp.isfinite(features), axis=(1, 2)))[: len(names)]
        if not finite.all():
            raise ValueError(
                f"child '{names[int(np.argmin(finite))]}' has features that are not finite at layer '{layer}' though "
                "its weights are: values overflow on the way; check the scale of the probes and the precision"
            )
    return seen


def _scores(run: Run, parents: Params, block: Params, seen: Seen | None, names: Sequence[str]) -> np.ndarray:
    """Scores pairs; over pieces of the probes, their means are averaged, and roots are taken last."""

    def of(probes: jax.Array, seen: Seen) -> np.ndarray:
        with lent(lambda: run.plan.final(run.scoring, run.probes)):
            chunk = run.plan.pieces.children.chunk
            return np.asarray(run.programs.score_pairs(parents, block, seen, probes, run.alphas, chunk=chunk))

    if seen is not None:
        return of(run.probes, seen)
    total, dtype = np.zeros(()), np.dtype(np.float32)
    for probes in run.shown():
        part = of(probes, _seen(run, block, probes, names))
        total, dtype = total + part.astype(np.float64) * (len(probes) / len(run.probes)), part.dtype
    scores = total.astype(dtype)
    for index, measure in enumerate(run.scoring.measures):
        if isinstance(measure, similarity.RootedMeasure):
            scores[:, :, :, index] = measure.root(jnp.asarray(scores[:, :, :, index]))
    return scores


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


def _groups(names: tuple[str, ...], size: int) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(names), size):
        yield names[start : start + size]
