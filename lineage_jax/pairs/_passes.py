"""The two programs: each child seen once, and every pair scored along the parent's tangents."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from lineage_jax import linearize
from lineage_jax.linearize import by_layer
from lineage_jax.pairs._mesh import PROBES, gathered
from lineage_jax.pairs._sides import ParentSide, parent_side, prepared
from lineage_jax.similarity import TwoStepMeasure, is_mean_over_examples
from lineage_jax.typing import FeatureFn, Features, Inputs, Measure, Params

Layers = dict[str, Float[Array, "n d"]]


class Seen(NamedTuple):
    """What a child's own forward pass gives.

    Attributes:
        features: `{layer: [n, d]}`, of the probes that the device has.
        whole: the same of all probes, where the device has some and a measure takes all of them as they are; else {}.
        prepared: `{layer: ...}`, what each measure takes for the child in a pair (`_sides.prepared`).
        stem: the first layer's output, where it is shared.
        overflown: `{layer: whether some of its features are not finite}`.
    """

    features: Layers
    whole: Layers
    prepared: dict[str, tuple]
    stem: Array | None
    overflown: dict[str, Bool[Array, ""]]


class Scoring(NamedTuple):
    """The static part of scoring; the same settings find the same compiled programs (`_programs`).

    Attributes:
        feature_fn: from variables and probes to features.
        measures: functions of two feature matrices.
        forms: of `lineage.FORMS`.
        held: path prefixes that stay the parent's.
        split_probes: how many probes there are, where the devices of a mesh have some of them each; else None.
    """

    feature_fn: FeatureFn
    measures: tuple[Measure, ...]
    forms: tuple[str, ...]
    held: tuple[str, ...]
    split_probes: int | None = None


def see(scoring: Scoring, child: Params, probes: Inputs) -> Seen:
    """Runs one child's forward pass, and prepares what depends on the child alone."""
    feature_fn, stem = scoring.feature_fn, None
    if isinstance(feature_fn, linearize.Stemmed):
        stem = feature_fn.stem(child, probes)
        features = matrices(feature_fn.rest(child, probes, stem))
    else:
        features = matrices(feature_fn(child, probes))
    shown = {layer: views(scoring, x) for layer, x in features.items()}
    as_they_are = [
        place
        for place, alone in enumerate(apart(scoring))
        if not (alone or isinstance(scoring.measures[place], TwoStepMeasure))
    ]
    whole = {layer: of_layer[as_they_are[0]] for layer, of_layer in shown.items()} if as_they_are else {}
    ready = {layer: tuple(map(prepared, scoring.measures, of_layer)) for layer, of_layer in shown.items()}
    overflown = {layer: ~jnp.isfinite(x).all() for layer, x in features.items()}
    return Seen(features, whole, ready, stem, overflown)


def apart(scoring: Scoring) -> list[bool]:
    """Says of each measure whether it takes the probes at hand alone: of course where these are all.

    Else means over the examples do, to be averaged afterwards, where devices have equally many probes.
    """
    n = scoring.split_probes
    return [n is None or (is_mean_over_examples(m) and n % jax.lax.axis_size(PROBES) == 0) for m in scoring.measures]


def views(scoring: Scoring, features: Float[Array, "r d"]) -> list[Float[Array, "r d"] | Float[Array, "n d"]]:
    """Returns what each measure takes of the features of the probes at hand; they are gathered once for all."""
    alone, n = apart(scoring), scoring.split_probes
    whole = features if n is None or all(alone) else gathered(features, n)
    return [features if takes_few else whole for takes_few in alone]


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

    measures, alone = scoring.measures, apart(scoring)
    sides = {layer: list(map(parent_side, measures, views(scoring, x))) for layer, x in by_layer(value).items()}

    def score_child(child: Params, seen: Seen) -> Array:
        tangents = by_layer(push(child, seen))

        def score_layer(layer: str) -> Array:
            plain = [seen.features[layer] if takes_few else seen.whole.get(layer) for takes_few in alone]
            ready = [x if target is None else target for x, target in zip(plain, seen.prepared[layer], strict=True)]
            pairs = zip(sides[layer], views(scoring, tangents[layer]), ready, strict=True)
            return jnp.stack([_all_forms(scoring, side, tangent, target, alphas) for side, tangent, target in pairs])

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
