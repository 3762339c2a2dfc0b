r"""Which of two relatives looks like the other one after more training: weights that are not needed fade.

Weight decay multiplies a weight by a little less than 1 at every step, and gradients add to it. Many weights are hardly
driven by them, so of the larger weights of what came first what came later has kept a share below 1 in the median, and
they in turn are more than what became of them: $c = \lambda a + \text{new}$ with $\lambda < 1$ and a "new" that is
small in most places. Without decay one of the shares lies near 1, and nothing is said.

Alone this is no cue. It tells siblings of unequal training apart as it does ancestors, training that only lets weights
grow turns it round, and whoever rescales units sets it. It says at which end of a path the beginning is (`_outgroup`).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

BEYOND = 0.1
"""How far below and above 1 the two shares must be: training without decay lets weights grow by about half of it."""


class Likeness(NamedTuple):
    """How alike a network and a relative are, and what each has kept of the other.

    Attributes:
        cosine: their centred kernel cosine, without heads.
        kept: what the network has `kept` of the relative.
        given: what the relative has kept of the network.
    """

    cosine: float
    kept: float
    given: float

    @property
    def turned(self) -> "Likeness":
        """The same, seen from the relative."""
        return Likeness(self.cosine, self.given, self.kept)

    @property
    def is_later(self) -> bool:
        """The network looks like the relative after more training."""
        return self.kept < 1 - BEYOND and self.given > 1 + BEYOND

    @property
    def is_earlier(self) -> bool:
        """The relative looks like the network after more training."""
        return self.given < 1 - BEYOND and self.kept > 1 + BEYOND


def kept(earlier: Mapping[str, np.ndarray], later: Mapping[str, np.ndarray]) -> float:
    """Returns what one network has kept of another's weights: the median share over the larger half of each kernel.

    Args:
        earlier: kernels by path; those without a counterpart of equal path and shape are passed over.
        later: the same, units in the order of the first.

    Returns:
        The share; NaN where there is no counterpart, or nothing but zeros.

    Examples:
        >>> weights = np.random.default_rng(0).normal(size=(64, 32))
        >>> first, second = {"fc": weights}, {"fc": 0.8 * weights}
        >>> round(kept(first, second), 3), round(kept(second, first), 3)
        (0.8, 1.25)
    """
    shared = [path for path in earlier if path in later and earlier[path].shape == later[path].shape]
    shares = [_shares(earlier[path].ravel(), later[path].ravel()) for path in shared]
    every = np.concatenate(shares) if shares else np.empty(0)
    return float(np.median(every)) if len(every) else float("nan")


def _shares(earlier: np.ndarray, later: np.ndarray) -> np.ndarray:
    sizes = np.abs(earlier)
    larger = sizes > np.median(sizes)
    return later[larger] / earlier[larger]
