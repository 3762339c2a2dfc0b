"""Many networks trained side by side in one compiled program: a `scan` over steps inside a `map` over networks."""

import dataclasses
import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, Key

from lineage_jax import models
from lineage_jax.population._objective import Objective
from lineage_jax.typing import Params


@dataclasses.dataclass(frozen=True, kw_only=True)
class Program:
    """What is compiled in: the same for all networks of a family; see `TrainingSettings` for what the names mean.

    Attributes:
        objective: what is minimised.
        checkpoints: number of equally spaced points of the run that are returned.
        side_by_side: number of networks that share one pass of the `scan`; their operations are batched.
    """

    network: nn.Module
    objective: Objective
    steps: int
    batch_size: int
    momentum: float
    l2_to_parent: float
    frozen: tuple[str, ...]
    checkpoints: int
    side_by_side: int


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class Cases:
    """What differs between the networks: arrays with a leading axis over them, which `map` takes away.

    Attributes:
        init_key: source of the first weights.
        data_key: source of the minibatches.
        learning_rate: step of the descent.
        weight_decay: pull of every weight to zero.
        subset: indices of the examples that the network may see; all if None.
        parent: index of the parent whose body is the start; a random start if None.
    """

    init_key: Key[Array, "*m"]
    data_key: Key[Array, "*m"]
    learning_rate: Float[Array, "*m"]
    weight_decay: Float[Array, "*m"]
    subset: Int[Array, "*m size"] | None = None
    parent: Int[Array, "*m"] | None = None


@functools.partial(jax.jit, static_argnames="program")
def train(
    program: Program,
    cases: Cases,
    images: Float[Array, "n h w c"],
    targets: Any,
    bodies: Params = None,
) -> tuple[Params, Float[Array, " mk"], Float[Array, " mk"]]:
    """Trains all cases.

    Args:
        program: what is compiled in.
        cases: what differs between the runs.
        images: examples of all of them.
        targets: what is true of them, arrays `[n, ...]`.
        bodies: the parents' variables `[p, ...]` without heads; None trains from scratch.

    Returns:
        Variables `[m * k, ...]`, loss and accuracy `[m * k]`: the `k` checkpoints of the first of `m` runs, then those
        of the second, and so on. The loss is NaN where a weight is not finite.
    """
    one = functools.partial(_train_one, program, images=images, targets=targets, bodies=bodies)
    checkpoints = jax.lax.map(one, cases, batch_size=rows_for_map(program.side_by_side))
    variables, loss, accuracy = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), checkpoints)
    return variables, jnp.where(_all_finite(variables), loss, jnp.nan), accuracy


