"""The two sides of a pair: what a measure needs of the child, and of the parent, is computed once a network.

For p parents and m children a `TwoStepMeasure` prepares p + m networks, not p m pairs. Along the tangent only the
parent's preparation is pushed forward; any other measure takes the features as they are.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lineage_jax import similarity
from lineage_jax.typing import Measure


@dataclasses.dataclass(frozen=True)
class ParentSide:
    """One parent at one layer, as one measure sees it.

    Attributes:
        direct: from the prepared child to the score S(F_p, F_c).
        taylor: from tangent, prepared child and alphas to the first-order expansion of the score, one an alpha.
        exact: from tangent, prepared child and one alpha to S(F_p + alpha J D, F_c).
    """

    direct: Callable[[Any], Array]
    taylor: Callable[[Array, Any, Array], Array]
    exact: Callable[[Array, Any, Array], Array]


def prepared(measure: Measure, features: Float[Array, "n d"]) -> Any:
    """Returns what a measure in two steps takes for a child with these features; others take the features: None."""
    return measure.prepare(_wide(features)) if isinstance(measure, similarity.TwoStepMeasure) else None


def parent_side(measure: Measure, value: Float[Array, "n d"]) -> ParentSide:
    """Prepares a parent with these features."""
    if isinstance(measure, similarity.TwoStepMeasure):
        return _in_two_steps(measure, _wide(value))
    return ParentSide(
        direct=lambda target: measure(value, target),
        taylor=lambda tangent, target, alphas: similarity.taylor(measure, value, tangent, target, alpha=alphas),
        exact=lambda tangent, target, alpha: measure(value + alpha * tangent, target),
    )


def _in_two_steps(measure: similarity.TwoStepMeasure, value: Float[Array, "n d"]) -> ParentSide:
    parent, push = jax.linearize(measure.prepare, value)

    def taylor(tangent: Array, target: Any, alphas: Array) -> Array:
        compare = lambda parent: measure.compare(parent, target)  # noqa: E731
        score, slope = jax.jvp(compare, (parent,), (push(_wide(tangent)),))
        return score + alphas * slope

    return ParentSide(
        direct=lambda target: measure.compare(parent, target),
        taylor=taylor,
        exact=lambda tangent, target, alpha: measure.compare(measure.prepare(_wide(value + alpha * tangent)), target),
    )


def _wide(features: Float[Array, "n d"]) -> Float[Array, "n d"]:
    """Casts half precision to float32, in which measures accumulate."""
    return features.astype(jnp.promote_types(features.dtype, jnp.float32))
