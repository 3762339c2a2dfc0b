"""Measures in two steps: what depends on one network is prepared once, and reused in every pair."""

import abc
from typing import Any

from jaxtyping import Array, Float

from lineage_jax.similarity._operands import paired


class TwoStepMeasure(abc.ABC):
    r"""A measure of the form $S(A, B) = g(h(A), h(B))$; called with two feature matrices it is one like any other.

    Comparing p parents with m children then takes p + m preparations (Gram matrices, distances, factorisations) and
    p m cheap comparisons. Subclasses are frozen dataclasses whose fields are the measure's options, so that equal
    settings are equal and hash alike: a compiled function takes them for one static argument.
    """

    @abc.abstractmethod
    def prepare(self, features: Float[Array, "n d"]) -> Any:
        """Computes what depends on one network alone: h, any pytree of arrays.

        Args:
            features: finite float32 or float64 features, as `__call__` passes them on.
        """

    @abc.abstractmethod
    def compare(self, a: Any, b: Any) -> Float[Array, ""]:
        """Compares two prepared networks of equal dtype and number of examples: g."""

    def __call__(self, a: Float[Array, "n d1"], b: Float[Array, "n d2"]) -> Float[Array, ""]:
        """Compares two feature matrices.

        Raises:
            TypeError: If a dtype is not a real floating one.
            ValueError: If the features are not two non-empty matrices with equally many rows, or have too few rows
                for the measure to be defined.
        """
        a, b = paired(a, b)
        return self.compare(self.prepare(a), self.prepare(b))
