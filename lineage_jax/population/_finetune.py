"""Children: the same number of networks fine-tuned from every parent."""

import flax.linen as nn
import numpy as np
from jaxtyping import Int

from lineage_jax import data
from lineage_jax.population._descend import descend
from lineage_jax.population._run import numbered
from lineage_jax.population._settings import TrainingSettings
from lineage_jax.population._trained import Trained
from lineage_jax.typing import Networks


def finetune(
    parents: Networks,
    network: nn.Module,
    images: data.Images,
    *,
    children_per_parent: int,
    seed: int,
    training: TrainingSettings,
    subsets: Int[np.ndarray, "m size"] | None = None,
    side_by_side: int | None = None,
) -> tuple[Trained, dict[str, str]]:
    """Trains children in one compiled program: each starts from its parent's body and a new random head.

    Args:
        parents: networks with the body of `network`; their heads may differ.
        network: the children's module, with the images' number of classes; `network.head` names its head.
        images: what they learn.
        children_per_parent: how many; the first parent's come first. They are called `child-00`, `child-01`, ..., with
            at least two digits and as many as the last one needs.
        seed: decides the heads and the minibatches.
        training: how; tuples in it have one value per child.
        subsets: indices of the images that each child sees, such as those of `data.few_shot`; all images if None.
        side_by_side: as in `pretrain`.

    Returns:
        The children, and the truth: the name of every child's parent.

    Raises:
        ValueError: If parents, settings, subsets or images do not fit the network, or a network's loss or weights are
            not finite in the end.
    """
    if children_per_parent < 1:
        raise ValueError(f"expected children_per_parent of at least 1, got {children_per_parent}")
    names = numbered("child", len(parents) * children_per_parent, digits=2)
    truth = {child: parents.names[place // children_per_parent] for place, child in enumerate(names)}
    children = descend(
        parents,
        network,
        images,
        parent_of=truth,
        seed=seed,
        training=training,
        subsets=subsets,
        side_by_side=side_by_side,
    )
    return children, truth
