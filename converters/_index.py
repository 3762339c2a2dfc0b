"""The names and shapes of every entry's PyTorch network: `index.json.gz`, made by `tests/converters/make_index.py`."""

import dataclasses
import functools
import gzip
import json
from collections.abc import Mapping
from pathlib import Path

from converters._layouts import Shape

INDEX = Path(__file__).parent / "index.json.gz"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Indexed:
    """One network as PyTorch builds it.

    Attributes:
        names: the state_dict's names in their order, with shapes.
        input_shape: one image `(h, w, c)` that the network of these shapes takes.
    """

    names: Mapping[str, Shape]
    input_shape: tuple[int, int, int]


@functools.cache
def index() -> Mapping[str, Indexed]:
    """Reads the index, by the names of `ENTRIES`."""
    stored = json.loads(gzip.decompress(INDEX.read_bytes()))
    return {entry: _indexed(**network) for entry, network in stored.items()}


def names_of(entry: str) -> Mapping[str, Shape]:
    """Returns the state_dict names of an entry's network in their order, with shapes: what `to_torch` takes.

    Raises:
        ValueError: If the index does not hold the entry.

    Examples:
        >>> names_of("torchvision/resnet18")["conv1.weight"]
        (64, 3, 7, 7)
    """
    if entry not in index():
        raise ValueError(f"expected an entry of the index, got '{entry}': run python -m tests.converters.make_index")
    return index()[entry].names


def encoded(networks: Mapping[str, Indexed]) -> bytes:
    """Returns the bytes of an index file: equal networks give equal bytes."""
    plain = {entry: dataclasses.asdict(networks[entry]) for entry in sorted(networks)}
    return gzip.compress(json.dumps(plain, separators=(",", ":")).encode(), mtime=0)


def _indexed(names: dict[str, list[int]], input_shape: list[int]) -> Indexed:
    h, w, c = input_shape
    return Indexed(names={name: tuple(shape) for name, shape in names.items()}, input_shape=(h, w, c))
