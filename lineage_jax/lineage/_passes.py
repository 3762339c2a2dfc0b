"""The two compiled programs: each child seen once, and every pair scored along the parent's tangents."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lineage_jax import linearize, similarity
from lineage_jax.typing import FeatureFn, Inputs, Measure, Params

Layers = dict[str, Float[Array, "n d"]]

OUTPUT = "output"
"""The layer name of a plain function that returns one array."""


class Seen(NamedTuple):
    """What a child's own forward pass gives: features `{layer: [n, d]}`, and the first layer's output where shared."""

    features: Layers
    stem: Array | None


class Scoring(NamedTuple):
    """The static part of scoring; equal settings find the same compiled program."""

    feature_fn: FeatureFn
    measures: tuple[Measure, ...]
    forms: tuple[str, ...]
    held: tuple[str, ...]


def see(feature_fn: FeatureFn, child: Params, probes: Inputs) -> Seen:
    """Runs one child's forward pass."""
    if isinstance(feature_fn, linearize.Stemmed):
        stem = feature_fn.stem(child, probes)
        return Seen(by_layer(feature_fn.rest(child, probes, stem)), stem)
    return Seen(by_layer(feature_fn(child, probes)), None)


@functools.partial(jax.jit, static_argnames=("feature_fn",))
def see_all(children: Params, probes: Inputs, *, feature_fn: FeatureFn) -> Seen:
    """Runs every child's forward pass, one at a time: a `vmap` would turn convolutions into slow grouped ones."""
    return jax.lax.map(lambda child: see(feature_fn, child, probes), children)


@functools.partial(jax.jit, static_argnames=("scoring", "chunk"))
def score_pairs(
    parents: Params,
    children: Params,
    seen: Seen,
    probes: Inputs,
    alphas: Float[Array, " k"],
    *,
    scoring: Scoring,
    chunk: int,
) -> Float[Array, "p m l measure form k"]:
    """Scores every pair: each parent is linearised once, and its children pass through in chunks."""

    def with_parent(parent: Params) -> Array:
        score_child = scorer(scoring, parent, probes, alphas)
        batch_size = chunk if chunk > 1 else None  # a batch axis of size one would only cost time
        return jax.lax.map(lambda child: score_child(*child), (children, seen), batch_size=batch_size)

    return jax.lax.map(with_parent, parents)


def scorer(
    scoring: Scoring, parent: Params, probes: Inputs, alphas: Float[Array, " k"]
) -> Callable[[Params, Seen], Float[Array, "l measure form k"]]:
    """Linearises one parent and returns the function that scores a child against it, layers sorted by name."""
    feature_fn, held = scoring.feature_fn, scoring.held
    if isinstance(feature_fn, linearize.Stemmed):
        value, push_stemmed = linearize.linearize_stemmed(feature_fn, parent, probes, held=held)
        push = lambda child, seen: push_stemmed(child, seen.stem)  # noqa: E731
    else:
        value, push_whole = linearize.linearize(feature_fn, parent, probes, held=held)
        push = lambda child, seen: push_whole(child)  # noqa: E731

    def score_child(child: Params, seen: Seen) -> Array:
        values, tangents = by_layer(value), by_layer(push(child, seen))
        layers = sorted(values)
        return jnp.stack([_score_layer(scoring, values[k], tangents[k], seen.features[k], alphas) for k in layers])

    return score_child


def by_layer(features: object) -> Layers:
    """Brings features to `{layer: [n, d]}`."""
    named = features if isinstance(features, dict) else {OUTPUT: features}
    return linearize.as_matrices(named)


def _score_layer(
    scoring: Scoring, value: Array, tangent: Array, target: Array, alphas: Float[Array, " k"]
) -> Float[Array, "measure form k"]:
    form = {
        "direct": lambda measure: jnp.broadcast_to(measure(value, target), alphas.shape),
        "taylor": lambda measure: similarity.taylor(measure, value, tangent, target, alpha=alphas),
        "exact": lambda measure: jax.lax.map(lambda alpha: measure(value + alpha * tangent, target), alphas),
    }
    return jnp.stack([jnp.stack([form[name](measure) for name in scoring.forms]) for measure in scoring.measures])
