"""What a detector learns from: families of which every network was looked at once."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jaxtyping import Bool, Int

from lineage_jax.detector._views import Views, views_of, with_shapes_of
from lineage_jax.typing import FeatureFn, Inputs, Networks


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Examples:
    """Children with their candidate parents; memory is that of the networks' views, not of the pairs.

    Attributes:
        parents: views of p candidates, on the device.
        children: views of m children, on the host.
        labels: the place of every child's parent among the candidates; p where it is none of them.
        parent_names: of the candidates.
        child_names: of the children.
    """

    parents: Views
    children: Views
    labels: Int[np.ndarray, " m"]
    parent_names: tuple[str, ...]
    child_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, indices: Int[np.ndarray, " k"]) -> "Examples":
        """Returns some of the children beside the same candidates."""
        return dataclasses.replace(
            self,
            children=self.children.select(indices),
            labels=self.labels[indices],
            child_names=tuple(self.child_names[index] for index in indices),
        )


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class Batch:
    """A few children of one family.

    Attributes:
        children: views of b of them.
        labels: `[b]`, as in `Examples`.
        parent_mask: `[b, p]`, which candidates stand by.
        counts: `[b]`, 1, or 0 for a child that only fills the batch.
        places: `[b]`, of the children in their family.
    """

    children: Views
    labels: Any  # like all leaves of a pytree they may become anything under `jax.tree.map`
    parent_mask: Any
    counts: Any
    places: Any


def examples_of(
    parents: Networks,
    children: Networks,
    truth: Mapping[str, str],
    probes: Inputs | None = None,
    *,
    weights: Sequence[str] = (),
    features: FeatureFn | None = None,
) -> Examples:
    """Looks at every network of a family once.

    Nothing but the views is kept, so that families on disk can be looked at one after another:

        [examples_of(f.parents, f.children, f.truth, weights=("fc3",)) for f in map(population.load_family, paths)]

    Args:
        parents: the candidates; their heads may differ from the children's.
        children: the children.
        truth: the name of every child's parent, which need not be among the candidates.
        probes: inputs of `features`, the same for all networks.
        weights: as in `views_of`.
        features: as in `views_of`; called with the children's tree.

    Raises:
        ValueError: As `views_of`, or if the truth of a child is not known.
        TypeError: As `views_of`.
    """
    unknown = [child for child in children.names if child not in truth]
    if unknown:
        raise ValueError(f"no true parent is known for child '{unknown[0]}'; add it to the truth")
    places = {name: place for place, name in enumerate(parents.names)}
    alike = with_shapes_of(parents, children.variables)
    look = [views_of(networks, probes, weights=weights, features=features) for networks in (alike, children)]
    return Examples(
        parents=look[0],
        children=jax.tree.map(np.asarray, look[1]),
        labels=np.array([places.get(truth[child], len(places)) for child in children.names]),
        parent_names=parents.names,
        child_names=children.names,
    )


def steps_of(families: Sequence[Examples], batch_size: int) -> int:
    """Returns the number of batches of an epoch."""
    return sum(-(-len(family) // batch_size) for family in families)


def batches(
    families: Sequence[Examples], *, batch_size: int, seed: int, epoch: int, orphans: float = 0.0
) -> Iterator[tuple[int, Batch]]:
    """Yields every child once, in an order that `seed` and `epoch` decide.

    Args:
        families: what to draw from.
        batch_size: children a batch; the last one of a family is filled up with children that do not count.
        seed: of the order.
        epoch: number of the pass.
        orphans: share of the children whose parent is struck from the candidates and whose label says so.

    Yields:
        The place of a family among the families, and a batch of its children.
    """
    numbers = np.random.default_rng((seed, epoch))
    orders = [numbers.permutation(len(family)) for family in families]
    struck = [numbers.random(len(family)) < orphans for family in families]
    plan = [(index, start) for index, order in enumerate(orders) for start in range(0, len(order), batch_size)]
    for place in numbers.permutation(len(plan)):
        index, start = plan[place]
        chosen = orders[index][start : start + batch_size]
        yield index, _batch(families[index], chosen, struck[index], batch_size)


def _batch(family: Examples, chosen: Int[np.ndarray, " k"], struck: Bool[np.ndarray, " m"], batch_size: int) -> Batch:
    places = np.resize(chosen, batch_size)
    candidates, parents = len(family.parent_names), family.labels[places]
    return Batch(
        children=family.children.select(places),
        labels=np.where(struck[places], candidates, parents),
        parent_mask=~(struck[places, None] & (parents[:, None] == np.arange(candidates))),
        counts=(np.arange(batch_size) < len(chosen)).astype(np.float32),
        places=places,
    )