def _train_one(
    program: Program, case: Cases, *, images: Float[Array, "n h w c"], targets: Any, bodies: Params
) -> tuple[Params, Float[Array, " k"], Float[Array, " k"]]:
    variables = _start(program, case, images.shape[1:], bodies)
    moving, held = _split(variables["params"], program.frozen)
    others = {name: collection for name, collection in variables.items() if name != "params"}
    anchor = {name: layer for name, layer in moving.items() if name != program.network.head}
    optimizer = optax.chain(
        optax.add_decayed_weights(case.weight_decay), optax.sgd(case.learning_rate, program.momentum)
    )

    def step(state: tuple, number: Int[Array, ""]) -> tuple[tuple, Any]:
        moving, others, memory = state
        chosen = _draw(program, case, number, len(images))
        x, y = jax.tree.map(lambda leaf: leaf[chosen], (images, targets))
        loss_of = functools.partial(_loss, program, held=held, others=others, x=x, y=y)
        (loss, (accuracy, others)), gradient = jax.value_and_grad(loss_of, has_aux=True)(moving)
        if program.l2_to_parent and bodies is not None:
            gradient = _pulled(gradient, moving, anchor, program.l2_to_parent)
        update, memory = optimizer.update(gradient, memory, moving)
        return (optax.apply_updates(moving, update), others, memory), (loss, accuracy)

    def segment(state: tuple, numbers: Int[Array, " s"]) -> tuple[tuple, Any]:
        state, (loss, accuracy) = jax.lax.scan(step, state, numbers)
        moving, others, _ = state
        last = slice(-max(len(numbers) // 10, 1), None)
        return state, ({"params": moving | held, **others}, loss[last].mean(), accuracy[last].mean())

    numbers = jnp.arange(program.steps).reshape(program.checkpoints, -1)
    _, checkpoints = jax.lax.scan(segment, (moving, others, optimizer.init(moving)), numbers)
    return checkpoints


def _all_finite(variables: Params) -> Bool[Array, " m"]:
    leaves = jax.tree.leaves(variables)
    each = [jnp.isfinite(leaf).all(axis=tuple(range(1, leaf.ndim))) for leaf in leaves]
    return functools.reduce(jnp.logical_and, each)


def _start(program: Program, case: Cases, input_shape: tuple[int, ...], bodies: Params) -> Params:
    """Returns random variables, or the parent's with a new random head."""
    fresh = models.init(program.network, case.init_key, input_shape)
    if bodies is None:
        return fresh
    body = jax.tree.map(lambda leaf: leaf[case.parent], bodies)
    head = program.network.head
    return body | {"params": body["params"] | {head: fresh["params"][head]}}


def _split(layers: Params, frozen: tuple[str, ...]) -> tuple[Params, Params]:
    """Returns the layers that move and those that do not; the latter cost no gradient."""
    moving = {name: layer for name, layer in layers.items() if name not in frozen}
    held = {name: layer for name, layer in layers.items() if name in frozen}
    return moving, held


def _draw(program: Program, case: Cases, number: Int[Array, ""], n: int) -> Int[Array, " b"]:
    """Returns the indices of one minibatch."""
    size = n if case.subset is None else len(case.subset)
    drawn = jax.random.randint(jax.random.fold_in(case.data_key, number), (program.batch_size,), 0, size)
    return drawn if case.subset is None else case.subset[drawn]


def _loss(
    program: Program,
    moving: Params,
    *,
    held: Params,
    others: Params,
    x: Float[Array, "b h w c"],
    y: Any,
) -> tuple[Float[Array, ""], tuple[Float[Array, ""], Params]]:
    """Returns the loss; and the accuracy and the new batch statistics, those of frozen layers unchanged."""
    variables = {"params": moving | held, **others}
    outputs, updated = program.network.apply(variables, x, train=True, mutable=list(others))
    kept = {name: collection | _split(others[name], program.frozen)[1] for name, collection in updated.items()}
    loss, accuracy = program.objective(outputs, y)
    return loss, (accuracy, kept)


def _pulled(gradient: Params, moving: Params, anchor: Params, strength: float) -> Params:
    """Adds the gradient of half the squared distance to the anchor."""
    shared = ({name: tree[name] for name in anchor} for tree in (gradient, moving))
    return gradient | jax.tree.map(lambda g, now, start: g + strength * (now - start), *shared, anchor)


def number_side_by_side(asked: int | None, count: int) -> int:
    """Returns how many of `count` networks are computed at a time, in one compiled program either way.

    The default is all of them on an accelerator, which small operations leave idle, and one at a time on a CPU: there
    the weights of one network stay in the cache, and batching convolutions over networks whose weights differ turns
    them into grouped convolutions, which are several times slower.

    Args:
        asked: the caller's wish; None for the default.
        count: number of networks.

    Raises:
        ValueError: If less than one is asked for.
    """
    if asked is not None and asked < 1:
        raise ValueError(f"expected side_by_side of at least 1, got {asked}")
    default = 1 if jax.default_backend() == "cpu" else count
    return min(asked or default, count)


def rows_for_map(number: int) -> int | None:
    """Returns the `batch_size` of `jax.lax.map`; a batch axis of size one would cost a fifth of the speed on a CPU."""
    return None if number == 1 else number
