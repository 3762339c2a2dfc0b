"""Families on disk whose children have known parents, and networks that are put side by side."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_jax.checkpoints._architecture import obstacle
from lineage_jax.checkpoints._many import load_many, load_readable
from lineage_jax.checkpoints._names import name_of
from lineage_jax.checkpoints._network import LoadedNetwork

if TYPE_CHECKING:
    from flax import linen as nn

    from lineage_jax.typing import Population

TRUTH = "truth.json"
"""The file of a folder that says who is whose, `{child: parent}`."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class KnownFamily:
    """Candidate parents and children, and who is whose.

    Attributes:
        parents: the candidates' variables.
        children: the children's variables.
        truth: the name of every child's parent.
        network: the Flax network of all of them, or None where features cannot be compared.
        obstacle: why not.
        input_shape: one image `(h, w, c)`, or None where that is not known.
    """

    parents: "Population"
    children: "Population"
    truth: Mapping[str, str]
    network: "nn.Module | None"
    obstacle: str | None = None
    input_shape: tuple[int, int, int] | None = None


def load_known_family(path: Path, arch: str | None = None) -> KnownFamily:
    """Reads a family: a checkpoint of `population.save_family`, or a folder with parents/, children/ and truth.json.

    A file that cannot be read is logged and skipped, and so are the children of such a parent.

    Args:
        path: the folder.
        arch: the entry that files are of, or None to recognise each.

    Raises:
        FileNotFoundError: If there is nothing at `path`.
        ValueError: If there is no family, or its truth does not fit its networks.
    """
    from lineage_jax import io, population

    if (path / TRUTH).is_file():
        files = _files(path / "children")
        truth = _truth(path / TRUTH, files)
        parents, missing = load_readable(load_many(_files(path / "parents"), arch))
        wanted = {name: file for name, file in files.items() if truth[name] not in missing}
        children, _ = load_readable(load_many(wanted, arch))
        if not children:
            raise ValueError(f"expected a child in {path} whose parent can be read, got none")
        return side_by_side(parents, children, truth={name: truth[name] for name in children})
    if path.is_dir() and not io.is_checkpoint(path):
        raise ValueError(f"expected a family in {path}: parents/, children/ and {TRUTH} {{child: parent}}")
    family = population.load_family(path)
    return KnownFamily(parents=family.parents, children=family.children, truth=family.truth, network=family.network)


def side_by_side(
    parents: Mapping[str, LoadedNetwork], children: Mapping[str, LoadedNetwork], *, truth: Mapping[str, str]
) -> KnownFamily:
    """Makes a family of loaded networks: under Flax's names where all are alike, else under those that each has.

    Args:
        parents: the candidates.
        children: the children, at least one.
        truth: the name of every child's parent, which need not be among the candidates.
    """
    reason = obstacle([*parents.values(), *children.values()])
    first = next(iter(children.values()))
    arrays = (lambda loaded: loaded.own_arrays) if reason else (lambda loaded: loaded.variables)
    return KnownFamily(
        parents={name: arrays(loaded) for name, loaded in parents.items()},
        children={name: arrays(loaded) for name, loaded in children.items()},
        truth=truth,
        network=None if reason else first.network,
        obstacle=reason,
        input_shape=first.input_shape,
    )


def _files(folder: Path) -> dict[str, Path]:
    """Returns the networks of a folder by name."""
    if not folder.is_dir():
        raise FileNotFoundError(f"expected a folder of networks, got {folder}, where there is none")
    paths = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    networks = {name_of(path): path for path in paths}
    if not networks or len(networks) < len(paths):
        raise ValueError(f"expected networks of different names in {folder}, got {len(paths)}: add or rename some")
    return networks


def _truth(path: Path, children: Mapping[str, Any]) -> dict[str, str]:
    """Reads who is whose; names may carry the endings of files."""
    try:
        said = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"expected JSON in {path}: {error}") from error
    if not isinstance(said, dict) or not all(isinstance(parent, str) for parent in said.values()):
        raise ValueError(f"expected {{child: parent}} in {path}")
    truth = {name_of(Path(child)): name_of(Path(parent)) for child, parent in said.items()}
    for child in sorted(truth.keys() ^ children.keys()):
        raise ValueError(f"expected the same children in {path} and its children/, got '{child}' in one of them")
    return truth
