"""What is decided from shapes alone: the layers, whether the first one is shared, how networks and probes are cut."""

import dataclasses
import functools
import math

import flax.errors
import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from lineage_jax import linearize, similarity
from lineage_jax.leaves import is_under
from lineage_jax.pairs._comparison import AtATime
from lineage_jax.pairs._kind import paths_of
from lineage_jax.pairs._memory import Pieces, Sizes, nbytes, pieces, working_bytes
from lineage_jax.pairs._mesh import CHILDREN, PROBES, axis, devices_of_a_process, on_one_device
from lineage_jax.pairs._needs import layers_and_needs
from lineage_jax.pairs._parts import on_a_part
from lineage_jax.pairs._passes import Scoring, Seen, scorer, see
from lineage_jax.pairs._shared import Shared
from lineage_jax.typing import Inputs, Params

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
        pieces: how networks and probes are cut, on each device.
        at_a_time: how many networks all devices hold together.
        mesh: of the devices, with both axes; None where there is one.
    """

    shared: Shared
    layers: tuple[str, ...]
    needs: tuple[tuple[str, tuple[str, ...]], ...]
    stemmed: bool
    pieces: Pieces
    at_a_time: AtATime
    mesh: Mesh | None

    @property
    def used(self) -> tuple[str, ...]:
        """Paths of the leaves that some layer depends on; what the others hold makes no difference."""
        needed = {path for _, paths in self.needs for path in paths}
        return tuple(path for path in paths_of(self.shared.template) if path in needed)

    @property
    def constant(self) -> tuple[str, ...]:
        """Integers that some layer depends on."""
        return tuple(path for path in self.shared.constant if path in self.used)

    @property
    def children(self) -> int:
        """Children of a block, filled up so that every device has equally many."""
        return self.pieces.children.block * axis(self.mesh, CHILDREN)

    @property
    def is_split(self) -> bool:
        """Whether devices have some of the probes each."""
        return axis(self.mesh, PROBES) > 1

    def is_cut(self, probes: int) -> bool:
        """Whether probes are shown piece by piece."""
        return self.pieces.rows < _share(probes, self.mesh, PROBES)

    def final(self, scoring: Scoring, probes: jax.Array | jax.ShapeDtypeStruct) -> Scoring:
        """Returns the setting that is compiled: what is missing is held, measures are those of a part of the probes."""
        setting = _setting(scoring, self.shared, probes, self.mesh)
        if self.is_split or self.is_cut(probes.shape[0]):
            setting = setting._replace(measures=tuple(map(on_a_part, scoring.measures)))
        return _stemmed(setting, self.shared, probes) if self.stemmed else _plain(setting)


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
    mesh: Mesh | None = None,
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
        mesh: of the devices, with both axes; None for one device.

    Raises:
        ValueError: If the feature function does not accept the networks and probes, or its features have no row for
            every probe.
    """
    shared, needs = _accepted(scoring, ways, probes)
    linearize.check_rows(scoring.feature_fn, shared.template.tree, probes)
    setting = _setting(scoring, shared, probes, mesh)
    fit = functools.partial(
        _pieces,
        template=shared.template.tree,
        probes=jax.ShapeDtypeStruct((_share(probes.shape[0], mesh, PROBES), *probes.shape[1:]), probes.dtype),
        alphas=alphas,
        parents=parents,
        children=_share(children, mesh, CHILDREN),
        can_cut=all(map(similarity.is_mean_over_examples, scoring.measures)) and axis(mesh, PROBES) == 1,
        memory=(DEFAULT_MEMORY if memory is None else memory) // devices_of_a_process(mesh),
        blocks=blocks and blocks._replace(children=_share(blocks.children, mesh, CHILDREN)),
        mesh=mesh,
    )

    def make(pieces: Pieces, *, stemmed: bool) -> Plan:
        together = blocks or AtATime(pieces.parents, pieces.children.block * axis(mesh, CHILDREN))
        needs_of = tuple((layer, tuple(sorted(paths))) for layer, paths in needs.items())
        return Plan(
            shared=shared,
            layers=tuple(needs),
            needs=needs_of,
            stemmed=stemmed,
            pieces=pieces,
            at_a_time=together,
            mesh=mesh,
        )

    stemmed = _stemmed(setting, shared, probes)
    if isinstance(stemmed.feature_fn, linearize.Stemmed):
        found = make(fit(stemmed), stemmed=True)
        if found.children >= min(blocks.children if blocks else children, FEWEST_SHARED):
            return found
    return make(fit(_plain(setting)), stemmed=False)


def _accepted(
    scoring: Scoring, ways: tuple[Shared, ...], probes: jax.ShapeDtypeStruct
) -> tuple[Shared, dict[str, frozenset[str]]]:
    """Traces the feature function on one tree after another until it takes one; returns what each layer depends on."""
    first: Exception | None = None
    for shared in ways:
        try:
            layers, needs = layers_and_needs(scoring.feature_fn, shared.template.tree, probes)
        except NOT_ACCEPTED as error:
            first = first or error
            continue
        _check_floating(layers)
        return shared, needs
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
    mesh: Mesh | None,
) -> Pieces:
    strengths = jax.ShapeDtypeStruct((alphas,), jnp.result_type(float))

    def shown(rows: int) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((rows, *probes.shape[1:]), probes.dtype)

    @functools.cache
    def seen(rows: int) -> Seen:
        return jax.eval_shape(on_one_device(functools.partial(see, scoring), mesh), template, shown(rows))

    def one_pair(parent: Params, child: Params, seen: Seen, x: Inputs, strengths: jax.Array) -> jax.Array:
        return scorer(scoring, parent, x, strengths)(child, seen)

    @functools.cache
    def working(rows: int) -> int:
        return working_bytes(on_one_device(one_pair, mesh), template, template, seen(rows), shown(rows), strengths)

    sizes = Sizes(network=nbytes(template), held=lambda rows: nbytes(seen(rows)), working=working)
    counts = {"parents": parents, "children": children, "probes": probes.shape[0]}
    return pieces(sizes, **counts, can_cut=can_cut, memory=memory, blocks=blocks)


def _setting(scoring: Scoring, shared: Shared, probes: jax.Array | jax.ShapeDtypeStruct, mesh: Mesh | None) -> Scoring:
    split = probes.shape[0] if axis(mesh, PROBES) > 1 else None
    return scoring._replace(held=_held(scoring, shared), split_probes=split)


def _share(count: int, mesh: Mesh | None, name: str) -> int:
    """Returns how many each device has of what is split over an axis of the mesh."""
    return math.ceil(count / axis(mesh, name))


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
