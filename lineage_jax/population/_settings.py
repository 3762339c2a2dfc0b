"""Settings of a training run and of a family."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How networks are trained: stochastic gradient descent with momentum.

    Attributes:
        steps: number of minibatches.
        batch_size: examples a minibatch, drawn with replacement.
        learning_rate: one for all, or one per network.
        weight_decay: added to the gradient as a multiple of every weight; one for all, or one per network.
        momentum: share of the last update that is kept.
        l2_to_parent: added to the gradient as a multiple of the distance to the parent's weight, head excepted.
        frozen: names of top-level layers whose weights and batch statistics stay as they start.

    Raises:
        ValueError: If a number is out of its range.

    References:
        Li, Grandvalet and Davoine, "Explicit Inductive Bias for Transfer Learning with Convolutional Networks",
        ICML 2018, equation 3 (`l2_to_parent` is their L2-SP).

    Examples:
        >>> TrainingSettings(steps=0)
        Traceback (most recent call last):
        ValueError: expected steps of at least 1, got 0
    """

    steps: int = 500
    batch_size: int = 64
    learning_rate: float | tuple[float, ...] = 0.05
    weight_decay: float | tuple[float, ...] = 0.0
    momentum: float = 0.9
    l2_to_parent: float = 0.0
    frozen: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Checks the ranges; what depends on the networks is checked where they are known."""
        _at_least(1, steps=self.steps, batch_size=self.batch_size)
        if not min(_each(self.learning_rate), default=0) > 0:
            raise ValueError(f"expected a positive learning_rate, got {self.learning_rate}")
        _at_least(0, weight_decay=min(_each(self.weight_decay), default=-1), l2_to_parent=self.l2_to_parent)
        if not 0 <= self.momentum < 1:
            raise ValueError(f"expected momentum from 0 to below 1, got {self.momentum}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class FamilySettings:
    """How a family is made.

    Attributes:
        num_parents: number of networks trained from scratch.
        children_per_parent: number of networks fine-tuned from each of them.
        seed: decides every random number.
        pretraining: how the parents are trained.
        finetuning: how the children are trained.
        shared_init: whether all parents start from the same random weights, which makes them harder to tell apart.
        few_shot: number of examples per class that each child sees, its own draw; all of them if None.
        imbalance: ratio of the most to the least frequent class in what each child sees, its own long-tailed draw.

    Raises:
        ValueError: If there are no parents or no children, or both `few_shot` and `imbalance` are given; whether the
            images allow these is seen when they are drawn.
    """

    num_parents: int = 5
    children_per_parent: int = 4
    seed: int = 0
    pretraining: TrainingSettings = dataclasses.field(default_factory=TrainingSettings)
    finetuning: TrainingSettings = dataclasses.field(default_factory=TrainingSettings)
    shared_init: bool = False
    few_shot: int | None = None
    imbalance: float | None = None

    def __post_init__(self) -> None:
        """Checks the ranges."""
        _at_least(1, num_parents=self.num_parents, children_per_parent=self.children_per_parent)
        if self.few_shot is not None and self.imbalance is not None:
            raise ValueError(f"expected few_shot or imbalance, got both: {self.few_shot} and {self.imbalance}")


def per_network(value: float | tuple[float, ...], count: int, *, name: str) -> tuple[float, ...]:
    """Returns one value per network.

    Raises:
        ValueError: If there are values for another number of networks.
    """
    values = value if isinstance(value, tuple) else (value,) * count
    if len(values) != count:
        raise ValueError(f"expected one {name} for each of {count} networks, got {len(values)}")
    return values


def _each(value: float | tuple[float, ...]) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,)


def _at_least(smallest: int, **values: float | int) -> None:
    for name, value in values.items():
        if not value >= smallest:
            raise ValueError(f"expected {name} of at least {smallest}, got {value}")
