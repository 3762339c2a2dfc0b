r"""Which of several relatives is the parent: the one through which the way from the child to the others is no detour.

A sibling that saw the same data may be nearer to a child than their parent, and a child of the child as near. Steps of
trainings that know nothing of each other are nearly orthogonal in so many dimensions, so squared lengths add up along
a family tree, and what a relative x makes the way from the child c to the other relatives y longer by,

$$D(x) = \mathrm{mean}_y \; |c - x|^2 + |x - y|^2 - |c - y|^2 = 2 \; \mathrm{mean}_y \langle c - x, y - x \rangle,$$

is 0 for the parent. From a sibling $p + \delta_s$ to the child $p + \delta_c$ one goes back first, so that $D$ is
about $2 (|\delta_s|^2 - \langle \delta_s, \delta_c \rangle)$, and from a child of the child towards everybody else:
$2 |\delta_g|^2$. From a grandparent the detour is 0 but for what descends from the parent, and the way is longer.
Relatives are ranked by $|c - x|^2 + 2 D(x)$, over kernels that all of them share with the child, each of length 1 and
weighed by its part in the child's squared norm; a detour below 0, where training went on in one direction, counts as
none. A relative that lies on the way from the parent to the child, such as an earlier checkpoint of the same run, comes
first. Where few relatives are known there is little to tell a parent by but the distance.
"""

from collections.abc import Sequence

import numpy as np

from lineage_jax.catalogue._estimate import Shared, gathered, scales_of
from lineage_jax.catalogue._fingerprint import Fingerprint
from lineage_jax.catalogue._sketch import fold

DETOURS = 2.0
"""How much more a detour counts than the way. It is not everything: distances decide between ancestors, and errors of
a detour are as large as the steps of other relatives. A child of the child comes before the parent all the same if its
step is less than about 1 / sqrt(5) of the child's."""

LEAST_COMMON = 0.1
"""Share of the child's squared norm that all relatives must share with it; with less they stay as they are."""


def costs(child: Fingerprint, shared: Sequence[Shared], numbers: np.ndarray, norms: Sequence[np.ndarray]) -> np.ndarray:
    """Returns of every relative what ranks it as a parent, less for a likelier one.

    Args:
        child: fingerprint of the child.
        shared: what each relative shares with it; one object for those of one signature.
        numbers: `[relatives, NUMBERS]` of them.
        norms: `[kernels]` of each.

    Returns:
        `[relatives]` float64; all 0 where too little is common to all.
    """
    common = sorted(set.intersection(*(set(each.of_child) for each in shared)))
    weights = child.norms**2 / (np.sum(child.norms**2) or 1.0)
    common = [kernel for kernel in common if weights[kernel] > 0]
    if weights[common].sum() < LEAST_COMMON:
        return np.zeros(len(shared))
    widths = {kernel: min(each.width_of(kernel) for each in shared) for kernel in common}
    own = np.concatenate([_of_child(shared[0], kernel, widths[kernel], weights[kernel]) for kernel in common])
    others = np.zeros((len(shared), len(own)))
    for each in {id(one): one for one in shared}.values():
        rows = [row for row, one in enumerate(shared) if one is each]
        lengths = np.stack([norms[row] for row in rows])
        others[rows] = _of_relatives(each, numbers[rows].astype(np.float64), lengths, widths, weights)
    return _ways(own, others)


def _ways(child: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns the squared way to each of the others and twice the mean detour through it."""
    steps = others - child
    products = steps @ steps.T
    ways = np.diag(products)
    count = len(others) - 1
    detours = 2 * (count * ways - (products.sum(axis=1) - ways)) / max(count, 1)
    return ways + DETOURS * np.maximum(detours, 0.0)


def _of_child(shared: Shared, kernel: int, width: int, weight: float) -> np.ndarray:
    part = shared.part_of(kernel)
    length = np.sqrt(shared.squares[shared.of_child.index(kernel)])
    return fold(shared.child[part], width) * np.sqrt(weight) / length


def _of_relatives(
    shared: Shared, numbers: np.ndarray, norms: np.ndarray, widths: dict[int, int], weights: np.ndarray
) -> np.ndarray:
    """Returns the common kernels of relatives of one signature, each of its length in the child."""
    scaled = gathered(shared, numbers) * scales_of(shared, norms)[:, None]
    own = norms[:, shared.kernels]
    whole = np.sqrt(np.einsum("rk,rk->r", own, own))[:, None]
    parts = []
    for kernel, width in widths.items():
        length = own[:, [shared.of_child.index(kernel)]]
        factor = np.divide(whole * np.sqrt(weights[kernel]), length, out=np.zeros_like(length), where=length > 0)
        parts.append(fold(scaled[:, shared.part_of(kernel)], width) * factor)
    return np.concatenate(parts, axis=1)
