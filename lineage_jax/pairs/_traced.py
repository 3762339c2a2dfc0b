"""The two programs as they would run on one device, for so many networks: traced from shapes, not compiled."""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.extend import core

from lineage_jax.pairs._feature_comparison import FeatureComparison
from lineage_jax.pairs._memory import nbytes, working_bytes
from lineage_jax.pairs._passes import score_pairs, see_all
from lineage_jax.typing import Params


class Traced(NamedTuple):
    """What runs on one device, and what of it can be read off without running.

    Attributes:
        see_all: children's forward passes, on the probes that are shown at a time.
        score_pairs: all pairs of them, one child at a time.
        network: bytes of a network, in the tree that every one is brought to.
        features: bytes of a network's features at all layers.
        held: bytes of what is held of a child while pairs are scored; its features are part of it.
        working: bytes of the temporaries of one pair, as an upper estimate.
    """

    see_all: core.ClosedJaxpr
    score_pairs: core.ClosedJaxpr
    network: int
    features: int
    held: int
    working: int


def traced(comparison: FeatureComparison, *, parents: int, children: int) -> Traced:
    """Traces both programs of a comparison for so many networks.

    What a parent, a child and a pair cost follows from two such counts: nothing is asked of the networks, which need
    not be there yet.

    Args:
        comparison: a comparison by features; of a mesh that splits the probes, one device is shown all of them.
        parents: how many networks of this side.
        children: how many of the other.

    Examples:
        >>> from lineage_jax import similarity
        >>> from lineage_jax.pairs import Scoring, feature_comparison, first_look
        >>> networks = {"a": {"w": jnp.ones((3, 2))}}
        >>> comparison = feature_comparison(
        ...     first_look(networks, networks, held=()),
        ...     Scoring(lambda params, x: x @ params["w"], (similarity.l1,), ("direct",), ()),
        ...     measures=("l1",), probes=jnp.ones((5, 3)), alphas=(0.0,), memory=None,
        ... )
        >>> [leaf.shape for leaf in traced(comparison, parents=2, children=4).score_pairs.out_avals]
        [(2, 4, 1, 1, 1, 1)]
    """
    plan, probes = comparison.plan, comparison.probes
    scoring = dataclasses.replace(plan, mesh=None).final(comparison.scoring, probes)
    network = plan.shared.template.tree
    rows = len(probes) if plan.is_split else plan.pieces.rows
    shown = jax.ShapeDtypeStruct((rows, *probes.shape[1:]), probes.dtype)
    strengths = jax.ShapeDtypeStruct((len(comparison.alphas),), jnp.result_type(float))
    sides = _stacked(network, parents), _stacked(network, children)
    see = functools.partial(see_all, scoring=scoring)
    score = functools.partial(score_pairs, scoring=scoring, chunk=1)
    seeing, seen = jax.make_jaxpr(see, return_shape=True)(sides[1], shown)
    scoring_pairs = jax.make_jaxpr(score)(*sides, seen, shown, strengths)
    return Traced(
        see_all=seeing,
        score_pairs=scoring_pairs,
        network=nbytes(network),
        features=nbytes(seen.features) // children,
        held=nbytes(seen) // children,
        working=working_bytes(core.jaxpr_as_fun(scoring_pairs), *scoring_pairs.in_avals),
    )


def _stacked(network: Params, count: int) -> Params:
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((count, *leaf.shape), leaf.dtype), network)
