"""What is decided from shapes alone: the layers, whether the first one is shared, how many children go at a time."""

import functools

import jax
import jax.numpy as jnp

from lineage_jax import linearize
from lineage_jax.lineage._memory import Cut, cut, nbytes, working_bytes
from lineage_jax.lineage._passes import OUTPUT, Scoring, Seen, by_layer, scorer, see
from lineage_jax.lineage._shared import Shared
from lineage_jax.typing import FeatureFn, Inputs, Params

FEWEST_SHARED = 16
"""With fewer children in a block than this, repeating the parents' forward pass costs more than sharing stems saves."""


@functools.lru_cache(maxsize=64)
def plan(
    scoring: Scoring, shared: Shared, probes: jax.ShapeDtypeStruct, *, alphas: int, children: int, memory: int
) -> tuple[tuple[str, ...], Scoring, Cut]:
    """Plans the scoring of all pairs; remembered, so that networks of the same shapes are not traced again.

    Returns:
        The layers in the feature function's own order, the scoring with its first layer split off where that is
        worth it, and how the children are cut up.

    Raises:
        ValueError: If the feature function does not accept the probes.
    """
    layers = _layers_in_order(scoring.feature_fn, shared.template, probes)
    stemmed = linearize.split_stem(scoring.feature_fn, shared.template, probes, held=scoring.held)
    if stemmed is not None:
        sharing = scoring._replace(feature_fn=stemmed)
        pieces = _cut(sharing, shared.template, probes, alphas=alphas, children=children, memory=memory)
        if pieces.block >= min(children, FEWEST_SHARED):
            return layers, sharing, pieces
    if isinstance(scoring.feature_fn, linearize.Stemmed):
        scoring = scoring._replace(feature_fn=scoring.feature_fn.__call__)
    return layers, scoring, _cut(scoring, shared.template, probes, alphas=alphas, children=children, memory=memory)


def _cut(
    scoring: Scoring, template: Params, probes: jax.ShapeDtypeStruct, *, alphas: int, children: int, memory: int
) -> Cut:
    strengths = jax.ShapeDtypeStruct((alphas,), jnp.result_type(float))
    seen = jax.eval_shape(lambda child, x: see(scoring, child, x), template, probes)

    def one_pair(parent: Params, child: Params, seen: Seen, x: Inputs, strengths: jax.Array) -> jax.Array:
        return scorer(scoring, parent, x, strengths)(child, seen)

    working = working_bytes(one_pair, template, template, seen, probes, strengths)
    return cut(children, held_bytes=nbytes(seen), working_bytes=working, memory=memory)


def _layers_in_order(feature_fn: FeatureFn, template: Params, probes: jax.ShapeDtypeStruct) -> tuple[str, ...]:
    layers: list[str] = []

    def trace(variables: Params, inputs: Inputs) -> None:
        features = feature_fn(variables, inputs)
        by_layer(features)
        layers.extend(features if isinstance(features, dict) else [OUTPUT])  # noted here: pytrees sort their keys

    try:
        jax.eval_shape(trace, template, probes)
    except (TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"the network does not accept probes of shape {probes.shape}: {reason}") from error
    return tuple(layers)
