"""Which of the arrays in nested dictionaries are the network's, as JAX, Flax, Haiku and Keras save them.

Such a file holds a tree of arrays: variables (`params`, `batch_stats`), parameters alone, or a whole training state
with the moments of its optimizer. Every array is called by its path, with slashes. The parameters are what lies under
one of `ROOTS`, the first that there is, averaged ones before the last ones, and of equal ones that which `_roles`
tells; statistics lie beside or inside of them, and what is under a name of `OPTIMIZERS` is no network. A tree without
such a name is all parameters.
"""

import itertools
from collections.abc import Iterator
from typing import Any

from converters._archive import Archive
from converters._machine import Placeholder
from converters._numpy import NumpyTensor
from converters._roles import usual
from converters._state_dict import StateDict
from converters._tensors import Tensor
from converters._unreadable import Budget, UnreadableFile, shown

ROOTS = ("ema_params", "params_ema", "ema", "params", "target", "model_weights")
"""Under which names parameters lie; the first that is there is taken."""
STATISTICS = "batch_stats"
OPTIMIZERS = {"opt_state", "opt_states", "optimizer_state", "optimizer_weights", "param_states", "optimizer", "opt"}
"""Names under which nothing is a weight, except in `target`, where Flax's first optimizers kept the parameters; inside
of the parameters they are names of layers like any others."""
RANDOM = {"rngs", "rng", "rng_state", "seed_generator", "seed_generator_state"}
"""Names of the states of random generators."""
WRAPPED = ("value", "raw_value")
"""The last part of a path where a variable of Flax NNX holds its array."""
LEAVES = {"kernel", "w"}
"""Names of weights that tell a tree of Flax or Haiku from a state_dict."""
LONGEST_PATH = 64
ENTRY_COST = 256
"""Bytes charged for looking at an entry, beside its name."""

Path = tuple[str, ...]


def is_tree(archive: Archive, budget: Budget) -> bool:
    """Says whether the network of an archive is to be looked for in nested dictionaries.

    Of pickles that is so where numpy's arrays have the names of Flax or Haiku; of other containers where names nest.
    """
    for path, leaf in _flat(archive.value, budget):
        named = len(path) > 1 and path[-1] in LEAVES
        if (archive.is_tree and len(path) > 1) or (named and isinstance(leaf, NumpyTensor)):
            return True
    return False


def find_tree(value: Any, nesting: str | None, budget: Budget) -> StateDict:
    """Finds the one network among nested dictionaries of tensors, or that at `nesting`.

    Raises:
        UnreadableFile: If there is none, or several of the same standing, or nothing at `nesting`.
    """
    flat = {_tidied(path): leaf for path, leaf in _flat(value, budget)}
    tensors = {path: leaf for path, leaf in flat.items() if isinstance(leaf, Tensor) and not _is_random(path)}
    weights = {path: leaf for path, leaf in tensors.items() if not _is_of_an_optimizer(path)}
    roots = list(dict.fromkeys(root for path in weights if (root := _root(path)) is not None))
    root, notes = _chosen(roots, weights, nesting)
    network: dict[str, Tensor] = {}
    for path, tensor in weights.items():
        name = _name(path, root)
        if name in network:
            raise UnreadableFile(f"expected names that differ, got {shown(name)} twice: rename one")
        if name is not None:
            network[name] = tensor
    if not network:
        raise UnreadableFile(f"expected arrays of a network, got none among {_words(tensors)}: save the parameters")
    taken = {path for path in weights if _name(path, root) is not None}
    others: dict[str, list[Any]] = {}
    for path, leaf in flat.items():
        if path not in taken:
            others.setdefault(_counted_under(path, root), []).append(leaf)
    return StateDict(
        tensors=network,
        nesting=".".join(root),
        prefix="",
        others={name: _in_words(leaves) for name, leaves in others.items()},
        notes=notes,
    )


def _chosen(roots: list[Path], weights: dict[Path, Tensor], nesting: str | None) -> tuple[Path, tuple[str, ...]]:
    """Returns where the parameters lie, and a line about the choice where there was one."""
    places = ", ".join(shown(".".join(root)) for root in roots[:8])
    if nesting is not None:
        wanted = tuple(nesting.replace("/", ".").split(".")) if nesting else ()
        for root in (*roots, *dict.fromkeys(path[: len(wanted)] for path in weights)):
            if ".".join(root) == ".".join(wanted):
                return root, ()
        raise UnreadableFile(f"expected a network at {shown(nesting)}, got some at {places or 'the top'}: name one")
    if not roots:
        return (), ()
    first = min(map(_standing, roots))
    best = [root for root in roots if _standing(root) == first]
    inside = [{path[len(root) :] for path in weights if path[: len(root)] == root} for root in best]
    told, why = usual([".".join(root) for root in best], alike=all(names == inside[0] for names in inside))
    if len(told) > 1:
        raise UnreadableFile(f"expected one network, got {len(told)}, at {places}: name one with nesting=")
    root = best[told[0]]
    if len(roots) == 1:
        return root, ()
    reason = why if len(best) > 1 else "averaged weights are what authors evaluate and release"
    return root, (f"of the networks at {places} that at {shown('.'.join(root))} is taken: {reason}",)


