"""What is decided from shapes alone: the layers, whether the first one is shared, how networks and probes are cut."""

import dataclasses
import functools

import flax.errors
import jax
import jax.numpy as jnp

from lineage_jax import linearize, similarity
from lineage_jax.leaves import is_under
from lineage_jax.pairs._comparison import AtATime
from lineage_jax.pairs._kind import paths_of
from lineage_jax.pairs._memory import Pieces, Sizes, nbytes, pieces, working_bytes
from lineage_jax.pairs._needs import layers_and_needs
from lineage_jax.pairs._passes import Scoring, Seen, scorer, see
from lineage_jax.pairs._shared import Shared
from lineage_jax.typing import Inputs, Measure, Params

FEWEST_SHARED = 16
"""With fewer children in a block than this, repeating the parents' forward pass costs more than sharing stems saves."""

DEFAULT_MEMORY = 512 * 2**20
"""Bytes of working memory: networks, features and temporaries of what is held at a time."""

NOT_ACCEPTED = (TypeError, ValueError, KeyError, IndexError, AttributeError, flax.errors.FlaxError)
"""What feature functions raise on variables or probes that are not theirs."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """How pairs are scored; holds no function, so that it may outlive them.

    Attributes:
        shared: the tree that the feature function takes, and what takes part.
        layers: names in the feature function's own order.
        needs: paths of the leaves that each layer depends on.
        stemmed: whether the first layer is shared between all pairs.
        pieces: how networks and probes are cut.
    """

    shared: Shared
    layers: tuple[str, ...]
    needs: tuple[tuple[str, tuple[str, ...]], ...]
    stemmed: bool
    pieces: Pieces

    @property
    def used(self) -> tuple[str, ...]:
        """Paths of the leaves that some layer depends on; what the others hold makes no difference."""
        needed = {path for _, paths in self.needs for path in paths}
        return tuple(path for path in paths_of(self.shared.template) if path in needed)

    @property
    def constant(self) -> tuple[str, ...]:
        """Integers that some layer depends on."""
        return tuple(path for path in self.shared.constant if path in self.used)

    def final(self, scoring: Scoring, probes: jax.Array | jax.ShapeDtypeStruct) -> Scoring:
        """Returns the setting that is compiled: what is missing is held, measures are those of a piece."""
        whole = self.pieces.rows == probes.shape[0]
        measures = scoring.measures if whole else tuple(map(on_a_piece, scoring.measures))
        setting = scoring._replace(held=_held(scoring, self.shared), measures=measures)
        return _stemmed(setting, self.shared, probes) if self.stemmed else _plain(setting)


@dataclasses.dataclass(frozen=True)
class Power:
    """The mean under the root of a measure: means of pieces add up, roots do not."""

    measure: similarity.RootedMeasure

    def __call__(self, a: jax.Array, b: jax.Array) -> jax.Array:
        return self.measure.power(a, b)


def on_a_piece(measure: Measure) -> Measure:
    """Returns the measure whose mean over pieces is the measure of the whole, up to a root."""
    return Power(measure) if isinstance(measure, similarity.RootedMeasure) else measure


def plan(
    scoring: Scoring,
    ways: tuple[Shared, ...],
    probes: jax.ShapeDtypeStruct,
    *,
    alphas: int,
    parents: int,
    children: int,
    memory: int | None,
    blocks: AtATime | None = None,
) -> Plan:
    """Plans the scoring of all pairs.

    Args:
        scoring: the setting as the caller has it.
        ways: how networks may be brought to one tree.
        probes: shape and dtype.
        alphas: how many.
        parents: how many.
        children: how many.
        memory: bytes, or None for `DEFAULT_MEMORY`.
        blocks: how many networks are held at a time, where that is settled.

    Raises:
        ValueError: If the feature function does not accept the networks and probes, or its features have no row for
            every probe.
    """
    shared, layers, needs = _accepted(scoring, ways, probes)
    linearize.check_rows(scoring.feature_fn, shared.template.tree, probes)
    setting = scoring._replace(held=_held(scoring, shared))
    can_cut = all(map(similarity.is_mean_over_examples, scoring.measures))
    fit = functools.partial(
        _pieces,
        template=shared.template.tree,
        probes=probes,
        alphas=alphas,
        parents=parents,
        children=children,
        can_cut=can_cut,
        memory=DEFAULT_MEMORY if memory is None else memory,
        blocks=blocks,
    )
    make = functools.partial(Plan, shared=shared, layers=layers, needs=needs)
    stemmed = _stemmed(setting, shared, probes)
    if isinstance(stemmed.feature_fn, linearize.Stemmed):
        found = fit(stemmed)
        if found.children.block >= min(children, FEWEST_SHARED):
            return make(stemmed=True, pieces=found)
    return make(stemmed=False, pieces=fit(_plain(setting)))


def _accepted(
    scoring: Scoring, ways: tuple[Shared, ...], probes: jax.ShapeDtypeStruct
) -> tuple[Shared, tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    """Traces the feature function on one tree after another until it takes one."""
    first: Exception | None = None
    for shared in ways:
        try:
            layers, needs = layers_and_needs(scoring.feature_fn, shared.template.tree, probes)
        except NOT_ACCEPTED as error:
            first = first or error
            continue
        _check_floating(layers)
        return shared, tuple(layers), tuple((layer, tuple(sorted(needs[layer]))) for layer in layers)
    reason = (str(first).splitlines() or [""])[0]
    leaves = ", ".join(list(paths_of(ways[0].template))[:3])
    raise ValueError(
        f"the network does not accept probes of shape {probes.shape} with variables {leaves}, ...: "
        f"{type(first).__name__}: {reason}"
    ) from first


def _check_floating(layers: dict[str, jax.ShapeDtypeStruct]) -> None:
    for layer, leaf in layers.items():
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            raise TypeError(
                f"expected floating-point features, got {leaf.dtype} at layer '{layer}'; return what comes before it, "
                "or real and imaginary parts"
            )


def _pieces(
    scoring: Scoring,
    *,
    template: Params,
    probes: jax.ShapeDtypeStruct,
    alphas: int,
    parents: int,
    children: int,
    can_cut: bool,
    memory: int,
    blocks: AtATime | None,
) -> Pieces:
    strengths = jax.ShapeDtypeStruct((alphas,), jnp.result_type(float))

    def shown(rows: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((rows, *probes.shape[1:]), probes.dtype)

    @functools.cache
    def seen(rows: int) -> Seen:
        return jax.eval_shape(lambda child, x: see(scoring, child, x), template, shown(rows))

    def one_pair(parent: Params, child: Params, seen: Seen, x: Inputs, strengths: jax.Array) -> jax.Array:
        return scorer(scoring, parent, x, strengths)(child, seen)

    @functools.cache
    def working(rows: int) -> int:
        return working_bytes(one_pair, template, template, seen(rows), shown(rows), strengths)

    sizes = Sizes(network=nbytes(template), held=lambda rows: nbytes(seen(rows)), working=working)
    counts = {"parents": parents, "children": children, "probes": probes.shape[0]}
    return pieces(sizes, **counts, can_cut=can_cut, memory=memory, blocks=blocks)


def _held(scoring: Scoring, shared: Shared) -> tuple[str, ...]:
    """Returns what stays the parent's; a path that the template has not is no longer there to hold."""
    paths = paths_of(shared.template)
    here = [prefix for prefix in scoring.held if any(is_under(path, (prefix,)) for path in paths)]
    return (*here, *shared.missing)


def _stemmed(scoring: Scoring, shared: Shared, probes: jax.Array | jax.ShapeDtypeStruct) -> Scoring:
    found = linearize.split_stem(scoring.feature_fn, shared.template.tree, probes, held=scoring.held)
    return scoring if found is None else scoring._replace(feature_fn=found)


def _plain(scoring: Scoring) -> Scoring:
    """Takes a function that comes in two parts as one."""
    whole = scoring.feature_fn
    return scoring._replace(feature_fn=whole.__call__) if isinstance(whole, linearize.Stemmed) else scoring
