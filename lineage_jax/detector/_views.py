"""What the detector sees of a network: images of its weights, and its features on fixed probes."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from lineage_jax import linearize
from lineage_jax.leaves import leaf_paths, leaf_shapes, replace_leaves
from lineage_jax.typing import FeatureFn, Inputs, Networks, Params


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class Views:
    """One network, or several along a leading axis.

    Attributes:
        weights: by layer its kernel as an image `[..., h, w]`, columns are output units or channels.
        features: by layer its outputs on the probes `[..., n, d]`.
    """

    weights: dict[str, Any]  # like all leaves of a pytree they may become anything under `jax.tree.map`
    features: dict[str, Any]

    def select(self, indices: Any) -> "Views":
        """Returns the networks at these places of the leading axis."""
        return jax.tree.map(lambda leaf: leaf[indices], self)


def views_of(
    networks: Networks, probes: Inputs | None = None, *, weights: Sequence[str] = (), features: FeatureFn | None = None
) -> Views:
    """Looks at every network once.

    Args:
        networks: the networks, stacked.
        probes: inputs of `features`.
        weights: paths of layers whose kernels are looked at, such as `"fc3"` or `"layer1/0/conv1"`; a convolution's
            `[kh, kw, in, out]` becomes an image `[kh kw in, out]`.
        features: pure function `(variables, probes) -> {layer: [n, ...]}`; outputs become matrices `[n, d]`.

    Returns:
        Views with a leading axis over the networks: weights `[m, h, w]`, features `[m, n, d]`.

    Raises:
        ValueError: If a layer has no kernel, or a weight or feature is not finite.
        TypeError: If `weights` is a string, or `features` has no probes or returns no dictionary.

    Examples:
        >>> networks = Networks.stack({"a": {"params": {"fc1": {"kernel": jnp.ones((4, 2))}}}})
        >>> views_of(networks, weights=("fc1",)).weights["fc1"].shape
        (1, 4, 2)
    """
    if isinstance(weights, str):
        raise TypeError(f"expected a tuple of layer names, got the string '{weights}'; write ('{weights}',)")
    if features is not None and probes is None:
        raise TypeError("expected probes for the features, got None")
    views = Views(
        weights={layer: _image(networks.variables, layer) for layer in weights},
        features={} if features is None else _features(features, networks.variables, probes),
    )
    _check_finite(views)
    return views


def with_shapes_of(networks: Networks, template: Params) -> Networks:
    """Brings networks to the tree of others; what they lack or have in another shape (a head) becomes NaN.

    A feature that depends on it is then NaN too, which `views_of` refuses. Counters, which cannot be NaN, become 0, and
    what only the networks have is left out.

    Args:
        networks: p networks, stacked.
        template: variables of any number of others, stacked.

    Returns:
        The p networks with the tree of `template`, and its shapes but for the leading axis.
    """
    shapes = leaf_shapes(template)
    fitting = {
        path: leaf
        for path, leaf in leaf_paths(networks.variables).items()
        if leaf.shape[1:] == shapes.get(path, ())[1:]
    }

    def not_a_number(leaf: Array | np.ndarray) -> Array:
        return jnp.full((len(networks), *leaf.shape[1:]), jnp.nan if jnp.issubdtype(leaf.dtype, jnp.inexact) else 0)

    variables = replace_leaves(template, fitting, missing=not_a_number)
    return Networks(names=networks.names, variables=variables)


def layers_with_kernels(variables: Params) -> list[str]:
    """Returns the layers that can be looked at as `weights`.

    Args:
        variables: of one network or of several, `{"params": ...}`.

    Examples:
        >>> layers_with_kernels({"params": {"fc1": {"kernel": jnp.ones((4, 2)), "bias": jnp.ones(2)}}})
        ['fc1']
    """
    ending = "/kernel"
    paths = leaf_paths(variables)
    return [path.removeprefix("params/").removesuffix(ending) for path in paths if path.endswith(ending)]


def _image(variables: Params, layer: str) -> Array:
    by_path = leaf_paths(variables)
    kernel = by_path.get(f"params/{layer}/kernel")
    if kernel is None:
        known = ", ".join(layers_with_kernels(variables))
        raise ValueError(f"expected a layer with a kernel among {known}, got '{layer}'")
    return jnp.reshape(kernel, (len(kernel), -1, kernel.shape[-1]))


@functools.partial(jax.jit, static_argnames="feature_fn")
def _features(feature_fn: FeatureFn, variables: Params, probes: Inputs) -> dict[str, Array]:
    def one(variables: Params) -> dict[str, Array]:
        found = feature_fn(variables, probes)
        if not isinstance(found, dict):
            raise TypeError(f"expected features {{layer: [n, ...]}}, got {type(found).__name__}")
        return linearize.as_matrices(found)

    return jax.lax.map(one, variables)


def _check_finite(views: Views) -> None:
    for kind in ("weights", "features"):
        for layer, leaf in getattr(views, kind).items():
            if not jnp.isfinite(leaf).all():
                raise ValueError(f"expected finite {kind} of layer '{layer}', got NaN or infinity in some network")
