"""How many networks share a pass."""

import jax


def number_side_by_side(asked: int | None, count: int) -> int:
    """Returns how many of `count` networks are computed at a time, in one compiled program either way.

    The default is all of them on an accelerator, which small operations leave idle, and one at a time on a CPU: there
    the weights of one network stay in the cache, and batching convolutions over networks whose weights differ turns
    them into grouped convolutions, which are several times slower.

    Args:
        asked: the caller's wish; None for the default.
        count: number of networks.

    Raises:
        ValueError: If less than one is asked for.
    """
    if asked is not None and asked < 1:
        raise ValueError(f"expected side_by_side of at least 1, got {asked}")
    default = 1 if jax.default_backend() == "cpu" else count
    return min(asked or default, count)


def rows_for_map(number: int) -> int | None:
    """Returns the `batch_size` of `jax.lax.map`; a batch axis of size one would cost a fifth of the speed on a CPU."""
    return None if number == 1 else number
