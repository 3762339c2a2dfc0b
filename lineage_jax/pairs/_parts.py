"""Scores of parts of the probes: means over the examples add up, and roots are taken of the whole."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Array, Float

from lineage_jax import similarity
from lineage_jax.typing import Measure


@dataclasses.dataclass(frozen=True, kw_only=True)
class OnAPart(similarity.RootedMeasure):
    """A measure with a root, of some of the examples: an expansion that overshoots keeps its sign until it is added."""

    def root(self, power: Float[Array, "..."], *, unit: Float[Array, ""] | float = 1.0) -> Float[Array, "..."]:
        """Returns the root with the sign of the power, from which `whole` finds the power again."""
        return super().root(power, unit=unit) - super().root(-power, unit=unit)


def on_a_part(measure: Measure) -> Measure:
    """Returns the measure of a part of the examples that `whole` takes."""
    return OnAPart(p=measure.p) if isinstance(measure, similarity.RootedMeasure) else measure


def whole(
    parts: Float[np.ndarray, "q *pairs measure form k"], weights: Sequence[float], measures: Sequence[Measure]
) -> Float[np.ndarray, "*pairs measure form k"]:
    """Averages scores of parts, in float64; where a measure takes a root, its powers.

    Args:
        parts: scores by `on_a_part` of the measures.
        weights: of the parts; they sum to 1.
        measures: of the whole.

    Examples:
        >>> parts = np.array([[-3.0, -3.0], [-4.0, -4.0]])[:, :, None, None]
        >>> whole(parts, (0.5, 0.5), (similarity.l1, similarity.l2)).round(3).ravel().tolist()
        [-3.5, -3.536]
    """
    powers = parts.astype(np.float64)
    degrees = {place: one.p for place, one in enumerate(measures) if isinstance(one, similarity.RootedMeasure)}
    for place, p in degrees.items():
        powers[..., place, :, :] = np.sign(powers[..., place, :, :]) * np.abs(powers[..., place, :, :]) ** p
    total = np.tensordot(np.asarray(weights), powers, axes=1)
    for place, p in degrees.items():
        total[..., place, :, :] = -(np.maximum(-total[..., place, :, :], 0) ** (1 / p))
    return total.astype(parts.dtype)
