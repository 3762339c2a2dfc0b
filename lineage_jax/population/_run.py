"""From settings to trained networks: what pre-training and fine-tuning have in common."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from lineage_jax import data
from lineage_jax.population._checks import check_frozen
from lineage_jax.population._settings import TrainingSettings, per_network
from lineage_jax.population._side_by_side import number_side_by_side
from lineage_jax.population._train import Cases, Program, train
from lineage_jax.population._trained import Trained
from lineage_jax.typing import Params

PARENTS, CHILDREN = 0, 1
"""Streams of random numbers, so that one seed serves both."""


def cases_of(
    training: TrainingSettings,
    count: int,
    *,
    seed: int,
    stream: int,
    subsets: Int[np.ndarray, "m size"] | None = None,
    parents: Int[np.ndarray, " m"] | None = None,
) -> Cases:
    """Returns what differs between the networks of one family.

    Raises:
        ValueError: If the settings have values for another number of networks.
    """
    keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), stream), (count, 2))
    return Cases(
        init_key=keys[:, 0],
        data_key=keys[:, 1],
        learning_rate=jnp.array(per_network(training.learning_rate, count, name="learning_rate"), jnp.float32),
        weight_decay=jnp.array(per_network(training.weight_decay, count, name="weight_decay"), jnp.float32),
        subset=None if subsets is None else jnp.asarray(subsets, jnp.int32),
        parent=None if parents is None else jnp.asarray(parents, jnp.int32),
    )


def run(
    network: nn.Module,
    images: data.Images,
    cases: Cases,
    training: TrainingSettings,
    *,
    names: tuple[str, ...],
    shapes: Params,
    side_by_side: int | None,
    bodies: Params = None,
    checkpoints: int = 1,
) -> Trained:
    """Trains all cases in one compiled program.

    Raises:
        ValueError: If a frozen layer does not exist, `side_by_side` is not positive, or a network diverged.
    """
    check_frozen(training.frozen, shapes["params"])
    program = Program(
        network=network,
        steps=training.steps,
        batch_size=training.batch_size,
        momentum=training.momentum,
        l2_to_parent=training.l2_to_parent,
        frozen=training.frozen,
        checkpoints=checkpoints,
        side_by_side=number_side_by_side(side_by_side, len(names) // checkpoints),
    )
    variables, loss, accuracy = train(program, cases, images.images, images.labels, bodies)
    diverged = [name for name, finite in zip(names, np.isfinite(loss), strict=True) if not finite]
    if diverged:
        raise ValueError(f"loss or weights are not finite after training {', '.join(diverged)}: lower learning_rate")
    return Trained(names=names, variables=variables, loss=loss, accuracy=accuracy)


def numbered(kind: str, count: int, *, digits: int = 1) -> tuple[str, ...]:
    """Returns names with as many digits as the last one needs, so that their order is alphabetical.

    Examples:
        >>> numbered("parent", 2), numbered("child", 2, digits=2)
        (('parent-0', 'parent-1'), ('child-00', 'child-01'))
    """
    width = max(digits, len(str(count - 1)))
    return tuple(f"{kind}-{number:0{width}d}" for number in range(count))