def _standing(root: Path) -> int:
    """Returns the place of a root among `ROOTS`; parameters of a name of their own stand as `params` does."""
    return min(ROOTS.index(part if part in ROOTS else "params") for part in root if _is_root(part))


def _is_root(part: str) -> bool:
    return part in ROOTS or part.endswith("_params")


def _root(path: Path) -> Path | None:
    """Returns the path down to the first name of `ROOTS`, and on where it is repeated; none where there is no such."""
    for place, part in enumerate(path[:-1]):
        if _is_root(part):
            while place + 2 < len(path) and path[place + 1] in ROOTS:
                place += 1
            return path[: place + 1]
    return None


def _name(path: Path, root: Path) -> str | None:
    """Returns what a tensor is called: by collection and path, or by path alone where there are no collections."""
    if not root:
        return "/".join(path)
    if path[: len(root)] == root and path[len(root)] != STATISTICS:
        return "/".join(("params", *path[len(root) :]))
    above = root[: next((place for place, part in enumerate(root) if _is_root(part)), len(root))]
    if STATISTICS in path[:-1] and path[: len(above)] == above:
        return "/".join(path[path.index(STATISTICS) :])
    return None


def _counted_under(path: Path, root: Path) -> str:
    """Returns under which name an array that is not taken is counted: where its way leaves that to the network."""
    for place, part in enumerate(path):
        if place >= len(root) or part != root[place]:
            return ".".join(path[: place + 1])
    return ".".join(path)


def _is_of_an_optimizer(path: Path) -> bool:
    """Says whether a name on the way to the parameters is that of an optimizer."""
    for part, below in itertools.pairwise(path):
        if _is_root(part):
            return False
        if part in OPTIMIZERS and below != "target":
            return True
    return False


def _is_random(path: Path) -> bool:
    return not RANDOM.isdisjoint(path)


def _tidied(path: Path) -> Path:
    """Takes off what NNX, TensorFlow and orbax put behind the name of an array."""
    while len(path) > 1 and path[-1] in WRAPPED:
        path = path[:-1]
    return (*path[:-1], path[-1].removesuffix(":0"))


def _flat(value: Any, budget: Budget) -> Iterator[tuple[Path, Any]]:
    """Yields every leaf with its path, once; names with slashes in them are several parts."""
    waiting: list[tuple[Path, Any]] = [((), value)]
    seen: set[int] = set()
    while waiting:
        path, each = waiting.pop()
        fields = _fields(each)
        if not fields:
            if path:
                yield path, each
            continue
        if len(path) > LONGEST_PATH:
            raise UnreadableFile(
                f"expected at most {LONGEST_PATH} levels of names, got more at {shown('/'.join(path))}"
            )
        if id(each) in seen:
            continue
        seen.add(id(each))
        budget.spend(sum(ENTRY_COST + 16 * (len(key) + len(path) + 1) for key in fields))
        waiting.extend(reversed([((*path, *_parts(key)), child) for key, child in fields.items()]))


def _parts(key: str) -> list[str]:
    return [part for part in key.split("/") if part] or [key]


def _fields(value: Any) -> dict[str, Any] | None:
    """Returns what a container holds by name, or nothing for a leaf."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else shown(key): child for key, child in value.items()}
    if isinstance(value, list | tuple):
        return {str(index): child for index, child in enumerate(value)}
    if isinstance(value, Placeholder):
        states = value.state if isinstance(value.state, tuple) else (value.state,)
        merged = {key: child for part in states if isinstance(part, dict) for key, child in part.items()}
        return _fields(merged or value.arguments or ())
    return None


def _in_words(leaves: list[Any]) -> str:
    count = sum(isinstance(leaf, Tensor) for leaf in leaves)
    if count:
        return f"{count} tensor{'s' * (count > 1)}"
    return shown(leaves[0]) if len(leaves) == 1 else f"{len(leaves)} values"


def _words(tensors: dict[Path, Tensor]) -> str:
    return ", ".join(shown("/".join(path)) for path in list(tensors)[:3]) or "nothing"
