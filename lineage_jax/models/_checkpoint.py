"""Networks on disk: their weights, and the words from which `build` makes them again."""

import dataclasses
import functools
import inspect
import os
from collections.abc import Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from lineage_jax import io
from lineage_jax.leaves import check_shapes, leaf_shapes
from lineage_jax.models._architectures import ARCHITECTURES, build, init
from lineage_jax.typing import Params


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class SavedNetwork:
    """A network as it lay on disk.

    Attributes:
        network: the module.
        variables: its arrays.
        input_shape: one image, `(h, w, c)`.
    """

    network: nn.Module = dataclasses.field(metadata={"static": True})
    variables: Params
    input_shape: tuple[int, int, int] = dataclasses.field(metadata={"static": True})


def describe(network: nn.Module) -> dict[str, Any]:
    """Returns the words that `build` makes an equal network from; JSON can hold them.

    Raises:
        ValueError: If no function of `ARCHITECTURES` makes this network.

    Examples:
        >>> describe(build("fc", num_classes=5, widths=(8, 4)))
        {'architecture': 'fc', 'num_classes': 5, 'widths': (8, 4)}
    """
    for architecture, constructor in ARCHITECTURES.items():
        names = inspect.signature(constructor).parameters
        settings = {name: getattr(network, name) for name in names if hasattr(network, name)}
        if len(settings) == len(names) and constructor(**settings) == network:
            return {"architecture": architecture, **settings}
    raise ValueError(
        f"expected a network made by one of {', '.join(ARCHITECTURES)}, got {type(network).__name__}:"
        " save its arrays with lineage_jax.io"
    )


def save_network(
    path: str | os.PathLike, network: nn.Module, variables: Params, *, input_shape: tuple[int, int, int]
) -> None:
    """Writes a network as one checkpoint folder.

    Args:
        path: the new folder.
        network: made by one of `ARCHITECTURES`.
        variables: its arrays.
        input_shape: one image, `(h, w, c)`.

    Raises:
        FileExistsError: If `path` exists.
        ValueError: If the network is none of `ARCHITECTURES` or the variables are not its own.

    Examples:
        >>> import tempfile
        >>> network = build("fc", num_classes=5, widths=(8,))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     variables = init(network, jax.random.key(0), (4, 4, 1))
        ...     save_network(f"{folder}/a", network, variables, input_shape=(4, 4, 1))
        ...     load_network(f"{folder}/a").network == network
        True
    """
    description = {"network": describe(network), "input_shape": input_shape}
    _check_fit(network, variables, input_shape)
    io.save(path, variables, description=description)


def load_network(path: str | os.PathLike) -> SavedNetwork:
    """Reads what `save_network` wrote.

    Raises:
        FileNotFoundError: If there is nothing at `path`.
        ValueError: If there is no checkpoint of a network, or it is damaged, or its arrays do not fit its architecture.
    """
    variables, description = io.load(path)
    return restore_network(variables, description, path=path)


def restore_network(variables: Params, description: Mapping[str, Any], *, path: str | os.PathLike) -> SavedNetwork:
    """Makes a network of what `io.load` read at `path`; see `load_network`.

    Raises:
        ValueError: If it is no checkpoint of a network, or its arrays do not fit its architecture.
    """
    if description.keys() != {"network", "input_shape"}:
        raise ValueError(f"expected a checkpoint of one network at {path}, got one of {', '.join(description)}")
    network = build(**description["network"])
    input_shape = tuple(description["input_shape"])
    _check_fit(network, variables, input_shape)
    return SavedNetwork(network=network, variables=jax.tree.map(jnp.asarray, variables), input_shape=input_shape)


def shapes_of(network: nn.Module, input_shape: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Returns the shapes of a network's variables by path, without making any.

    Args:
        network: any network of this package.
        input_shape: one image, `(h, w, c)`.

    Returns:
        The shapes by paths such as `params/fc1/kernel`.

    Raises:
        ValueError: As `init`.

    Examples:
        >>> shapes_of(build("fc", widths=(8,)), (4, 4, 1))["params/fc1/kernel"]
        (16, 8)
    """
    return dict(_shapes(network, tuple(input_shape)))


@functools.lru_cache(maxsize=64)  # tracing takes longer than reading, where many networks of one kind are read
def _shapes(network: nn.Module, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    return leaf_shapes(jax.eval_shape(lambda: init(network, jax.random.key(0), input_shape)))


def _check_fit(network: nn.Module, variables: Params, input_shape: tuple[int, int, int]) -> None:
    expected = shapes_of(network, input_shape)
    check_shapes(leaf_shapes(variables), expected, variables=f"variables of {type(network).__name__}")
