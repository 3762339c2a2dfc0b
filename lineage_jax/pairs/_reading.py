"""Reading networks: each of a lazily loaded mapping once, if all are of one kind."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from lineage_jax.leaves import leaf_paths
from lineage_jax.pairs._kind import Kind, kind_of
from lineage_jax.pairs._population import is_in_memory, names_of, read
from lineage_jax.pairs._shared import Shared, fill, kinds_of, stack
from lineage_jax.typing import Networks, Params, Population


class UnknownKindError(Exception):
    """A network turned up that is of no kind seen before: what all share must be found anew."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reading:
    """What is known of the networks so far.

    Attributes:
        parents: candidate parents.
        children: children.
        held: path prefixes that stay the parent's.
        kinds: of every network whose kind is known, by label.
        ready: networks that were read and are not used yet, by label.
        constants: values of integer leaves in the first network that was stacked, by path.
        checked: what was found to be in order and is not looked at again.
    """

    parents: Population
    children: Population
    held: tuple[str, ...]
    kinds: dict[str, Kind]
    ready: dict[str, Params] = dataclasses.field(default_factory=dict)
    constants: dict[str, tuple[str, np.ndarray]] = dataclasses.field(default_factory=dict)
    checked: set[str] = dataclasses.field(default_factory=set)

    def population(self, role: str) -> Population:
        """Returns the networks of one side."""
        return {"parent": self.parents, "child": self.children}[role]

    def names(self, role: str) -> tuple[str, ...]:
        """Returns the names of the networks of one side."""
        return names_of(self.population(role), role)


def first_look(parents: Population, children: Population, *, held: tuple[str, ...]) -> Reading:
    """Looks at all networks that are in memory, and reads the first one of a mapping that may load them."""
    reading = Reading(parents=parents, children=children, held=held, kinds={})
    for role in ("parent", "child"):
        population = reading.population(role)
        if isinstance(population, Networks) or is_in_memory(population):
            reading.kinds.update(kinds_of(population, role))
        else:
            name = reading.names(role)[0]
            label = f"{role} '{name}'"
            reading.ready[label] = read(population, name, role, held=held)
            reading.kinds[label] = kind_of(reading.ready[label])
    return reading


def full_look(parents: Population, children: Population, *, held: tuple[str, ...]) -> Reading:
    """Looks at all networks, one at a time."""
    kinds = {**kinds_of(parents, "parent"), **kinds_of(children, "child")}
    return Reading(parents=parents, children=children, held=held, kinds=kinds)


def read_block(
    reading: Reading,
    role: str,
    names: Sequence[str],
    shared: Shared,
    *,
    size: int,
    constant: Sequence[str] = (),
    to: Callable = jnp.asarray,
) -> Params:
    """Reads and stacks networks; the last one fills the block up, so that all blocks run the same compiled program.

    Args:
        reading: what is known of the networks.
        role: "parent" or "child".
        names: of the networks.
        shared: the tree that they are brought to.
        size: of the block.
        constant: paths of integers that must be equal in all networks.
        to: takes what was stacked on the host, to the default device or, as `np.asarray`, no further.

    Returns:
        The networks in the tree of `shared`, every leaf with a first axis of `size`.

    Raises:
        UnknownKindError: If one of them is of a kind that was not known.
        ValueError: If a weight is not finite, or an integer that must be equal is not.
    """
    population = reading.population(role)
    padded = (*names, *[names[-1]] * (size - len(names)))
    if isinstance(population, Networks):
        block = fill((population if population.names == padded else population.select(padded)).variables, shared, size)
    else:
        networks = [_take(population, name, role, reading) for name in names]
        known = set(reading.kinds.values())
        for name, network in zip(names, networks, strict=True):
            kind = reading.kinds[f"{role} '{name}'"] = kind_of(network)
            if kind not in known:
                raise UnknownKindError(f"{role} '{name}'")
        networks += networks[-1:] * (size - len(names))
        block = stack(networks, shared, to=to)
    _check_constant(block, role, names, reading, constant)
    return block


def _take(population: Mapping[str, Params], name: str, role: str, reading: Reading) -> Params:
    label = f"{role} '{name}'"
    return reading.ready.pop(label) if label in reading.ready else read(population, name, role, held=reading.held)


def _check_constant(block: Params, role: str, names: Sequence[str], reading: Reading, paths: Sequence[str]) -> None:
    leaves = leaf_paths(block) if paths else {}
    for path in paths:
        values = _numbers(leaves[path])
        owner, expected = reading.constants.setdefault(path, (f"{role} '{names[0]}'", values[0]))
        for name, value in zip(names, values, strict=False):
            if not np.array_equal(value, expected):
                raise ValueError(
                    f"expected integers at '{path}' to be equal in all networks, as no step leads from one to another; "
                    f"those of {role} '{name}' differ from those of {owner}: bring quantised weights back to floats, "
                    f"or hold what is no weight with held=(..., '{path}')"
                )


def _numbers(leaf: jax.Array) -> np.ndarray:
    is_key = jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if is_key else leaf)
