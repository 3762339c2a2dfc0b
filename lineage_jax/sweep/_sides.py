"""The networks of a plan, by name: each is read when it is asked for, with what identifies it."""

import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from lineage_jax import checkpoints, io, pairs, population
from lineage_jax.checkpoints import LazyNetworks, LoadedNetwork
from lineage_jax.leaves import leaf_paths
from lineage_jax.sweep._plan import Plan
from lineage_jax.typing import Networks, Params, Population

if TYPE_CHECKING:
    from flax import linen as nn

PLURAL = {"parent": "parents", "child": "children"}
TRUTH = "truth.json"
UNREADABLE = (ValueError, TypeError, KeyError, OSError, ImportError)
"""What a network that cannot be read raises; anything else is a fault of the program, or an end that the user wants."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class OneNetwork:
    """A network that was read.

    Attributes:
        variables: its arrays, finite.
        sha256: of its file or files, or of its arrays where it has none.
        network: the Flax module, or None where the architecture is not known.
        input_shape: one image `(h, w, c)`, or None.
    """

    variables: Params
    sha256: str
    network: "nn.Module | None" = None
    input_shape: tuple[int, int, int] | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Side:
    """The networks of one side.

    Attributes:
        role: "parent" or "child".
        networks: by name, read when asked for.
        network: the Flax module of networks that do not say theirs.
    """

    role: str
    networks: Population
    network: "nn.Module | None" = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all networks, in order."""
        return self.networks.names if isinstance(self.networks, Networks) else tuple(self.networks)

    def read(self, name: str, *, held: tuple[str, ...]) -> OneNetwork:
        """Reads one network.

        Raises:
            ValueError: If it is none, or not finite; a user's own mapping may raise what it likes.
            OSError: If it cannot be read.
        """
        if isinstance(self.networks, Networks):
            variables = self.networks[name]
            return OneNetwork(variables=variables, sha256=sha256_of(variables), network=self.network)
        with _on_the_host():
            given = self.networks[name]
        if isinstance(given, LoadedNetwork):
            with _on_the_host():
                variables = given.variables
            return OneNetwork(
                variables=variables,
                sha256=given.sha256 or sha256_of(variables),
                network=given.network or self.network,
                input_shape=given.input_shape,
            )
        variables = pairs.read({name: given}, name, self.role, held=held)
        return OneNetwork(variables=variables, sha256=sha256_of(variables), network=self.network)


def side_of(plan: Plan, role: str, given: Population | None) -> Side:
    """Finds the networks of one side: those that were handed over, else those that the plan names.

    Raises:
        ValueError: If there are none or on both, two have one name or are one file, or a folder is empty.
        OSError: If a folder or file is not there.
        TypeError: If what was handed over are no networks by name.
    """
    named = getattr(plan, PLURAL[role])
    if (given is None) == (named is None):
        both = "both" if named is not None else "neither"
        raise ValueError(f"expected {PLURAL[role]} in the plan or handed to run, got {both}")
    if given is not None:
        return Side(role=role, networks=pairs.population_of(given, role, held=tuple(plan.held)))
    family = _family(plan, named, role)
    if family is not None:
        return family
    networks = dict(_by_name(plan, named, role))
    for name, path in networks.items():
        if not os.path.lexists(path):
            raise FileNotFoundError(f"expected {role} '{name}' at {path}, where there is nothing")
    _check_once(networks, role)
    return Side(role=role, networks=LazyNetworks(given=networks, arch=plan.arch, nesting=plan.nesting))


def sha256_of(variables: Params) -> str:
    """Returns the SHA-256 of a network's arrays: of path, dtype, shape and bytes of every leaf, sorted by path.

    Examples:
        >>> sha256_of({"w": np.ones(3)}) == sha256_of({"w": np.ones(3, np.float32)})
        False
    """
    sums = hashlib.sha256()
    for path, leaf in sorted(leaf_paths(variables).items()):
        array = np.ascontiguousarray(leaf)
        sums.update(f"{path} {array.dtype} {array.shape}\n".encode())
        sums.update(array.reshape(-1).view(np.uint8).data)
    return sums.hexdigest()


@contextlib.contextmanager
def _on_the_host() -> Iterator[None]:
    """Has arrays made on the host, where networks are stacked, and not on an accelerator first."""
    try:
        host = jax.local_devices(backend="cpu")[0]
    except RuntimeError:  # JAX was told of other platforms alone
        yield
        return
    with jax.default_device(host):
        yield


def _by_name(plan: Plan, named: Any, role: str) -> Mapping[str, Path]:
    if isinstance(named, Mapping):
        return {name: plan.place_of(path) for name, path in named.items()}
    if not isinstance(named, str):
        paths = [plan.place_of(path) for path in named]
    elif (plan.place_of(named) / TRUTH).is_file():
        paths = checkpoints.paths_in(plan.place_of(named) / PLURAL[role])
    else:
        paths = checkpoints.paths_in(plan.place_of(named))
    names = checkpoints.names_of(paths)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"expected every {role} once, got '{twice}' twice: remove one, or name both")
    return dict(zip(names, paths, strict=True))


def _check_once(networks: Mapping[str, Path], role: str) -> None:
    """Refuses a file that comes under two names."""
    first: dict[Path, str] = {}
    for name, path in networks.items():
        place = path.resolve()
        if place in first:
            raise ValueError(
                f"expected every {role} once, but '{first[place]}' and '{name}' are one file, {place}: remove one"
            )
        first[place] = name


def _family(plan: Plan, named: Any, role: str) -> Side | None:
    """Returns the networks of a checkpoint of `population.save_family`, which is read whole, or None for another."""
    if not isinstance(named, str) or not io.is_checkpoint(plan.place_of(named)):
        return None
    try:
        family = population.load_family(plan.place_of(named))
    except ValueError:  # one network, or damaged: what is wrong shows when it is read
        return None
    trained = getattr(family, PLURAL[role])
    return Side(role=role, networks=trained, network=family.network)
