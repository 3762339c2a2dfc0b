"""Training of a detector of evidence: a few members from different seeds, whose logits are averaged and calibrated."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from lineage_jax.detector._calibration import fit_temperature
from lineage_jax.detector._evidence_cases import Case, Draw, Looks, looks_at
from lineage_jax.detector._evidence_detector import Learned, first_learned, logits_of_evidence
from lineage_jax.detector._evidence_fitted import FittedEvidence

FIXED = ("centre", "spread")
"""What is measured of the cases, not learned."""

AS_THEY_ARE = Draw(whole=1.0, struck=0.0, strange=0.0, dropped=0.0)
"""How cases are shown that decide the temperature: probabilities are asked for with all candidates there."""

WARM = 50
"""Steps in which the learning rate rises."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvidenceTraining:
    """How a detector of evidence is trained.

    Attributes:
        looks: times that every case is shown, each time in a way of its own.
        steps: of each member.
        batch_size: looks a step.
        learning_rate: of AdamW, at its highest; it falls as half a cosine.
        weight_decay: of AdamW.
        members: how many.
        width: of the perceptrons.
        draw: in which ways cases are shown.
        seed: of weights, order and ways.

    Raises:
        ValueError: If a number is not positive.
    """

    looks: int = 6
    steps: int = 2000
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    members: int = 3
    width: int = 32
    draw: Draw = dataclasses.field(default_factory=Draw)
    seed: int = 0

    def __post_init__(self) -> None:
        """Checks the ranges."""
        for name in ("looks", "steps", "batch_size", "learning_rate", "members", "width"):
            if not getattr(self, name) > 0:
                raise ValueError(f"expected a positive {name}, got {getattr(self, name)}")


def fit_evidence(
    train: Sequence[Case], validation: Sequence[Case], *, training: EvidenceTraining | None = None
) -> FittedEvidence:
    """Trains a detector on cases of any kinds of networks, and calibrates it on others.

    Args:
        train: cases to learn from.
        validation: cases that decide the temperature.
        training: the settings.

    Raises:
        ValueError: If a part is empty or the loss is not finite.
    """
    training = training or EvidenceTraining()
    candidates = max((len(case.strangers) for case in (*train, *validation)), default=1)
    show = functools.partial(looks_at, draw=training.draw, candidates=candidates)
    shown = [show(train, seed=training.seed + number) for number in range(training.looks)]
    held = looks_at(validation, AS_THEY_ARE, seed=training.seed, candidates=candidates)
    return _fit(_joined(shown), held, training=training)


def _fit(train: Looks, validation: Looks, *, training: EvidenceTraining) -> FittedEvidence:
    """Trains the members and finds the temperature."""
    members = [_member(train, training, training.seed + number) for number in range(training.members)]
    learned = {name: np.stack([member[name] for member in members]) for name in members[0]}
    fitted = FittedEvidence(learned=learned, temperature=1.0, about={})
    logits = jnp.asarray(logits_of_looks(fitted, validation))
    smoothing = 1 / (len(validation) + 2)
    temperature = fit_temperature(logits, jnp.asarray(validation.labels), smoothing=smoothing)
    return dataclasses.replace(fitted, temperature=float(temperature))


def _joined(parts: Sequence[Looks]) -> Looks:
    """Puts looks of the same number of candidates one after another."""
    names = [field.name for field in dataclasses.fields(Looks)]
    return Looks(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def logits_of_looks(fitted: FittedEvidence, looks: Looks) -> Float[np.ndarray, "m q"]:
    """Returns the logits of looks, minus infinity where there is no candidate; the last one is nobody's."""
    rows = [fitted.logits(features, mask) for features, mask in zip(looks.features, looks.mask, strict=True)]
    taking_part = np.pad(looks.mask, ((0, 0), (0, 1)), constant_values=1) > 0
    return np.where(taking_part, np.stack(rows), -np.inf).astype(np.float32)


def _member(looks: Looks, training: EvidenceTraining, seed: int) -> Learned:
    numbers = np.random.default_rng(seed)
    learned = first_learned(seed, width=training.width)
    real = looks.features[looks.mask > 0]
    learned |= {"centre": real.mean(axis=0), "spread": real.std(axis=0) + np.float32(0.05)}
    memory, loss = _optimizer(training).init(learned), np.inf
    for _ in range(training.steps):
        rows = numbers.integers(len(looks), size=training.batch_size)
        batch = looks.features[rows], looks.mask[rows], looks.labels[rows]
        learned, memory, loss = _step(training, learned, memory, *batch)
    if not np.isfinite(float(loss)):
        raise ValueError("loss is not finite in the end: lower learning_rate")
    return {name: np.asarray(leaf) for name, leaf in learned.items()}


@functools.partial(jax.jit, static_argnums=0)
def _step(
    training: EvidenceTraining, learned: Learned, memory: Any, features: Array, mask: Array, labels: Array
) -> tuple[Learned, Any, Float[Array, ""]]:
    def loss(moving: Learned) -> Float[Array, ""]:
        logits, nobody = jax.vmap(functools.partial(logits_of_evidence, learned | moving))(features, mask)
        all_of_them = jnp.concatenate([jnp.where(mask > 0, logits, -jnp.inf), nobody[:, None]], axis=1)
        return optax.softmax_cross_entropy_with_integer_labels(all_of_them, labels).mean()

    moving = {name: leaf for name, leaf in learned.items() if name not in FIXED}
    value, gradient = jax.value_and_grad(loss)(moving)
    gradient |= {name: jnp.zeros_like(learned[name]) for name in FIXED}
    update, memory = _optimizer(training).update(gradient, memory, learned)
    updated = optax.apply_updates(learned, update)
    return updated | {name: learned[name] for name in FIXED}, memory, value


def _optimizer(training: EvidenceTraining) -> optax.GradientTransformation:
    rate = optax.warmup_cosine_decay_schedule(
        0.0, training.learning_rate, min(WARM, training.steps - 1), training.steps
    )
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(rate, weight_decay=training.weight_decay))
