"""Generations: networks whose parents were fine-tuned themselves, with the truth about every ancestor."""

import dataclasses
from collections.abc import Sequence

import flax.linen as nn
import numpy as np

from lineage_jax import data, genealogy
from lineage_jax.population._finetune import descend
from lineage_jax.population._run import Trained, numbered
from lineage_jax.population._settings import TrainingSettings

DIGITS = 3
"""Of the number in a name, at least."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Generation:
    """What one generation learns, and from whom each of its networks descends.

    Attributes:
        network: module of all its networks, with the images' number of classes.
        images: what they learn.
        training: how; tuples in it have one value per network.
        parents: by network the place of its parent in the generation before.
    """

    network: nn.Module
    images: data.Images
    training: TrainingSettings
    parents: tuple[int, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Generations:
    """Networks of several generations.

    Attributes:
        networks: of every generation, the roots first.
        forest: who descends from whom; a parent is of the generation before its child's.
    """

    networks: tuple[Trained, ...]
    forest: genealogy.Forest

    @property
    def parent_of(self) -> dict[str, str]:
        """Returns by name every network's parent; roots have none."""
        return genealogy.to_mapping(self.forest)


def make_generations(
    roots: Trained, plan: Sequence[Generation], *, seed: int, side_by_side: int | None = None
) -> Generations:
    """Trains one generation after another, each in one compiled program.

    Args:
        roots: the first generation, as `pretrain` or `pretrain_checkpoints` made it.
        plan: a `Generation` for every later one.
        seed: decides the heads and the minibatches.
        side_by_side: as in `pretrain`.

    Returns:
        All generations. Networks are called `g1-000`, `g1-001`, ..., the roots too, then `g2-000`, ..., with at least
        three digits and as many as the last one needs.

    Raises:
        ValueError: As `descend`, or if the place of a parent is not in the generation before.

    Examples:
        A root with two children, of which the second has a child:

        >>> from lineage_jax import models, population
        >>> train, test = data.digits()
        >>> network, training = models.fc(num_classes=10, widths=(16,)), TrainingSettings(steps=100)
        >>> roots = population.pretrain(network, train, num_parents=1, seed=0, training=training)
        >>> words = {"network": network, "images": train, "training": training}
        >>> plan = [Generation(**words, parents=(0, 0)), Generation(**words, parents=(1,))]
        >>> print(make_generations(roots, plan, seed=0).forest)
        g1-000
        ├─ g2-000
        └─ g2-001
           └─ g3-000
    """
    _check_places([len(roots), *(len(generation.parents) for generation in plan)], plan)
    made = [dataclasses.replace(roots, names=numbered("g1", len(roots), digits=DIGITS))]
    parent_of: dict[str, str] = {}
    for stream, generation in enumerate(plan, start=1):
        names = numbered(f"g{stream + 1}", len(generation.parents), digits=DIGITS)
        truth = {name: made[-1].names[place] for name, place in zip(names, generation.parents, strict=True)}
        made.append(
            descend(
                made[-1],
                generation.network,
                generation.images,
                parent_of=truth,
                seed=seed,
                training=generation.training,
                stream=stream,
                side_by_side=side_by_side,
            )
        )
        parent_of |= truth
    nodes = [name for networks in made for name in networks.names]
    return Generations(networks=tuple(made), forest=genealogy.from_mapping(parent_of, nodes))


def random_parents(count: int, *, among: int, seed: int) -> tuple[int, ...]:
    """Returns the place of a parent for each of `count` networks: some parents get many children, some none.

    Raises:
        ValueError: If a number is not positive.

    Examples:
        >>> random_parents(6, among=3, seed=0)
        (2, 1, 1, 0, 0, 0)
    """
    if count < 1 or among < 1:
        raise ValueError(f"expected at least one network and one parent, got {count} and {among}")
    return tuple(np.random.default_rng(seed).integers(among, size=count).tolist())


def _check_places(sizes: Sequence[int], plan: Sequence[Generation]) -> None:
    """Refuses a parent that does not exist before anything is trained."""
    for number, (size, generation) in enumerate(zip(sizes, plan, strict=False), start=1):
        beyond = [place for place in generation.parents if not 0 <= place < size]
        if beyond:
            raise ValueError(f"expected places from 0 to {size - 1} in generation {number}, got {beyond[0]}")
