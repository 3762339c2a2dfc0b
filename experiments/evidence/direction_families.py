"""Families whose order is known: every network of each is trained once, all families of one kind side by side.

root ── parent ── short, long ── grandchild           short and long learn the same images, long for longer: to
 │         └───── sibling                             short, long is a relative that drifts in parallel
 ├──── uncle
twin                                                  starts as root does and learns other images of the set

long ── pruned in one step, in two; rounded to int8 by kernel, by unit; rounded to float16
pruned in two steps ── dense again: tuned without its mask
rounded by unit ── off the grid again: tuned in float32
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Mapping

import flax.linen as nn
import jax
import numpy as np

from experiments.lab import images
from lineage_jax import data, lineage, population
from lineage_jax.leaves import kernels_among, weights_of
from lineage_jax.typing import Networks, Params

DECAYS = (1e-3, 2e-3, 5e-3)
"""Weight decays: so strong that few steps forget as much as long schedules do. Without any, networks so small hardly
leave their start, and a twin is nearly a copy."""

Kernels = dict[str, np.ndarray]

SETS = (("mnist", range(5)), ("fashion_mnist", range(5)), ("mnist", range(5, 10)), ("fashion_mnist", range(5, 10)))
"""What networks learn, five classes each."""

PARENT_OF = {
    "parent": "root",
    "uncle": "root",
    "short": "parent",
    "long": "parent",
    "sibling": "parent",
    "grandchild": "long",
}
SET_OF = {"root": 0, "twin": 3, "parent": 1, "uncle": 3, "short": 2, "long": 2, "sibling": 3, "grandchild": 1}
"""Which of the sets each learns; families that test begin at another one than those that choose."""

EDITED_FROM = {
    "pruned": "long",
    "pruned in two steps": "long",
    "dense again": "pruned in two steps",
    "int8 by kernel": "long",
    "int8 by unit": "long",
    "off the grid": "int8 by unit",
    "float16": "long",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of network, and how its families are trained.

    Attributes:
        network: the module.
        pooling: pixels a side that become one.
        pretraining: steps of the root and its twin.
        steps: of the others; a fifth of it of the short ones.
        rates: learning rates, one of them a family.
        families: how many.
        decays: weight decays, one of them a family.
    """

    network: nn.Module
    pooling: int
    pretraining: int
    steps: int
    rates: tuple[float, ...]
    families: int
    decays: tuple[float, ...] = DECAYS


@dataclasses.dataclass(frozen=True, kw_only=True)
class Families:
    """All networks of some families.

    Attributes:
        kernels: by role, for each family its kernels by path, the head's left out.
        seen: by role how many batches the network and its ancestors have seen.
        own: by role how many of them its own training saw.
    """

    kernels: dict[str, list[Kernels]]
    seen: dict[str, int]
    own: dict[str, int]


def ancestors(role: str) -> list[str]:
    """Returns whom a network descends from, the nearest first.

    Examples:
        >>> ancestors("dense again")
        ['pruned in two steps', 'long', 'parent', 'root']
    """
    above = (PARENT_OF | EDITED_FROM).get(role)
    return [] if above is None else [above, *ancestors(above)]


