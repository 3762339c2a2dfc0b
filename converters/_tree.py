"""A state_dict of a network that is not in the zoo, as a tree of arrays laid out as in Flax.

What every name becomes, by its last part and its number of axes alone (dots are slashes):

| name | axes | becomes | array |
|---|---|---|---|
| `weight` | 0 or 1 | `params/.../scale` | as it is |
| `weight` | 2 and more | `params/.../kernel` | output and input axes moved from first to last: `[h, w, in, out]` |
| `running_mean`, `running_var` | any | `batch_stats/.../mean`, `batch_stats/.../var` | as it is |
| any other | any | `params/...` under its own name | as it is |

Names of Flax and Keras, where weights are called `kernel`, tell that the arrays are laid out so already: nothing is
moved there, and `mean`, `var` and `moving_mean`, `moving_variance` are statistics.

Without the network nobody can tell a transposed convolution from a plain one, an embedding from a dense layer, or that
a dense layer reads a flattened image: these are treated as the plain cases. Two files are treated alike, so comparing
weights loses nothing by it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from converters import _layouts
from converters._convert import STATISTICS, ConversionError, nested

STATISTICS_OF_FLAX = "batch_stats/"
FLAX_STATISTICS = {"mean": "mean", "var": "var", "moving_mean": "mean", "moving_variance": "var"}


def as_tree(tensors: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Brings a state_dict of any network to nested dictionaries of arrays; they are views.

    Raises:
        ConversionError: If two names become the same path, or one lies inside another's array.

    Examples:
        >>> tree = as_tree({"stem.0.weight": np.zeros((8, 3, 5, 5)), "stem.1.running_mean": np.zeros(8)})
        >>> tree["params"]["stem"]["0"]["kernel"].shape, list(tree["batch_stats"]["stem"]["1"])
        ((5, 5, 3, 8), ['mean'])
    """
    flat: dict[str, np.ndarray] = {}
    place = _placed if layout_of(tensors) == "torch" else _as_it_is
    for name, array in tensors.items():
        path, arranged = place(name, array)
        if path in flat:
            raise ConversionError(f"expected names that differ in Flax too, got two for '{path}', one is '{name}'")
        flat[path] = arranged
    modules = {path[:end] for path in flat for end, letter in enumerate(path) if letter == "/"}
    clash = sorted(modules & flat.keys())
    if clash:
        raise ConversionError(f"expected a name to be an array or a module, got '{clash[0]}', which is both")
    return nested(flat)


def layout_of(tensors: Mapping[str, np.ndarray]) -> str:
    """Says by names how a network's arrays are laid out.

    Returns:
        "flax", input axis before output axis as Keras has it too, where weights are called `kernel`; else "torch".

    Examples:
        >>> layout_of({"params/Dense_0/kernel": np.zeros((3, 2))}), layout_of({"fc.weight": np.zeros((2, 3))})
        ('flax', 'torch')
    """
    leaves = {_leaf(name) for name, array in tensors.items() if array.ndim > 1}
    return "flax" if any(leaf.endswith("kernel") for leaf in leaves) and "weight" not in leaves else "torch"


def _leaf(name: str) -> str:
    return name.replace(".", "/").rpartition("/")[2]


def _as_it_is(name: str, array: np.ndarray) -> tuple[str, np.ndarray]:
    """Returns the path of an array that is laid out as in Flax."""
    if name.startswith(STATISTICS_OF_FLAX):
        return name, array
    module, _, leaf = name.removeprefix("params/").replace(".", "/").rpartition("/")
    prefix = f"{module}/" if module else ""
    if leaf in FLAX_STATISTICS:
        return f"batch_stats/{prefix}{FLAX_STATISTICS[leaf]}", array
    return f"params/{prefix}{leaf}", array


def _placed(name: str, array: np.ndarray) -> tuple[str, np.ndarray]:
    module, _, leaf = name.replace(".", "/").rpartition("/")
    prefix = f"{module}/" if module else ""
    if leaf in STATISTICS:
        return f"batch_stats/{prefix}{STATISTICS[leaf]}", array
    if leaf == "weight" and array.ndim > 1:
        return f"params/{prefix}kernel", _layouts.kernel.to_flax(array)
    return f"params/{prefix}{'scale' if leaf == 'weight' else leaf}", array
