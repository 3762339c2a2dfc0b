"""What the cost model predicts for machines that are not here: how long, what is read, and what binds first."""

import dataclasses
import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np

from experiments.scaling.comparison import comparison_of
from lineage_jax import linearize, models, sweep


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """Machines that share a sweep.

    Attributes:
        name: for the table.
        device_kind: as JAX calls it.
        hosts: each with a mesh of its own, on which it computes its own blocks.
        devices: of a host, over which children are split.
    """

    name: str
    device_kind: str
    hosts: int
    devices: int


PLACES = (
    Place(name="TPU v5e-256", device_kind="TPU v5 lite", hosts=64, devices=4),
    Place(name="8 H100", device_kind="NVIDIA H100", hosts=1, devices=8),
)


def record(config: ml_collections.ConfigDict) -> dict[str, Any]:
    """Counts each network's programs, and predicts the sweep on every place, in every precision, at every rate."""
    found: dict[str, Any] = {"costs": {}, "predictions": []}
    for name, settings in config.networks.items():
        cost = cost_of(name, settings, probes=config.probes, measures=config.measures)
        found["costs"][name] = dataclasses.asdict(cost)
        for place, reading in itertools.product(PLACES, config.reading):
            machine = dataclasses.replace(sweep.machine_of(place.device_kind), reading=reading)
            for precision in machine.rates:
                found["predictions"].append(
                    {"network": name, "precision": precision, "reading": reading}
                    | predicted(cost, machine, place, precision, parents=config.parents, children=config.children)
                )
    return found


def predicted(
    cost: sweep.Cost, machine: sweep.Machine, place: Place, precision: str, *, parents: int, children: int
) -> dict[str, Any]:
    """Returns the hours of a sweep, those of each part alone, and what takes longest."""
    mesh = {"children": place.devices}
    blocks = sweep.blocks_of(
        cost,
        machine,
        parents=parents,
        children=children,
        memory=int(place.devices * machine.memory),
        mesh=mesh,
        precision=precision,
    )
    times = sweep.block_times(cost, machine, blocks, parents=parents, mesh=mesh, precision=precision)
    rows, columns = math.ceil(parents / blocks.parents), math.ceil(children / blocks.children)
    of_a_host = math.ceil(rows * columns / place.hosts)
    again = columns if rows > 1 else place.hosts
    hours = {part: seconds * of_a_host / 3600 for part, seconds in times._asdict().items()}
    return {
        "place": place.name,
        "blocks": list(blocks),
        "hours": max(times.reading, times.on_devices) * of_a_host / 3600,
        "hours of parts": hours,
        "read_bytes": (children + again * parents) * cost.file,
        "bound": times.bound,
    }


def cost_of(name: str, settings: ml_collections.ConfigDict, *, probes: int, measures: tuple[str, ...]) -> sweep.Cost:
    """Counts a network's programs; its weights are zeros that take no memory.

    The network is called through a function of ours, so that its first layer is not shared between pairs: accelerators
    do not share it in their own precision.
    """
    network = getattr(models, name)(**settings.arguments)
    features = linearize.features_of(network, (settings.layer,))
    shapes = jax.eval_shape(lambda key: models.init(network, key, tuple(settings.image)), jax.random.key(0))
    zeros = jax.tree.map(lambda leaf: np.broadcast_to(np.zeros((), leaf.dtype), leaf.shape), shapes)
    one = {"any": zeros}
    images = jnp.zeros((probes, *settings.image))
    whole = lambda variables, images: features(variables, images)  # noqa: E731
    return sweep.cost_of(comparison_of(whole, one, one, images, plan=sweep.Plan(measures=measures), memory=2**40))
