"""Elements of groups: one permutation of all slots and one factor a slot, and what they do to variables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, Key

from lineage_jax.leaves import check_shapes, leaf_paths, leaf_shapes
from lineage_jax.symmetry._axes import Axis
from lineage_jax.symmetry._groups import Groups, Span
from lineage_jax.typing import Params


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Element:
    """A permutation of units with factors: a slot gets what stood at `order`, times `factor`.

    Attributes:
        order: slot by slot the one from which it takes its numbers.
        factor: slot by slot what they are then multiplied by.
    """

    order: Int[Array, " s"] | Int[np.ndarray, " s"]
    factor: Float[Array, " s"] | Float[np.ndarray, " s"]


def identity(groups: Groups) -> Element:
    """Returns the element that changes nothing."""
    return Element(order=np.arange(groups.slots), factor=np.ones(groups.slots))


def apply(variables: Params, groups: Groups, element: Element) -> Params:
    """Returns the variables of a network that computes the same, with its units in another order and scale.

    Works under `jit` in variables and element; leaves keep their types.

    Raises:
        ValueError: If the leaves of `variables` are not those of `groups`; names the first.

    Examples:
        >>> import lineage_jax.symmetry as symmetry
        >>> f = lambda p, x: jax.nn.relu(x @ p["a"]) @ p["b"]
        >>> p = {"a": jnp.array([[1.0, 2.0]]), "b": jnp.array([[3.0], [4.0]])}
        >>> groups = symmetry.groups(f, p, jnp.ones((1, 1)))
        >>> swapped = apply(p, groups, symmetry.from_permutations(groups, {0: [1, 0]}))
        >>> swapped["a"].tolist(), swapped["b"].tolist()
        ([[2.0, 1.0]], [[4.0], [3.0]])
    """
    check_shapes(leaf_shapes(variables), groups.shapes, variables="variables of the network that groups were read off")
    axes: dict[str, list[Axis]] = {}
    for axis in sorted(groups.axes, key=lambda axis: axis.groups):  # the inputs of a group are read after it has moved
        axes.setdefault(axis.path, []).append(axis)
    found = [_moved(jnp.asarray(leaf), axes.get(path, []), element) for path, leaf in leaf_paths(variables).items()]
    return jax.tree.unflatten(jax.tree.structure(variables), found)


def _moved(leaf: Array, axes: Sequence[Axis], element: Element) -> Array:
    for axis in axes:
        order = (jnp.asarray(element.order)[axis.start : axis.slots[-1] + 1] - axis.start) % axis.size
        if axis.groups == 1:
            leaf = jnp.take(leaf, order, axis.axis)
        else:
            leaf = jnp.take_along_axis(leaf, axis.spread(order, leaf.shape), axis.axis)
        if axis.floating:
            factor = jnp.asarray(element.factor)[axis.start : axis.slots[-1] + 1]
            leaf = leaf * axis.spread(factor, leaf.shape).astype(leaf.dtype)
    return leaf


def compose(first: Element, then: Element) -> Element:
    """Returns the element that does one and then the other."""
    return Element(order=first.order[then.order], factor=first.factor[then.order] * then.factor)


def inverse(element: Element) -> Element:
    """Returns the element that undoes another."""
    order = element.order.argsort()
    return Element(order=order, factor=1 / element.factor[order])


def from_permutations(groups: Groups, permutations: Mapping[int, ArrayLike | Sequence[int]]) -> Element:
    """Returns the element that puts members of families into another order.

    Args:
        groups: of a network.
        permutations: by number of a family: which member comes first, second, ...; other families stay. Members of
            inner families are numbered as they stand before the blocks around them move.

    Raises:
        ValueError: If there is no such family, or something is no permutation of its members.
    """
    order = np.arange(groups.slots)
    for number, permutation in sorted(permutations.items()):
        if not 0 <= number < len(groups.families):
            raise ValueError(f"expected a family among 0 to {len(groups.families) - 1}, got {number}")
        slots, new = groups.families[number].slots, np.asarray(permutation)
        if new.shape != (len(slots),) or not np.array_equal(np.sort(new), np.arange(len(slots))):
            raise ValueError(f"expected a permutation of {len(slots)} members for family {number}, got {permutation}")
        before = order.copy()
        order[slots] = before[slots[new]]
    return Element(order=order, factor=np.ones(groups.slots))


def from_factors(groups: Groups, sizes: ArrayLike | None = None, signs: ArrayLike | None = None) -> Element:
    """Returns the element that rescales and flips.

    Args:
        groups: of a network.
        sizes: a positive number for each free factor (`groups.sizes.count`); all 1 if not given.
        signs: 1 or -1 for each free sign (`groups.signs.count`); all 1 if not given.

    Raises:
        ValueError: If there are not as many, or one is not allowed.
    """
    sizes = np.ones(groups.sizes.count) if sizes is None else np.asarray(sizes, np.float64)
    signs = np.ones(groups.signs.count) if signs is None else np.asarray(signs, np.float64)
    if sizes.shape != (groups.sizes.count,) or not (np.isfinite(sizes).all() and (sizes > 0).all()):
        raise ValueError(f"expected {groups.sizes.count} positive factors, got {_told(sizes)}")
    if signs.shape != (groups.signs.count,) or not (np.abs(signs) == 1).all():
        raise ValueError(f"expected {groups.signs.count} signs, each 1 or -1, got {_told(signs)}")
    factor = np.exp(along(groups.sizes, np.log(sizes), groups.slots))
    flipped = along(groups.signs, (signs < 0).astype(float), groups.slots) % 2
    return Element(order=np.arange(groups.slots), factor=np.where(flipped > 0.5, -factor, factor))


def _told(values: np.ndarray) -> str:
    if values.ndim != 1:
        return f"shape {values.shape}"
    return f"{len(values)}" + (f" between {values.min():g} and {values.max():g}" if values.size else "")


def along(span: Span, logarithms: np.ndarray, slots: int) -> np.ndarray:
    """Returns every slot's logarithm from those of the free factors."""
    return np.bincount(span.slots, span.powers * logarithms[span.free], minlength=slots)


def permute(variables: Params, groups: Groups, permutations: Mapping[int, ArrayLike | Sequence[int]]) -> Params:
    """Returns variables with members of families in another order; see `from_permutations`.

    Raises:
        ValueError: As `from_permutations` and `apply`.
    """
    return apply(variables, groups, from_permutations(groups, permutations))


def rescale(
    variables: Params, groups: Groups, sizes: ArrayLike | None = None, signs: ArrayLike | None = None
) -> Params:
    """Returns variables whose units are rescaled and flipped; see `from_factors`.

    Raises:
        ValueError: As `from_factors` and `apply`.
    """
    return apply(variables, groups, from_factors(groups, sizes, signs))


def random(key: Key[Array, ""], groups: Groups, *, spread: float = 0.5) -> Element:
    """Draws an element: every family in a random order, every free factor lognormal, every free sign a coin.

    Args:
        key: source of the randomness.
        groups: of a network.
        spread: standard deviation of the logarithms of factors; half a unit is a factor of about 1.6 either way.
    """
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))  # on the host, where nothing is compiled
    permutations = {number: rng.permutation(family.size) for number, family in enumerate(groups.families)}
    factors = from_factors(
        groups,
        np.exp(spread * rng.normal(size=groups.sizes.count)),
        rng.choice((-1.0, 1.0), size=groups.signs.count),
    )
    return compose(from_permutations(groups, permutations), factors)
