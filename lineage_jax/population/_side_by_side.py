"""How many networks share a pass."""

import jax

from lineage_jax.typing import Params


def number_side_by_side(asked: int | None, params: Params, count: int) -> int:
    """Returns how many of `count` networks are computed at a time.

    The default is all of them, but one at a time for convolutions on a CPU: batched over networks whose weights differ
    they become grouped convolutions, which are several times slower there.

    Args:
        asked: the caller's wish; None for the default.
        params: the parameters of one network, or their shapes.
        count: number of networks.

    Raises:
        ValueError: If less than one is asked for.
    """
    if asked is not None and asked < 1:
        raise ValueError(f"expected side_by_side of at least 1, got {asked}")
    convolves = any(leaf.ndim > 2 for leaf in jax.tree.leaves(params))
    default = 1 if convolves and jax.default_backend() == "cpu" else count
    return min(asked or default, count)
