"""Hybrids: networks put together from layers of several parents."""

from collections.abc import Mapping, Sequence

import flax.traverse_util
import numpy as np

from lineage_jax.leaves import is_under, leaf_paths
from lineage_jax.population._run import numbered
from lineage_jax.typing import Networks

Origins = Mapping[str, Mapping[str, str]]
"""By name of a hybrid and by layer, the parent that the layer comes from."""


def random_origins(
    layers: Sequence[str], parents: Sequence[str], *, count: int, seed: int
) -> dict[str, dict[str, str]]:
    """Draws a parent for every layer of every hybrid, all of them equally likely.

    Args:
        layers: paths of the layers.
        parents: names of the parents.
        count: number of hybrids, which are called `hybrid-00`, `hybrid-01`, ...
        seed: of the draw.

    Raises:
        ValueError: If there is nothing to draw from or for.

    Examples:
        >>> random_origins(("fc1", "fc2"), ("anna", "bert"), count=2, seed=0)
        {'hybrid-00': {'fc1': 'bert', 'fc2': 'bert'}, 'hybrid-01': {'fc1': 'bert', 'fc2': 'anna'}}
    """
    if not layers or not parents or count < 1:
        raise ValueError(f"expected layers, parents and hybrids, got {len(layers)}, {len(parents)} and {count} of them")
    drawn = np.random.default_rng(seed).integers(len(parents), size=(count, len(layers)))
    names = numbered("hybrid", count, digits=2)
    return {
        name: {layer: parents[index] for layer, index in zip(layers, row, strict=True)}
        for name, row in zip(names, drawn, strict=True)
    }


def hybrids(parents: Networks, origins: Origins) -> Networks:
    """Puts networks together, each layer from the parent that `origins` names; `finetune` continues them.

    Args:
        parents: the networks that layers are taken from.
        origins: by hybrid and by layer a parent's name. A layer is the path of a module or of one array, such as
            `"fc1"`, `"blocks/0"` or `"cls_token"`; batch statistics go with it. All hybrids have the same layers.
            `genealogy.from_layers` says how many of them are whose.

    Returns:
        The hybrids, with the named layers and no others: what no one names, such as a head, is left out.

    Raises:
        ValueError: If there are no hybrids, they differ in their layers, a layer or parent does not exist, or a layer
            is part of another one.

    Examples:
        >>> from lineage_jax import data, genealogy, models, population
        >>> network, images = models.fc(widths=(16, 8)), data.digits()[0]
        >>> training = population.TrainingSettings(steps=100)
        >>> parents = population.pretrain(network, images, num_parents=2, seed=0, training=training)
        >>> origins = {"mixed": {"fc1": "parent-1", "fc2": "parent-0"}}
        >>> mixed = hybrids(parents, origins)
        >>> bool((mixed["mixed"]["params"]["fc1"]["bias"] == parents["parent-1"]["params"]["fc1"]["bias"]).all())
        True
        >>> _, truth = population.finetune(mixed, network, images, children_per_parent=1, seed=0, training=training)
        >>> merged, tuned = genealogy.from_layers(origins), genealogy.from_mapping(truth)
        >>> print(genealogy.from_edges(merged.edges + tuned.edges))
        parent-1
        └─ mixed (merged, 50 %)
           └─ child-00
        parent-0
        └─ mixed (merged, 50 %), see above
    """
    layers = _layers_of(origins)
    leaves = leaf_paths(parents.variables)
    layer_of = _assigned(tuple(leaves), layers)
    _check(parents, origins, layers, layer_of)
    sources = {layer: np.array([parents.names.index(origin[layer]) for origin in origins.values()]) for layer in layers}
    taken = {path: leaves[path][sources[layer]] for path, layer in layer_of.items()}
    return Networks(names=tuple(origins), variables=flax.traverse_util.unflatten_dict(taken, sep="/"))


def _layers_of(origins: Origins) -> tuple[str, ...]:
    """Returns the layers of all hybrids."""
    if not origins:
        raise ValueError("expected at least one hybrid, got none")
    first = next(iter(origins.values()))
    for name, origin in origins.items():
        if origin.keys() != first.keys():
            raise ValueError(
                f"expected the layers {', '.join(first)} in every hybrid, got {', '.join(origin)} in '{name}'"
            )
    return tuple(first)


def _assigned(paths: tuple[str, ...], layers: tuple[str, ...]) -> dict[str, str]:
    """Returns by array, such as `params/fc1/kernel`, the layer that it belongs to, if any."""
    within = {path: path.partition("/")[2] for path in paths}
    return {path: layer for path in paths for layer in layers if is_under(within[path], (layer,))}


def _check(parents: Networks, origins: Origins, layers: tuple[str, ...], layer_of: Mapping[str, str]) -> None:
    nested = [(layer, other) for layer in layers for other in layers if other.startswith(f"{layer}/")]
    if nested:
        raise ValueError("expected one origin for each array, got both '{}' and '{}'".format(*nested[0]))
    absent = set(layers) - set(layer_of.values())
    if absent:
        raise ValueError(f"expected layers of the parents, got '{min(absent)}'")
    for name, origin in origins.items():
        unknown = set(origin.values()) - set(parents.names)
        if unknown:
            raise ValueError(f"expected parents out of {', '.join(parents.names)} in '{name}', got '{min(unknown)}'")
