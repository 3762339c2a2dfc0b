"""Which examples a network is shown: few, unbalanced, or as probes; every draw follows from its seed."""

import numpy as np
from jaxtyping import Float32, Int

from lineage_jax.data._images import Images


def few_shot(labels: Int[np.ndarray, " n"], per_class: int, *, seed: int) -> Int[np.ndarray, " k"]:
    """Draws the same number of examples of every class `0, 1, ...` up to the largest label.

    With one seed, the examples drawn for a smaller `per_class` are among those drawn for a larger one.

    Args:
        labels: classes `0, 1, ...` up to the largest label.
        per_class: examples of each class.
        seed: decides which.

    Returns:
        Distinct indices into `labels`, in random order, `k = per_class * classes` of them.

    Raises:
        ValueError: If a class has fewer than `per_class` examples, `per_class` is not positive, or there is no label or
            a negative one.

    Examples:
        >>> labels = np.array([0, 0, 0, 1, 1, 1])
        >>> sorted(labels[few_shot(labels, 2, seed=0)].tolist())
        [0, 0, 1, 1]
    """
    if per_class < 1:
        raise ValueError(f"expected at least one example per class, got per_class={per_class}")
    counts = _count(labels)
    return _draw(labels, np.full_like(counts, per_class), np.random.default_rng(seed))


def imbalanced(labels: Int[np.ndarray, " n"], ratio: float, *, seed: int, size: int) -> Int[np.ndarray, " size"]:
    """Draws a long-tailed set: class frequencies fall geometrically, in an order of the classes that the seed decides.

    The class at place `i` of `c` gets a share proportional to `ratio ** (-i / (c - 1))`, so the most frequent class has
    `ratio` times the examples of the rarest, up to rounding to whole examples.

    Args:
        labels: classes `0, 1, ...` up to the largest label.
        ratio: frequency of the most frequent class over that of the rarest; 1 balances them.
        seed: decides the order of the classes and the examples.
        size: number of examples drawn.

    Returns:
        Distinct indices into `labels`, in random order.

    Raises:
        ValueError: If `ratio` is below 1 or infinite, a class has fewer examples than its share, a share rounds to
            none, or there is no label or a negative one.

    References:
        Cao et al., "Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss", NeurIPS 2019, section 4
        (long-tailed imbalance; there class 0 is always the most frequent).

    Examples:
        >>> labels = np.repeat(np.arange(3), 100)
        >>> sorted(np.bincount(labels[imbalanced(labels, 9.0, seed=0, size=130)]).tolist())
        [10, 30, 90]
    """
    if not 1.0 <= ratio < np.inf:
        raise ValueError(f"expected a finite ratio of at least 1, got ratio={ratio}")
    counts = _count(labels)
    rng = np.random.default_rng(seed)
    places = rng.permutation(len(counts))
    wanted = _apportion(ratio ** (-places / max(len(counts) - 1, 1)), size)
    if wanted.min() < 1:
        raise ValueError(f"expected a size that leaves every class an example at ratio={ratio}, got size={size}")
    return _draw(labels, wanted, rng)


def probes(images: Images, n: int, *, seed: int) -> Float32[np.ndarray, "n h w c"]:
    """Draws `n` images, none of them twice, in random order; of a smaller `n` they are the first of a larger.

    Args:
        images: what to draw from.
        n: number of probes.
        seed: decides which and their order.

    Raises:
        ValueError: If `n` is not positive or exceeds the number of images.
    """
    if not 1 <= n <= len(images):
        raise ValueError(f"expected between 1 and {len(images)} probes out of as many images, got n={n}")
    return images.images[np.random.default_rng(seed).permutation(len(images))[:n]]


def _count(labels: Int[np.ndarray, " n"]) -> Int[np.ndarray, " c"]:
    if labels.size == 0 or labels.min() < 0:
        raise ValueError(f"expected labels 0, 1, ..., got {f'the label {labels.min()}' if labels.size else 'none'}")
    return np.bincount(labels)


def _apportion(shares: np.ndarray, size: int) -> Int[np.ndarray, " c"]:
    """Rounds shares to whole numbers that add up to `size`: the largest remainders are rounded up."""
    exact = shares / shares.sum() * size
    whole = np.floor(exact).astype(np.int64)
    largest = np.argsort(whole - exact, kind="stable")
    whole[largest[: size - whole.sum()]] += 1
    return whole


def _draw(
    labels: Int[np.ndarray, " n"], wanted: Int[np.ndarray, " c"], rng: np.random.Generator
) -> Int[np.ndarray, " k"]:
    drawn = []
    for label, number in enumerate(wanted):
        members = np.flatnonzero(labels == label)
        if len(members) < number:
            raise ValueError(f"expected {number} examples of class {label}, got {len(members)}: draw fewer")
        drawn.append(rng.permutation(members)[:number])
    return rng.permutation(np.concatenate(drawn))
