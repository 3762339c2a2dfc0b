"""Networks with what is known of them, and a folder for them, so that statistics can be repeated without training."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import flax.traverse_util
import numpy as np

from lineage_jax.leaves import leaf_paths
from lineage_jax.typing import Params

FOLDER = "LINEAGE_NETWORKS"
"""The variable that names the folder; without it networks live as long as the process."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Labelled:
    """A network on the host, and what is known of it.

    Attributes:
        variables: its arrays.
        start: what it descends from; networks of one start are relatives, any others strangers.
        images: what it learned last.
        way: how it came about.
        generation: 0 from scratch, 1 for a child, 2 for its child.
        accuracy: share of test images that it classifies rightly.
    """

    variables: Params
    start: str
    images: str
    way: str
    generation: int = 0
    accuracy: float = 0.0


_MADE: dict[str, dict[str, Labelled]] = {}


def remembered(
    name: str,
    settings: Mapping[str, Any],
    make: Callable[[], dict[str, Labelled]],
) -> dict[str, Labelled]:
    """Returns networks that were made before with the same settings, or makes them."""
    words = json.dumps(settings, default=dict, sort_keys=True)
    file = f"{name.replace(' ', '-')}-{hashlib.sha256(words.encode()).hexdigest()[:12]}.npz"
    if file not in _MADE:
        path = Path(os.environ[FOLDER], file) if FOLDER in os.environ else None
        if path and path.exists():
            _MADE[file] = read(path)
        else:
            _MADE[file] = make()
            if path:
                write(path, _MADE[file])
    return _MADE[file]


def write(path: Path, networks: Mapping[str, Labelled]) -> None:
    """Writes networks to one file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {name: _said(network) for name, network in networks.items()}
    leaves = {
        f"{number}/{leaf_path}": leaf
        for number, network in enumerate(networks.values())
        for leaf_path, leaf in leaf_paths(network.variables).items()
    }
    np.savez(path, said=np.array(json.dumps(said)), **leaves)


def read(path: Path) -> dict[str, Labelled]:
    """Reads what `write` wrote."""
    with np.load(path) as arrays:
        said = json.loads(str(arrays["said"]))
        trees = flax.traverse_util.unflatten_dict({name: arrays[name] for name in arrays if name != "said"}, sep="/")
    return {name: Labelled(variables=trees[str(number)], **words) for number, (name, words) in enumerate(said.items())}


def _said(network: Labelled) -> dict[str, Any]:
    return {
        field.name: getattr(network, field.name) for field in dataclasses.fields(network) if field.name != "variables"
    }
