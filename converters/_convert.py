"""Between a state_dict and the variables of a Flax network, strict both ways."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from converters import _layouts
from converters._entry import Entry
from converters._layouts import Layout, Shape

STATISTICS = {"running_mean": "mean", "running_var": "var"}
WEIGHTS = ("kernel", "scale", "embedding")


class ConversionError(ValueError):
    """Arrays and network do not fit; the message lists every one that is left over, missing or of another shape."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Converted:
    """A network's variables, and what the file held beside them.

    Attributes:
        variables: nested dictionaries, `params` and where there are any `batch_stats`.
        ignored: arrays that the network has no place for, by their names in the file.
    """

    variables: dict[str, Any]
    ignored: dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """Where an array stands in the Flax network, and how it is laid out there."""

    path: str
    layout: Layout


def to_flax(tensors: Mapping[str, np.ndarray], target: Mapping[str, Shape], entry: Entry) -> Converted:
    r"""Brings a state_dict to the variables of a Flax network; its order does not matter.

    Arrays are views where the layout allows it; half precision stays.

    Args:
        tensors: a state_dict, name to array.
        target: shapes of the network's variables by path, such as `params/conv1/kernel`.
        entry: names and layouts of the source.

    Raises:
        ConversionError: If an array has no place and is not on the entry's list of ignored ones, a place is not
            filled or filled twice, or a shape differs: one error that lists all.

    Examples:
        >>> entry = Entry(name="mine/net", architecture="net", renames=((r"^body.", ""),))
        >>> target = {"params/fc/kernel": (3, 2), "params/fc/bias": (2,)}
        >>> state_dict = {"body.fc.weight": np.zeros((2, 3)), "body.fc.bias": np.zeros(2)}
        >>> to_flax(state_dict, target, entry).variables["params"]["fc"]["kernel"].shape
        (3, 2)
    """
    filled: dict[str, np.ndarray] = {}
    ignored: dict[str, np.ndarray] = {}
    faults: list[str] = []
    for name, array in tensors.items():
        place = place_of(name, target, entry)
        if entry.ignores(name):
            ignored[name] = array
        elif place is None:
            faults.append(f"no place for '{name}' {array.shape}")
        elif place.path in filled:
            faults.append(f"two arrays for '{place.path}', the second is '{name}'")
        else:
            filled[place.path] = _arranged(name, array, place, target[place.path], faults)
    faults += [f"nothing for '{path}' {shape}" for path, shape in target.items() if path not in filled]
    if faults:
        raise ConversionError(
            f"expected the arrays of {entry.name}, got a file with {len(faults)} differences: {'; '.join(faults)}"
        )
    return Converted(variables=nested(filled), ignored=ignored)


def to_torch(
    variables: Mapping[str, Any], names: Mapping[str, Shape], entry: Entry, *, ignored: Mapping[str, Any] | None = None
) -> dict[str, np.ndarray]:
    """Brings the variables of a Flax network back to a state_dict: the inverse of `to_flax`, bit for bit.

    Args:
        variables: nested dictionaries of arrays.
        names: the state_dict's names in their order, with shapes of which only the number of axes counts.
        entry: names and layouts of the source.
        ignored: arrays the network has no place for; counters of batches that are not given are 0.

    Raises:
        ConversionError: If a variable has no name, or a name no variable: one error that lists all.
    """
    flat = {path: np.asarray(array) for path, array in _flat(variables)}
    shapes = {path: array.shape for path, array in flat.items()}
    kept = dict(ignored or {})
    tensors: dict[str, np.ndarray] = {}
    used: set[str] = set()
    faults: list[str] = []
    for name, shape in names.items():
        place = place_of(name, shapes, entry)
        if entry.ignores(name):
            tensors[name] = np.asarray(kept.get(name, np.zeros(shape, np.int64)))
        elif place is None:
            faults.append(f"nothing for '{name}'")
        else:
            used.add(place.path)
            array = _tried(place.layout.to_torch, flat[place.path])
            if array is None:
                faults.append(f"'{place.path}' has shape {shapes[place.path]}, which does not fit '{name}'")
            else:
                tensors[name] = array.reshape(array.shape + (1,) * (len(shape) - array.ndim))
    faults += [f"no name for '{path}'" for path in flat if path not in used]
    if faults:
        raise ConversionError(f"expected the variables of {entry.name}, got {len(faults)} faults: {'; '.join(faults)}")
    return tensors


def names_for(variables: Mapping[str, Any], names: Mapping[str, Shape], entry: Entry) -> dict[str, Shape]:
    """Returns the names of a network that has a bias where the index's has none, or more dense layers.

    Args:
        variables: nested dictionaries of arrays.
        names: the state_dict's names in the index.
        entry: names and layouts of the source.

    Returns:
        Names with shapes, of which only the number of axes counts; `to_torch` takes them.

    Examples:
        >>> entry = Entry(name="mine/net", architecture="net")
        >>> variables = {"params": {"conv": {"kernel": np.zeros((3, 3, 1, 2)), "bias": np.zeros(2)}}}
        >>> names_for(variables, {"conv.weight": (2, 1, 3, 3)}, entry)
        {'conv.weight': (2, 1, 3, 3), 'conv.bias': (1,)}
    """
    shapes = {path: np.shape(array) for path, array in _flat(variables)}
    if entry.architecture == "fc" and not entry.renames:
        layers = [f"fc{number}" for number in range(1, 1 + len(variables["params"]))]
        leaves = {"weight": (1, 1), "bias": (1,)}
        return {f"{layer}.{leaf}": shape for layer in layers for leaf, shape in leaves.items()}
    found: dict[str, Shape] = {}
    for name, shape in names.items():
        found[name] = shape
        bias = f"{name.removesuffix('weight')}bias"
        if name.endswith(".weight") and bias not in names and place_of(bias, shapes, entry) is not None:
            found[bias] = (1,)
    return found


def place_of(name: str, target: Iterable[str], entry: Entry) -> Place | None:
    """Finds where an array of a state_dict stands in the Flax network."""
    module, leaf = entry.path(name)
    prefix = f"{module}/" if module else ""
    if leaf in STATISTICS:
        candidates = [f"batch_stats/{prefix}{STATISTICS[leaf]}"]
    elif leaf == "weight":
        candidates = [f"params/{prefix}{weight}" for weight in WEIGHTS]
    else:
        candidates = [f"params/{prefix}{leaf}"]
    path = next((path for path in candidates if path in target), None)
    if path is None:
        return None
    usual = _layouts.kernel if path.endswith("/kernel") else _layouts.plain
    return Place(path=path, layout=entry.layout(name) or usual)


def _arranged(name: str, array: np.ndarray, place: Place, shape: Shape, faults: list[str]) -> np.ndarray:
    """Lays an array out as Flax does, or notes why that cannot be."""
    arranged = _tried(place.layout.to_flax, array)
    if arranged is not None and arranged.shape[: len(shape)] == shape and arranged.size == np.prod(shape):
        return arranged.reshape(shape)
    faults.append(f"'{name}' has shape {array.shape}, which does not fit {shape} at '{place.path}'")
    return array


def _tried(arrange: Callable[[np.ndarray], np.ndarray], array: np.ndarray) -> np.ndarray | None:
    try:
        return arrange(array)
    except ValueError:  # an array of another size or number of axes than the layout is for
        return None


def nested(flat: Mapping[str, np.ndarray]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, array in flat.items():
        *modules, leaf = path.split("/")
        node = tree
        for module in modules:
            node = node.setdefault(module, {})
        node[leaf] = array
    return tree


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}/")
        else:
            yield f"{prefix}{key}", value
