"""Whether one network is the other one pruned: zeros where the other one's weights are smallest.

That one of two networks has more zeros would say little: a sparse network that is tuned without its mask has none.
Pruning sets the smallest weights of a kernel to zero. Then all that became zero lie below what stayed, in the *dense*
network, and they reach up to just there, for nothing lies between them. In a dense network that grew out of a sparse
one, what was zero is small as well, but lies apart, or, after long training, among the others. In relatives of the one
that was pruned, which trained on, some weights have passed others: so without exception. Pruning in many steps with
training between them is then not seen.
"""

from collections.abc import Mapping

import numpy as np

from lineage_jax.lineage._cue import Cue, cue

FEWEST = 200
"""Weights of a kernel, zero or not, below which it is passed over."""
SHARE = 0.1
"""Share of zeros that pruning leaves at least."""
REACHES = 0.7
"""Least size of the largest that became zero, as a share of the smallest that stayed, all but one of a hundred each."""
CUT_OFF = 0.7
"""Least size that one in ten of those that became zero exceeds, as a share of what one in a hundred exceeds: cutting
leaves 0.75 to 0.9, of a normal and of a Laplace distribution; what grew from zero has a tail, 0.64 and less."""
MOST_OF_IT = 0.5
"""Share of the pruned weights that must lie in kernels that show this."""


def cue_by_zeros(candidate: Mapping[str, np.ndarray], child: Mapping[str, np.ndarray]) -> Cue | None:
    """Says who came first where one of two networks is the other one pruned, and perhaps trained on.

    Args:
        candidate: kernels by path; those without a counterpart of equal path and shape in the child are passed over.
            In the child's layout, and units in its order.
        child: the same.

    Returns:
        A cue, or None where neither has more zeros, or they do not stand where pruning puts them.

    Examples:
        >>> dense = np.random.default_rng(0).normal(size=(64, 32))
        >>> sparse = np.where(np.abs(dense) < 1.5, 0, dense)
        >>> cue_by_zeros({"fc": dense}, {"fc": sparse}).said
        'the child has 87% zeros where the candidate has its smallest weights'
        >>> cue_by_zeros({"fc": dense}, {"fc": dense}) is None
        True
    """
    shared = [path for path in candidate if path in child and candidate[path].shape == child[path].shape]
    for first, other, older, later in (
        ("candidate", "child", candidate, child),
        ("child", "candidate", child, candidate),
    ):
        share = _pruned_share([(older[path], later[path]) for path in shared if older[path].ndim > 1])
        if share is not None:
            said = f"the {other} has {share:.0%} zeros where the {first} has its smallest weights"
            return cue("zeros", first, said, forgeable=True)
    return None


def _pruned_share(pairs: list[tuple[np.ndarray, np.ndarray]]) -> float | None:
    """Returns the share of zeros in kernels that are others pruned, or None where most zeros do not look so."""
    judged = [_judge(older, later) for older, later in pairs]
    zeros = sum(count for count, _, _ in judged)
    if not zeros or sum(count for count, _, shows in judged if shows) < MOST_OF_IT * zeros:
        return None
    return sum(count for count, _, shows in judged if shows) / sum(size for _, size, shows in judged if shows)


def _judge(older: np.ndarray, later: np.ndarray) -> tuple[int, int, bool]:
    """Returns new zeros and weights of a kernel, and whether pruning by size put them there."""
    size = int(np.count_nonzero(older))
    if later.size - np.count_nonzero(later) < SHARE * size:  # fewer zeros in all, most often none: nothing to sort
        return 0, size, False
    sizes = np.abs(older.ravel())
    zero = (later.ravel() == 0) & (sizes > 0)
    count = int(zero.sum())
    stay = size - count
    if size < FEWEST or count < SHARE * size or stay < SHARE * SHARE * size:
        return count if count >= SHARE * size else 0, size, False
    became, stayed = np.sort(sizes[zero]), np.sort(sizes[~zero & (sizes > 0)])
    many, top = np.quantile(became, 0.9), np.quantile(became, 0.99)
    bottom = np.quantile(stayed, 0.01)
    return count, size, bool(became[-1] < stayed[0] and top >= REACHES * bottom and many >= CUT_OFF * top)
