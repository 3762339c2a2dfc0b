"""Files of ResNet-50 as torchvision names it, 98 MB each: random parents, two children, a parent in another order.

Weights are random: no time depends on what networks have learnt, but a relative, a stranger and a relative whose units
were moved are looked at in different ways.
"""

import math
from pathlib import Path

import jax
import numpy as np

import converters
from lineage_jax import models, symmetry

ENTRY = converters.ENTRIES["torchvision/resnet50"]
NAMES = {**converters.names_of(ENTRY.name), "fc.weight": (1000, 2048), "fc.bias": (1000,)}
STEP = 0.5
"""Size of the fine-tuning step, relative to the spread of the parent's kernels: their cosine is then 0.89."""

Tensors = dict[str, np.ndarray]


def write(folder: Path, *, strangers: int) -> dict[str, Path]:
    """Writes `child`, its `parent`, that as it was `laundered`, a `sibling`, `stranger-0`, ...; returns the paths."""
    parent = _drawn(0)
    networks = {
        "parent": parent,
        "child": _child(parent, 1),
        "sibling": _child(parent, 2 + strangers),
        "laundered": _laundered(parent),
        **{f"stranger-{number}": _drawn(2 + number) for number in range(strangers)},
    }
    paths = {name: folder / f"{name}.pth" for name in networks}
    for name, path in paths.items():
        converters.write(path, networks[name])
    return paths


def _drawn(seed: int) -> Tensors:
    rng = np.random.default_rng(seed)
    return {name: _leaf(name, shape, rng) for name, shape in NAMES.items()}


def _child(parent: Tensors, seed: int) -> Tensors:
    return parent | {name: parent[name] + STEP * leaf for name, leaf in _drawn(seed).items() if leaf.ndim > 1}


def _leaf(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if len(shape) > 1:
        return math.sqrt(2 / math.prod(shape[1:])) * rng.standard_normal(shape, np.float32)
    if name.endswith(("weight", "running_var")):
        return 0.5 + rng.random(shape, np.float32)
    return 0.1 * rng.standard_normal(shape, np.float32)


def _laundered(tensors: Tensors) -> Tensors:
    """Returns a network that computes the same, every unit in another place and of another scale."""
    shapes = {name: leaf.shape for name, leaf in tensors.items()}
    network = models.build(ENTRY.architecture, **ENTRY.settings_of(shapes))
    image = (64, 64, 3)
    found = converters.to_flax(tensors, models.shapes_of(network, image), ENTRY)
    groups = symmetry.groups(network.apply, found.variables, jax.ShapeDtypeStruct((1, *image), np.float32))
    moved = symmetry.apply_on_host(found.variables, groups, symmetry.random(jax.random.key(0), groups))
    return converters.to_torch(moved, NAMES, ENTRY, ignored=found.ignored)
