"""What stays the parent's: paths that are held take no part in the step."""

import difflib
from collections.abc import Sequence

from lineage_jax.leaves import is_under, leaf_paths
from lineage_jax.typing import Params

HELD = ("batch_stats",)
"""What stays the parent's by default: batch statistics, as in the paper; only trained parameters move."""


def check_held(held: Sequence[object], *networks: Params) -> None:
    """Refuses a `held` that does not mean what it says.

    Args:
        held: path prefixes, as every function with this argument takes them.
        *networks: variables (or shapes) of the networks in question; without any, only the type is checked. A prefix
            need be in one of them alone: heads differ. Those of `HELD` need be in none.

    Raises:
        TypeError: If `held` is a string, or holds anything but strings.
        ValueError: If no leaf of any network is at or below a prefix; the message names near ones.

    Examples:
        >>> check_held("params/head")
        Traceback (most recent call last):
        ...
        TypeError: expected held as a tuple of paths, got the string 'params/head'; write ('params/head',)
        >>> check_held(("params/haed",), {"params": {"head": {"bias": 1.0}}})
        Traceback (most recent call last):
        ...
        ValueError: held path 'params/haed' is in no network; near it: params/head
    """
    if isinstance(held, str):
        raise TypeError(f"expected held as a tuple of paths, got the string '{held}'; write ('{held}',)")
    wrong = [prefix for prefix in held if not isinstance(prefix, str)]
    if wrong:
        raise TypeError(f"expected held as a tuple of paths such as 'params/head', got {wrong[0]!r} in it")
    named = [str(prefix) for prefix in held if prefix not in HELD]
    if not networks or not named:
        return
    paths = list({path: None for network in networks for path in leaf_paths(network)})
    for prefix in named:
        if not any(is_under(path, (prefix,)) for path in paths):
            raise ValueError(f"held path '{prefix}' is in no network; {_near(prefix, paths)}")


def _near(prefix: str, paths: list[str]) -> str:
    """Names paths and modules that look like the prefix, or else some that there are."""
    steps = [path.split("/") for path in paths]
    places = list({"/".join(keys[:depth]): None for keys in steps for depth in range(1, len(keys) + 1)})
    near = difflib.get_close_matches(prefix, places, n=1)
    ends = [place for place in places if place.split("/")[-1] == prefix.split("/")[-1]]
    return f"near it: {', '.join(near or ends[:3])}" if near or ends else f"there are: {', '.join(places[:5])}"
