"""The vocabulary: what a network, its features and a similarity are to the rest of the library.

Axis letters are the same everywhere: n examples, d features, c classes, p parents, m children, l layers, k alphas,
h w image.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Params: TypeAlias = Any
"""A pytree of arrays: the variables of one network (for Linen `{"params": ..., "batch_stats": ...}`)."""

Inputs: TypeAlias = Float[Array, "n ..."] | Float[np.ndarray, "n ..."]
"""A batch of probes, examples along the first axis."""

Features: TypeAlias = Any
"""What a `FeatureFn` returns: one array `[n, ...]`, or a mapping from layer name to such arrays."""

FeatureFn: TypeAlias = Callable[[Params, Inputs], Features]
"""A network seen through its features: any pure `f(params, inputs)`."""

Measure: TypeAlias = Callable[[Float[Array, "n d"], Float[Array, "n d"]], Float[Array, ""]]
"""A representation similarity: two feature matrices in, one number out; higher means more alike."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class Networks:
    """Several networks of one architecture, stacked: every leaf has a leading axis over `names`.

    Attributes:
        names: one unique name per network.
        variables: pytree whose leaves are `[len(names), ...]`.
    """

    names: tuple[str, ...] = dataclasses.field(metadata={"static": True})
    variables: Params

    @classmethod
    def stack(cls, networks: Mapping[str, Params]) -> "Networks":
        """Stacks separate networks of equal tree and leaf shapes.

        Raises:
            ValueError: If `networks` is empty or JAX cannot stack the trees.

        Examples:
            >>> pair = Networks.stack({"a": {"w": jnp.zeros(3)}, "b": {"w": jnp.ones(3)}})
            >>> pair.variables["w"].shape
            (2, 3)
        """
        if not networks:
            raise ValueError("expected at least one network to stack, got none")
        variables = jax.tree.map(lambda *leaves: jnp.stack(leaves), *networks.values())
        return cls(names=tuple(networks), variables=variables)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, name: str) -> Params:
        """Returns the variables of one network."""
        index = self.names.index(name)
        return jax.tree.map(lambda leaf: leaf[index], self.variables)

    def select(self, names: tuple[str, ...]) -> "Networks":
        """Returns the named networks, in the order given."""
        indices = jnp.array([self.names.index(name) for name in names])
        return type(self)(names=tuple(names), variables=jax.tree.map(lambda leaf: leaf[indices], self.variables))


Population: TypeAlias = Mapping[str, Params] | Networks
"""Several networks by name: apart, where a mapping may also load each when it is asked for, or stacked."""
