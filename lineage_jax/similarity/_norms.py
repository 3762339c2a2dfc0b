r"""Negated norms of the difference of two feature matrices.

All are averages, so that layers of different size compare: of magnitudes (`l1`), of powers under a root (`l2`, `lp`),
or of each example's largest difference (`linf`).
"""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lineage_jax.similarity._means import mean_over_examples
from lineage_jax.similarity._operands import aligned
from lineage_jax.similarity._zero_safe import clipped_root, magnitude


@mean_over_examples
def l1(a: Float[Array, "n d"], b: Float[Array, "n d"]) -> Float[Array, ""]:
    r"""Returns $-\frac{1}{nd} \sum_{ij} |A - B|_{ij}$; its derivative takes sign(0) as 0.

    Raises:
        TypeError: If a dtype is not a real floating one.
        ValueError: If the features are not two equally shaped, non-empty matrices.

    References:
        Yu and Wang, "Neural Lineage", CVPR 2024.

    Examples:
        >>> import jax.numpy as jnp
        >>> l1(jnp.zeros((2, 2)), jnp.array([[1.0, 2.0], [3.0, 4.0]])).item()
        -2.5
    """
    a, b = aligned(a, b)
    return -_mean(magnitude(a - b))


@mean_over_examples
def linf(a: Float[Array, "n d"], b: Float[Array, "n d"]) -> Float[Array, ""]:
    r"""Returns $-\frac{1}{n} \sum_i \max_j |A - B|_{ij}$; features that tie for the largest share its derivative.

    Raises:
        TypeError: If a dtype is not a real floating one.
        ValueError: If the features are not two equally shaped, non-empty matrices.

    References:
        Yu and Wang, "Neural Lineage", CVPR 2024.

    Examples:
        >>> import jax.numpy as jnp
        >>> linf(jnp.zeros((2, 2)), jnp.array([[1.0, 2.0], [3.0, 4.0]])).item()
        -3.0
    """
    a, b = aligned(a, b)
    return -magnitude(a - b).max(axis=1).mean()


@mean_over_examples
@dataclasses.dataclass(frozen=True, kw_only=True)
class RootedMeasure:
    r"""The measure $-(\frac{1}{nd} \sum_{ij} |A - B|_{ij}^p)^{1/p}$, kept as a smooth power and a root of it.

    A Taylor form along a tangent expands `power`, and takes `root` of the result: the root's own derivative is
    unbounded near 0, just where a child is close to its parent. Measures of equal `p` are equal and hash alike, so that
    a compiled function takes them for one static argument.

    Attributes:
        p: the exponent, at least 1.

    Raises:
        ValueError: If `p < 1`.

    References:
        Yu and Wang, "Neural Lineage", CVPR 2024.
    """

    p: int

    def __post_init__(self) -> None:
        if self.p < 1:
            raise ValueError(f"expected an exponent p of at least 1, got {self.p}; smaller ones give no norm")

    def __call__(self, a: Float[Array, "n d"], b: Float[Array, "n d"]) -> Float[Array, ""]:
        """Compares two feature matrices.

        Raises:
            TypeError: If a dtype is not a real floating one.
            ValueError: If the features are not two equally shaped, non-empty matrices.
        """
        unit = self.unit(a, b)
        return self.root(self.power(a, b, unit=unit), unit=unit)

    def unit(self, a: Float[Array, "n d"], b: Float[Array, "n d"]) -> Float[Array, ""]:
        """Returns the power of two next above the largest difference; a constant in derivatives, and 1 for 0.

        In it no power of a difference leaves the range of float32 but those that do not count beside the largest.
        """
        a, b = aligned(a, b)
        _, exponent = jnp.frexp(jax.lax.stop_gradient(jnp.abs(a - b).max()))
        return jnp.ldexp(jnp.ones((), a.dtype), exponent)

    def power(
        self, a: Float[Array, "n d"], b: Float[Array, "n d"], *, unit: Float[Array, ""] | float = 1.0
    ) -> Float[Array, ""]:
        r"""Returns $-\frac{1}{nd} \sum_{ij} |A - B|_{ij}^p$ in a unit of length, the part that is expanded."""
        a, b = aligned(a, b)
        # an even power needs no |.|, whose second derivative would be lost where the two agree
        difference = (a - b if self.p % 2 == 0 else magnitude(a - b)) / unit
        return -_mean(difference**self.p)

    def root(self, power: Float[Array, "..."], *, unit: Float[Array, ""] | float = 1.0) -> Float[Array, "..."]:
        """Returns `-(-min(power, 0)) ** (1 / p)`, brought back from the unit.

        An expansion may overshoot to positive powers; these count as 0. At 0 and above the derivative is taken to be 0,
        for want of a finite one.
        """
        return -unit * clipped_root(-power, degree=self.p)


def lp_norm(p: int) -> RootedMeasure:
    """Makes the measure of exponent `p`.

    Raises:
        ValueError: If `p < 1`.

    Examples:
        >>> import jax.numpy as jnp
        >>> lp_norm(3)(jnp.zeros((1, 2)), jnp.array([[2.0, 2.0]])).item()
        -2.0
        >>> lp_norm(2) == l2
        True
    """
    return RootedMeasure(p=p)


l2 = lp_norm(2)
lp = lp_norm(4)


def _mean(entries: Float[Array, "n d"]) -> Float[Array, ""]:
    """Row by row first: one running sum of all loses digits by its length, other ones on each size of a batch."""
    return entries.mean(axis=1).mean()
