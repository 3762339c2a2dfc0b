"""What networks on disk are called: by their folders and files, and by what tells those of one name apart."""

import collections
import itertools
import os
from collections.abc import Sequence
from pathlib import Path

SUFFIXES = {
    *(".pt", ".pth", ".th", ".tar", ".t7", ".bin", ".ckpt", ".model", ".safetensors"),
    *(".npz", ".npy", ".pkl", ".pickle", ".msgpack", ".h5", ".hdf5", ".keras", ".onnx", ".pdparams"),
}
"""Endings of files of networks, which are no part of a name."""


def name_of(path: str | os.PathLike) -> str:
    """Calls a network by its folder or file, without the endings of checkpoints; a link by its own name.

    Examples:
        >>> name_of("runs/resnet20-v1.5.pth.tar")
        'resnet20-v1.5'
    """
    path = Path(os.path.abspath(path))  # a cache of downloads links names to sums
    path = Path(path.name)
    while path.suffix in SUFFIXES:
        path = path.with_suffix("")
    return path.name


def names_of(paths: Sequence[Path]) -> list[str]:
    """Calls each network by its folder or file, and those of one name by the part of their paths that differs.

    Examples:
        >>> names_of([Path("runs/1/weights/best.pt"), Path("runs/2/weights/best.pt"), Path("other.pt")])
        ['1', '2', 'other']
        >>> names_of([Path("a/best.pt"), Path("a/best.safetensors")])
        ['best.pt', 'best.safetensors']
    """
    names = [name_of(path) for path in paths]
    alike = {name: [place for place, other in enumerate(names) if other == name] for name in names}
    called = list(names)
    for name, places in alike.items():
        if len(places) > 1:
            for place, part in zip(places, _differing([paths[place] for place in places]), strict=True):
                called[place] = part or name
    taken = collections.Counter(called)
    return [str(path) if taken[name] > 1 else name for name, path in zip(called, paths, strict=True)]


def _differing(paths: Sequence[Path]) -> list[str]:
    """Returns what is left of each path without the steps that all begin with and those that all end with."""
    steps = [Path(os.path.abspath(path)).parts for path in paths]
    steps = [path[_agreeing(steps) :] for path in steps]
    end = _agreeing([path[::-1] for path in steps])
    return ["/".join(path[: len(path) - end]) for path in steps]


def _agreeing(steps: Sequence[Sequence[str]]) -> int:
    """Returns how many first steps all paths have in common."""
    return sum(1 for _ in itertools.takewhile(lambda level: len(set(level)) == 1, zip(*steps, strict=False)))