def make(kind: Kind, *, seed: int, shift: int, size: int) -> Families:
    """Trains and edits all families of one kind.

    Args:
        kind: what and how.
        seed: decides every random number.
        shift: how far the sets are turned.
        size: examples of every set.
    """
    pick = np.random.default_rng(seed)
    rates = tuple(pick.choice(kind.rates, kind.families).tolist())
    decays = tuple(pick.choice(kind.decays, kind.families).tolist())

    def learn(role: str, steps: int) -> tuple[population.TrainingSettings, data.Images]:
        training = population.TrainingSettings(steps=steps, batch_size=32, learning_rate=rates, weight_decay=decays)
        return training, _images((SET_OF[role] + shift) % len(SETS), kind.pooling, size)

    made: dict[str, Networks] = {}
    own = dict.fromkeys(("root", "twin"), kind.pretraining)
    for role in ("root", "twin"):
        training, learned = learn(role, kind.pretraining)
        half = slice(None, size // 2) if role == "root" else slice(size // 2, None)
        learned = dataclasses.replace(learned, images=learned.images[half], labels=learned.labels[half])
        made[role] = population.pretrain(kind.network, learned, num_parents=kind.families, seed=seed, training=training)
    for stream, (role, above) in enumerate(PARENT_OF.items(), start=1):
        training, learned = learn(role, kind.steps // 5 if role == "short" else kind.steps)
        made[role] = _tuned(kind.network, made[above], learned, training, seed=seed, stream=stream)
        own[role] = training.steps
    short, learned = learn("short", kind.steps // 5)
    for stream, (role, above) in enumerate(EDITED_FROM.items(), start=20):
        if role == "float16":
            made[role] = _edited(made[above], lambda kernel: kernel.astype(np.float16).astype(np.float32))
        elif role.startswith("int8"):
            made[role] = _edited(made[above], quantised_by_unit if role.endswith("unit") else quantised)
        elif role.startswith("pruned"):
            shares = (0.9,) if role == "pruned" else (0.6, 0.9)
            made[role] = _pruned(kind.network, made[above], shares, learned, short, seed=seed, stream=stream)
        else:
            made[role] = _tuned(kind.network, made[above], learned, short, seed=seed, stream=stream)
        own[role] = short.steps * {"pruned": 1, "pruned in two steps": 2, "dense again": 1, "off the grid": 1}.get(
            role, 0
        )
    seen = {role: own[role] + sum(own[above] for above in ancestors(role)) for role in made}
    return Families(kernels={role: _kernels(of, kind.network.head) for role, of in made.items()}, seen=seen, own=own)


def _images(place: int, pooling: int, size: int) -> data.Images:
    name, classes = SETS[place]
    train, _ = images.of_classes(images.load_pooled(name, pooling=pooling), list(classes), count=size)
    return train


def _tuned(
    network: nn.Module,
    parents: Networks,
    learned: data.Images,
    training: population.TrainingSettings,
    *,
    seed: int,
    stream: int,
) -> Networks:
    """Tunes every network once, with a new head."""
    parent_of = {name: name for name in parents.names}
    return population.descend(
        parents, network, learned, parent_of=parent_of, seed=seed, stream=stream, training=training
    )


def _pruned(
    network: nn.Module,
    parents: Networks,
    shares: tuple[float, ...],
    learned: data.Images,
    training: population.TrainingSettings,
    *,
    seed: int,
    stream: int,
) -> Networks:
    """Sets the smallest weights of every kernel to zero, tunes the rest and sets them to zero again, step by step."""
    networks = parents
    for number, share in enumerate(shares):
        sparse = _edited(networks, functools.partial(pruned, share=share))
        tuned = _tuned(network, sparse, learned, training, seed=seed, stream=100 * (number + 1) + stream)
        networks = _masked(tuned, sparse)
    return networks


def _masked(networks: Networks, like: Networks) -> Networks:
    """Sets to zero what is zero in others."""
    masked = jax.tree.map(
        lambda leaf, mask: np.where(np.asarray(mask) == 0, 0, leaf) if leaf.ndim > 2 else leaf,
        networks.variables,
        like.variables,
    )
    return Networks(names=networks.names, variables=masked)


def _edited(networks: Networks, edit: Callable[[np.ndarray], np.ndarray]) -> Networks:
    """Changes every kernel of every network."""
    changed = jax.tree.map(
        lambda leaf: np.stack([edit(one) for one in np.asarray(leaf)]) if leaf.ndim > 2 else leaf, networks.variables
    )
    return Networks(names=networks.names, variables=changed)


def pruned(kernel: np.ndarray, *, share: float) -> np.ndarray:
    """Sets the smallest weights to zero.

    Examples:
        >>> pruned(np.array([[1.0, -3.0], [0.5, 2.0]]), share=0.5).tolist()
        [[0.0, -3.0], [0.0, 2.0]]
    """
    sizes = np.abs(kernel)
    return np.where(sizes <= np.quantile(sizes, share, method="lower"), 0, kernel)


def quantised(kernel: np.ndarray) -> np.ndarray:
    """Rounds to the 255 steps of symmetric int8, one step for the kernel."""
    step = np.float32(np.abs(kernel).max() / 127)
    return np.round(kernel / step).astype(np.float32) * step


def quantised_by_unit(kernel: np.ndarray) -> np.ndarray:
    """The same with a step for each output unit, the last axis."""
    step = (np.abs(kernel).max(axis=tuple(range(kernel.ndim - 1))) / 127).astype(np.float32)
    return np.round(kernel / np.maximum(step, 1e-12)).astype(np.float32) * step


def _kernels(networks: Networks, head: str) -> list[Kernels]:
    """Returns the kernels of each network but for its head."""
    host: Params = jax.tree.map(np.asarray, networks.variables)
    found = []
    for place in range(len(networks.names)):
        weights = weights_of(jax.tree.map(lambda leaf: leaf[place], host), ("batch_stats",))  # noqa: B023 (used at once)
        found.append(
            {path: weights[path] for path in sorted(kernels_among(weights)) if not path.startswith(f"{head}/")}
        )
    return found


def likenesses(kernels: Mapping[str, Kernels]) -> dict[str, dict[str, lineage.Likeness]]:
    """Returns how all pairs are alike; cosines are the centred ones of `lineage.overlap`."""
    rows = {}
    for name, of in kernels.items():
        centred = [leaf - leaf.mean(axis=-1, keepdims=True) for leaf in of.values()]
        row = np.concatenate([leaf.ravel().astype(np.float64) for leaf in centred])
        rows[name] = row / np.linalg.norm(row)
    found: dict[str, dict[str, lineage.Likeness]] = {name: {} for name in kernels}
    for one, other in itertools.combinations(kernels, 2):
        ways = ((other, one), (one, other))
        shares = [lineage.kept(kernels[earlier], kernels[later]) for earlier, later in ways]
        found[one][other] = lineage.Likeness(float(rows[one] @ rows[other]), *shares)
        found[other][one] = found[one][other].turned
    return found
