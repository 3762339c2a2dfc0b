"""Networks together with how well their training went."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from lineage_jax.typing import Networks


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, kw_only=True)
class Trained(Networks):
    """Stacked networks with a report of their training.

    Attributes:
        loss: `[m]`, cross-entropy of each network on its minibatches, averaged over the last tenth of the steps.
        accuracy: `[m]`, share of these examples that it classified rightly, before it learned from them.
    """

    loss: Any  # like all leaves of a pytree it may become anything under `jax.tree.map`
    accuracy: Any

    def select(self, names: tuple[str, ...]) -> "Trained":
        """Returns the named networks with their reports, in the order given."""
        indices = jnp.array([self.names.index(name) for name in names])
        chosen = jax.tree.map(lambda leaf: leaf[indices], self)
        return dataclasses.replace(chosen, names=tuple(names))
