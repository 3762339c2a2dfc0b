"""Parents: networks trained from scratch."""

import dataclasses

import flax.linen as nn
import jax.numpy as jnp

from lineage_jax import data
from lineage_jax.population._objective import Objective, classification
from lineage_jax.population._run import PARENTS, Trained, cases_of, numbered, run, shapes_of
from lineage_jax.population._settings import TrainingSettings


def pretrain(
    network: nn.Module,
    images: data.Images | data.Annotated,
    *,
    num_parents: int,
    seed: int,
    training: TrainingSettings,
    objective: Objective = classification,
    shared_init: bool = False,
    side_by_side: int | None = None,
) -> Trained:
    """Trains networks from scratch in one compiled program; the same seed gives the same bits on the same device.

    Args:
        network: module of all of them, with the images' number of classes.
        images: what they learn.
        num_parents: how many; they are called `parent-0`, `parent-1`, ..., with as many digits as the last one needs.
        seed: decides the first weights and the minibatches.
        training: how; tuples in it have one value per network.
        objective: what they minimise; cross-entropy by default, over images or over pixels.
        shared_init: whether all start from the same weights and only see other minibatches.
        side_by_side: number of networks whose operations are batched together; by default all of them on an
            accelerator and one on a CPU, which is fastest there. One compiled program trains all in any case.

    Raises:
        ValueError: If the network has another number of classes than the images, the settings do not fit it, there is
            no parent, or a network's loss or weights are not finite in the end.

    Examples:
        >>> from lineage_jax import models
        >>> train, test = data.digits()
        >>> network = models.fc(num_classes=10, widths=(16,))
        >>> parents = pretrain(network, train, num_parents=2, seed=0, training=TrainingSettings(steps=100))
        >>> parents.names, parents.variables["params"]["fc1"]["kernel"].shape
        (('parent-0', 'parent-1'), (2, 64, 16))
    """
    shapes = shapes_of(network, images)
    _check_parents(num_parents, training)
    cases = cases_of(training, num_parents, seed=seed, stream=PARENTS)
    if shared_init:
        cases = dataclasses.replace(cases, init_key=jnp.broadcast_to(cases.init_key[0], num_parents))
    names = numbered("parent", num_parents)
    return run(
        network,
        images,
        cases,
        training,
        objective=objective,
        names=names,
        shapes=shapes,
        side_by_side=side_by_side,
    )


def pretrain_checkpoints(
    network: nn.Module,
    images: data.Images | data.Annotated,
    *,
    num_parents: int,
    seed: int,
    training: TrainingSettings,
    objective: Objective = classification,
) -> Trained:
    """Trains one network and returns equally spaced checkpoints of the run, a chain whose last one is the end.

    Args:
        network: the module, with the images' number of classes.
        images: what it learns.
        num_parents: number of checkpoints, called as in `pretrain`.
        seed: decides the first weights and the minibatches.
        training: how; its steps are a multiple of `num_parents`.
        objective: as in `pretrain`.

    Raises:
        ValueError: As `pretrain`, or if the steps cannot be divided equally.
    """
    shapes = shapes_of(network, images)
    _check_parents(num_parents, training)
    if training.steps % num_parents:
        raise ValueError(f"expected steps that {num_parents} checkpoints divide equally, got {training.steps}")
    cases = cases_of(training, 1, seed=seed, stream=PARENTS)
    names = numbered("parent", num_parents)
    return run(
        network,
        images,
        cases,
        training,
        objective=objective,
        names=names,
        shapes=shapes,
        side_by_side=1,
        checkpoints=num_parents,
    )


def _check_parents(num_parents: int, training: TrainingSettings) -> None:
    if num_parents < 1:
        raise ValueError(f"expected num_parents of at least 1, got {num_parents}")
    if training.l2_to_parent:
        raise ValueError(f"expected no l2_to_parent where there is no parent yet, got {training.l2_to_parent}")
