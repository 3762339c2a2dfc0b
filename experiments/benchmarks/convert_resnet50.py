"""What does it take to bring a ResNet-50 file to JAX without PyTorch, beside `torch.load`?

A state_dict of random weights in the zip container, 98 MB; every variant ends with the sum of each array, so that all
are read to the last byte.

    library          read, recognise, convert: variables on the device, ready to run
    library_saved    the same, and on disk as a checkpoint folder: what `lineage-jax convert` does
    torch_load       `torch.load(weights_only=True)`, no conversion

    python -m experiments.benchmarks.convert_resnet50
"""

import functools
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import torch

import converters
from experiments.benchmarks import _timing
from experiments.benchmarks._timing import Row, Variant, compare
from lineage_jax import models

ENTRY = "torchvision/resnet50"
CLASSES = 1000
ROUNDS = 7


def main() -> list[Row]:
    """Returns a row for each variant, with the size of the file."""
    variants = {
        "library": Variant(library="jax", prepare=prepare, work=library, rounds=ROUNDS),
        "library_saved": Variant(library="jax", prepare=prepare, work=library_saved, rounds=ROUNDS),
        "torch_load": Variant(library="torch", prepare=prepare, work=torch_load, rounds=ROUNDS),
    }
    size = prepare()[0].stat().st_size / 2**20
    return [row | {"file_mb": size} for row in compare("convert_resnet50", variants, tolerance=1e-6)]


def prepare() -> tuple[Path]:
    """Returns a file of random weights; it is gone when the process ends."""
    return (_folder_with_file() / "resnet50.pth",)


@functools.cache
def _folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory()


@functools.cache
def _folder_with_file() -> Path:
    rng = np.random.default_rng(0)
    shapes = {**converters.names_of(ENTRY), "fc.weight": (CLASSES, 2048), "fc.bias": (CLASSES,)}
    tensors = {
        name: np.zeros((), np.int64) if "tracked" in name else rng.random(shape, np.float32) / 10
        for name, shape in shapes.items()
    }
    folder = Path(_folder().name)
    converters.write(folder / "resnet50.pth", tensors)
    return folder


def library(file: Path) -> np.ndarray:
    """Brings the file to variables on the device."""
    _, variables, _ = _converted(file)
    return _sums(np.asarray(leaf) for leaf in jax.tree.leaves(jax.block_until_ready(jax.device_put(variables))))


def library_saved(file: Path) -> np.ndarray:
    """Brings the file to a checkpoint folder."""
    network, variables, input_shape = _converted(file)
    with tempfile.TemporaryDirectory() as folder:
        models.save_network(f"{folder}/resnet50", network, variables, input_shape=input_shape)
    return _sums(jax.tree.leaves(variables))


def torch_load(file: Path) -> np.ndarray:
    """Loads the state_dict."""
    state_dict = torch.load(file, weights_only=True)
    return _sums(tensor.numpy() for tensor in state_dict.values() if tensor.is_floating_point())


def _converted(file: Path) -> tuple[Any, Any, Any]:
    tensors = converters.read(file).tensors
    shapes = {name: array.shape for name, array in tensors.items()}
    entry = converters.recognise(shapes).fits[0].entry
    network, input_shape = models.build(entry.architecture, **entry.settings_of(shapes)), entry.input_shape_of(shapes)
    variables = converters.to_flax(tensors, models.shapes_of(network, input_shape), entry).variables
    return network, variables, input_shape


def _sums(arrays: Iterable[np.ndarray]) -> np.ndarray:
    return np.array([[sum(float(array.sum(dtype=np.float64)) for array in arrays)]])


if __name__ == "__main__":
    _timing.show(main())
