"""The two programs: each child seen once, and every pair scored along the parent's tangents."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lineage_jax import linearize
from lineage_jax.linearize import by_layer
from lineage_jax.pairs._sides import ParentSide, parent_side, prepared
from lineage_jax.typing import FeatureFn, Features, Inputs, Measure, Params

Layers = dict[str, Float[Array, "n d"]]


class Seen(NamedTuple):
    """What a child's own forward pass gives.

    Attributes:
        features: `{layer: [n, d]}`.
        prepared: `{layer: ...}`, what each measure takes for the child in a pair (`_sides.prepared`).
        stem: the first layer's output, where it is shared.
        overflown: `{layer: whether some of its features are not finite}`.
    """

    features: Layers
    prepared: dict[str, tuple]
    stem: Array | None
    overflown: dict[str, Bool[Array, ""]]


class Scoring(NamedTuple):
    """The static part of scoring; the same settings find the same compiled programs (`_programs`)."""

    feature_fn: FeatureFn
    measures: tuple[Measure, ...]
    forms: tuple[str, ...]
    held: tuple[str, ...]


def see(scoring: Scoring, child: Params, probes: Inputs) -> Seen:
    """Runs one child's forward pass, and prepares what depends on the child alone."""
    feature_fn, stem = scoring.feature_fn, None
    if isinstance(feature_fn, linearize.Stemmed):
        stem = feature_fn.stem(child, probes)
        features = matrices(feature_fn.rest(child, probes, stem))
    else:
        features = matrices(feature_fn(child, probes))
    ready = {layer: tuple(prepared(m, x) for m in scoring.measures) for layer, x in features.items()}
    return Seen(features, ready, stem, {layer: ~jnp.isfinite(x).all() for layer, x in features.items()})


def see_all(children: Params, probes: Inputs, *, scoring: Scoring) -> Seen:
    """Runs every child's forward pass, one at a time: a `vmap` would turn convolutions into slow grouped ones."""
    return jax.lax.map(lambda child: see(scoring, child, probes), children)


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

    sides = {layer: [parent_side(m, x) for m in scoring.measures] for layer, x in by_layer(value).items()}

    def score_child(child: Params, seen: Seen) -> Array:
        tangents = by_layer(push(child, seen))

        def score_layer(layer: str) -> Array:
            ready = [seen.features[layer] if target is None else target for target in seen.prepared[layer]]
            pairs = zip(sides[layer], ready, strict=True)
            return jnp.stack([_all_forms(scoring, side, tangents[layer], target, alphas) for side, target in pairs])

        return jnp.stack([score_layer(layer) for layer in sorted(sides)])

    return score_child


def matrices(features: Features) -> Layers:
    """Brings features to `{layer: [n, d]}`."""
    return by_layer(linearize.as_matrices(features))


def _all_forms(
    scoring: Scoring, side: ParentSide, tangent: Array, target: Any, alphas: Float[Array, " k"]
) -> Float[Array, "form k"]:
    form = {
        "direct": lambda: jnp.broadcast_to(side.direct(target), alphas.shape),
        "taylor": lambda: side.taylor(tangent, target, alphas),
        "exact": lambda: jax.lax.map(lambda alpha: side.exact(tangent, target, alpha), alphas),
    }
    return jnp.stack([form[name]() for name in scoring.forms])
