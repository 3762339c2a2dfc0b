"""Weights that are not numbers are refused where networks come in: no comparison afterwards would tell.

Features are no substitute for this look: a ReLU that XLA fuses into its neighbours may turn NaN into 0.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from lineage_jax.leaves import is_under, leaf_paths
from lineage_jax.typing import Networks, Params

AT_A_TIME = 2**18
"""Values that the host looks at in one go: they and the answer stay in the cache."""


def check_finite(variables: Params | Networks, whose: str, *, held: tuple[str, ...] = ()) -> None:
    """Refuses weights that are NaN or infinite; integers and leaves that are no numbers are passed over.

    One pass over each leaf, where it lies: views of a file and arrays of the CPU are looked at without a copy, arrays
    of an accelerator there, by one compiled program for all networks of equal shapes.

    Args:
        variables: of one network, or several stacked ones.
        whose: how the message names the network, such as `parent 'a'`; of stacked networks their role, `parent`.
        held: path prefixes that are not looked at.

    Raises:
        ValueError: If a value is not finite; says of which network, where, and how many.

    Examples:
        >>> check_finite({"fc": {"kernel": np.array([1.0, np.nan])}}, "child 'c'")
        Traceback (most recent call last):
            ...
        ValueError: expected finite weights, but of child 'c' 1 of 2 values of 'fc/kernel' is NaN or infinite: ...
    """
    tree = variables.variables if isinstance(variables, Networks) else variables
    leaves = {path: leaf for path, leaf in leaf_paths(tree).items() if not is_under(path, held) and _is_inexact(leaf)}
    bad = [path for path, finite in _are_finite(leaves).items() if not finite]
    if not bad:
        return
    leaf = np.asarray(leaves[bad[0]])
    if isinstance(variables, Networks):
        first = next(index for index, of_one in enumerate(leaf) if not np.isfinite(of_one).all())
        leaf, whose = leaf[first], f"{whose} '{variables.names[first]}'"
    count, others = int(np.sum(~np.isfinite(leaf))), len(bad) - 1
    values = f"{count} of {leaf.size} values of '{bad[0]}' {'is' if count == 1 else 'are'} NaN or infinite"
    more = f" ({others} more tensor{'s' * (others > 1)} alike)" if others else ""
    raise ValueError(
        f"expected finite weights, but of {whose} {values}{more}: training diverged or the file is damaged; "
        "leave this network out or take another checkpoint of it"
    )


def _is_inexact(leaf: Any) -> bool:
    dtype = leaf.dtype if hasattr(leaf, "dtype") else np.asarray(leaf).dtype
    return bool(jnp.issubdtype(dtype, jnp.inexact))


def _are_finite(leaves: Mapping[str, Any]) -> dict[str, bool]:
    away = {path: leaf for path, leaf in leaves.items() if _is_away(leaf)}
    found = {path: _is_finite(np.asarray(leaf)) for path, leaf in leaves.items() if path not in away}
    for devices in {devices_of(leaf) for leaf in away.values()}:
        there = {path: leaf for path, leaf in away.items() if devices_of(leaf) == devices}
        flags = np.asarray(_on_device(tuple(there.values())))  # one transfer for all leaves of a device
        found |= dict(zip(there, flags.tolist(), strict=True))
    return {path: found[path] for path in leaves}


def devices_of(leaf: Any) -> frozenset[jax.Device]:
    """Returns the devices that a leaf lies on: none for one of the host."""
    return frozenset(leaf.devices()) if isinstance(leaf, jax.Array) else frozenset()


def _is_away(leaf: Any) -> bool:
    return any(device.platform != "cpu" for device in devices_of(leaf))


def _is_finite(leaf: np.ndarray) -> bool:
    flat = leaf.ravel("K")  # a view, unless the leaf has gaps
    return all(bool(np.isfinite(flat[i : i + AT_A_TIME]).all()) for i in range(0, flat.size, AT_A_TIME))


@jax.jit
def _on_device(leaves: tuple[Array, ...]) -> Bool[Array, " leaf"]:
    return jnp.stack([jnp.isfinite(leaf).all() for leaf in leaves])
