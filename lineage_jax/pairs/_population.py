"""Networks as they are handed over: by name, and each of them plain arrays of a real or complex kind."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.core import meta

from lineage_jax.leaves import leaf_paths
from lineage_jax.linearize import HELD
from lineage_jax.pairs._finite import check_finite
from lineage_jax.typing import Networks, Params, Population

PLURAL = {"parent": "parents", "child": "children"}

TRAINING = ("opt_state", "optimizer", "optimizer_state")
"""Entries that hold an optimiser's state: moments have the shapes of weights, and are none."""


def population_of(population: Population, role: str, *, held: tuple[str, ...] = HELD) -> Population:
    """Checks that networks come by name; stacked ones are looked through at once, others when they are read.

    Raises:
        TypeError: If they do not come by name, or are one network; of stacked ones, if a leaf is no array of numbers.
        ValueError: If there are none, or names repeat; of stacked ones, if they are not as many as the names, there is
            an optimiser's state beside the weights, or a weight is not finite.
    """
    names_of(population, role)
    if not isinstance(population, Networks):
        return population
    checked = Networks(names=population.names, variables=unboxed(population.variables, f"the {PLURAL[role]}"))
    count = len(checked)
    for path, leaf in leaf_paths(checked.variables).items():
        if np.shape(leaf)[:1] != (count,):
            raise ValueError(
                f"expected {PLURAL[role]} stacked along a first axis of {count}, one for each name, got "
                f"{np.shape(leaf)} at '{path}'"
            )
    check_finite(checked, role, held=not_looked_at(held))
    return checked


def names_of(population: Population, role: str) -> tuple[str, ...]:
    """Returns the names of the networks.

    Raises:
        TypeError: If they do not come by name, or are one network.
        ValueError: If there are none, or names repeat.
    """
    if not isinstance(population, Networks):
        _check_mapping(population, role)
    names = population.names if isinstance(population, Networks) else tuple(population)
    if not names:
        raise ValueError(f"expected at least one {role}, got none")
    repeated = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if repeated:
        raise ValueError(f"{role} names must be unique, '{repeated[0]}' occurs more than once; rename it")
    return names


def read(population: Mapping[str, Params], name: str, role: str, *, held: tuple[str, ...] = HELD) -> Params:
    """Reads one network: the only place where a mapping is asked for one.

    Raises:
        TypeError: If a leaf is no array of numbers.
        ValueError: If there are no leaves, there is an optimiser's state beside the weights, or a weight is not finite.
    """
    variables = unboxed(population[name], f"{role} '{name}'")
    check_finite(variables, f"{role} '{name}'", held=not_looked_at(held))
    return variables


def unboxed(variables: Params, whose: str) -> Params:
    """Takes arrays out of their boxes (`nn.Partitioned` and the like), and refuses what is no network.

    Raises:
        TypeError: If a leaf is no array of numbers.
        ValueError: If there is an optimiser's state beside the weights, there are no leaves, or a leaf has parts on
            devices of other processes.
    """
    if state := _training_state(variables):
        raise ValueError(
            f"expected variables of {whose}, got a training state: '{state}' holds what the optimiser remembers, which "
            "is no weight; hand over the weights alone, such as {'params': state.params}"
        )
    variables = meta.unbox(variables)
    leaves = leaf_paths(variables)
    if not leaves:
        raise ValueError(f"expected variables of {whose}, got none: {variables!r}")
    for path, leaf in leaves.items():
        if not _is_array(leaf):
            raise TypeError(
                f"expected arrays of numbers, got {type(leaf).__name__} at '{path}' of {whose}; leave it out of the "
                "variables"
            )
        if isinstance(leaf, jax.Array) and not leaf.is_fully_addressable:
            raise ValueError(
                f"expected weights that this process holds, got '{path}' of {whose} with parts on devices of others; "
                "hand over the whole of it, from its file say"
            )
    return variables


def is_in_memory(population: Mapping[str, Params]) -> bool:
    """Tells whether looking at every network costs nothing: other mappings may load one whenever they are asked."""
    return type(population) is dict


def check_wrapped(parents: Population, children: Population) -> None:
    """Refuses one network in place of several by name, where the other side shows that it is one."""
    for population, others, role in ((parents, children, "parent"), (children, parents, "child")):
        if type(population) is not dict or type(others) is not dict:
            continue
        paths = set(leaf_paths(population))
        if any(set(leaf_paths(network)) == paths for network in others.values()):
            raise TypeError(
                f"expected {{name: variables}}, got the variables of one {role}: they have the leaves of a network "
                f"on the other side; write {{'{role}': variables}}"
            )


def not_looked_at(held: tuple[str, ...]) -> tuple[str, ...]:
    """Returns what the caller holds by name: a mask may be infinite; batch statistics may not."""
    return tuple(path for path in held if path not in HELD)


def _check_mapping(population: Any, role: str) -> None:
    if not isinstance(population, Mapping):
        what = f"a {type(population).__name__}"
        what += f" of {len(population)}" if isinstance(population, list | tuple) else ""
        raise TypeError(
            f"expected {PLURAL[role]} by name, {{name: variables}} or Networks, got {what}; name each network, such as "
            f"{{'{role}-0': variables}}"
        )
    names = tuple(population)  # names alone: to ask a mapping whether it has an entry may load that
    if "params" in names:
        raise TypeError(
            f"expected {PLURAL[role]} by name, {{name: variables}}, got the variables of one network (its entries are "
            f"{', '.join(map(str, names))}); write {{'{role}': variables}}"
        )


def _training_state(variables: Params) -> str:
    """Returns where an optimiser's state is, or nothing."""
    named = variables if isinstance(variables, Mapping) else getattr(variables, "__dict__", {})
    found = [name for name in TRAINING if name in named]
    if found:
        return found[0]
    nodes = jax.tree_util.tree_flatten_with_path(variables, is_leaf=_is_optax)[0]
    return next((jax.tree_util.keystr(path, simple=True, separator="/") for path, node in nodes if _is_optax(node)), "")


def _is_optax(node: Any) -> bool:
    return isinstance(node, tuple) and type(node).__module__.startswith("optax")


def _is_array(leaf: Any) -> bool:
    dtype = leaf.dtype if hasattr(leaf, "dtype") else np.asarray(leaf).dtype
    number = jnp.issubdtype(dtype, jnp.number) or jnp.issubdtype(dtype, jnp.bool_)
    return bool(number or jax.dtypes.issubdtype(dtype, jax.dtypes.extended))
