"""One step of training, as a pure function."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Bool, Float

from lineage_jax.detector._detector import KINDS, Detector
from lineage_jax.detector._encoders import at_a_time
from lineage_jax.detector._examples import Batch
from lineage_jax.detector._views import Views
from lineage_jax.typing import Params

CHILDREN = "children"
"""The axis of a mesh along which a batch is spread."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class DetectorTraining:
    """How a detector is trained; the defaults are the published ones where there are such.

    Attributes:
        epochs: passes over the training children.
        batch_size: children a step.
        learning_rate: of Adam, in the first epoch.
        decay: factor of the learning rate after every epoch; 1.0 is the published one for few-shot children.
        clip: greatest norm of a gradient.
        patience: epochs without a better validation loss after which training ends.
        orphans: share of the children that are shown without their parent, for a detector with `nobody`.
        seed: of the first weights and of the order of the children.

    Raises:
        ValueError: If a number is out of its range.
    """

    epochs: int = 15
    batch_size: int = 16
    learning_rate: float = 0.01
    decay: float = 0.7
    clip: float = 1.0
    patience: int = 5
    orphans: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Checks the ranges."""
        for name in ("epochs", "batch_size", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(f"expected {name} of at least 1, got {getattr(self, name)}")
        for name in ("learning_rate", "decay", "clip"):
            if not getattr(self, name) > 0:
                raise ValueError(f"expected a positive {name}, got {getattr(self, name)}")
        if not 0 <= self.orphans < 1:
            raise ValueError(f"expected orphans from 0 to below 1, got {self.orphans}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Program:
    """What is compiled in; see `DetectorTraining` for what the names mean.

    Attributes:
        detector: the module.
        steps: batches an epoch.
        mesh: devices along the axis `CHILDREN`, over which a batch is spread; all on one device if None.
    """

    detector: Detector
    learning_rate: float
    decay: float
    clip: float
    steps: int
    mesh: Mesh | None = None

    @classmethod
    def of(cls, detector: Detector, training: DetectorTraining, *, steps: int, mesh: Mesh | None = None) -> "Program":
        """Takes from the settings what a step depends on."""
        chosen = {name: getattr(training, name) for name in ("learning_rate", "decay", "clip")}
        return cls(detector=detector, steps=steps, mesh=mesh, **chosen)

    def optimizer(self) -> optax.GradientTransformation:
        """Returns Adam with clipped gradients, its rate lowered after every epoch."""
        rate = optax.exponential_decay(self.learning_rate, self.steps, self.decay, staircase=True)
        return optax.chain(optax.clip_by_global_norm(self.clip), optax.adam(rate))

    def start(self, seed: int) -> "State":
        """Returns the state before the first step."""
        variables = init(self.detector, seed)
        return State(variables=variables, memory=self.optimizer().init(variables))


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class State:
    """What a step changes.

    Attributes:
        variables: the detector's.
        memory: the optimizer's.
    """

    variables: Params
    memory: Any


@functools.partial(jax.jit, static_argnames="program")
def train_step(program: Program, state: State, parents: Views, batch: Batch) -> tuple[State, Float[Array, ""]]:
    """Returns the state after one batch, and the batch's loss before.

    Args:
        program: what is compiled in.
        state: the variables and what the optimizer remembers.
        parents: the candidates of all children of the batch.
        batch: the children.
    """
    loss_of = functools.partial(mean_loss, program)
    loss, gradient = jax.value_and_grad(loss_of)(state.variables, parents, batch)
    update, memory = program.optimizer().update(gradient, state.memory, state.variables)
    return State(variables=optax.apply_updates(state.variables, update), memory=memory), loss


def mean_loss(program: Program, variables: Params, parents: Views, batch: Batch) -> Float[Array, ""]:
    """Returns the cross-entropy of the children that count, on one device or spread over a mesh."""
    losses: Callable[..., Array] = functools.partial(_losses, program.detector)
    if program.mesh is not None:
        whole, spread = PartitionSpec(), PartitionSpec(CHILDREN)
        losses = jax.shard_map(losses, mesh=program.mesh, in_specs=(whole, whole, spread), out_specs=spread)
    return jnp.average(losses(variables, parents, batch), weights=batch.counts)


def logits_of(
    detector: Detector, variables: Params, parents: Views, children: Views, parent_mask: Bool[Array, "b p"]
) -> Float[Array, "b q"]:
    """Returns the logits of every child; what belongs to a parent alone is computed once."""
    stems = functools.partial(detector.apply, variables, method="stems")
    of_parents = stems(parents, of_child=False)

    def one(case: tuple[Views, Bool[Array, " p"]]) -> Float[Array, " q"]:
        child, mask = case
        of_child = stems(child, of_child=True)
        return jnp.asarray(detector.apply(variables, of_parents, of_child, parent_mask=mask, method="compare"))

    return jax.lax.map(one, (children, parent_mask), batch_size=at_a_time(len(parent_mask)))


def init(detector: Detector, seed: int) -> Params:
    """Returns a detector's first variables; they do not depend on any network's shape."""
    one = {kind: {layer: jnp.zeros((1, 2, 2)) for layer in getattr(detector, kind)} for kind in KINDS}
    parents = Views(**one)
    return jax.jit(detector.init)(jax.random.key(seed), parents, parents.select(0))


def shapes_of(detector: Detector) -> Params:
    """Returns the shapes of a detector's variables, without computing them."""
    return jax.eval_shape(lambda: init(detector, 0))


def _losses(detector: Detector, variables: Params, parents: Views, batch: Batch) -> Float[Array, " b"]:
    logits = logits_of(detector, variables, parents, batch.children, batch.parent_mask)
    return optax.softmax_cross_entropy_with_integer_labels(logits, batch.labels)
