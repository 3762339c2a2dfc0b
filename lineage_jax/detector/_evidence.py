r"""What learning-free methods see of a child beside its candidates, tensor by tensor, whatever the architecture.

With $x_i = p_i - c$ and the Gram matrix of all $x_i$ and $c$, one pass over the weights gives every product of two
networks, so distances between candidates too. Sums are float64 and stand relative to the child: near copies lose no
digit. Of large tensors some rows are looked at, so that a candidate costs about as much as it has tensors.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from lineage_jax.leaves import Weights, best_factors, for_factor, information_of_each, kernels_among

NUMBERS = (
    *("code length", "l2", "l1", "half", "quarter", "median", "spread of ratios"),
    *("scaled l2", "scaled l1", "scaled half", "scaled quarter"),
    *("equal", "cosine", "angle", "centred cosine", "centred angle", "norm"),
)
"""What is known of a candidate's tensor beside the child's; logarithms, but for cosines and the share of equal numbers.

`code length` is minus the bits that the candidate saves of every weight (`leaves.information`). Training moves few
numbers far and most a little, so sums of roots (`half`, `quarter`) see the parent better than sums of squares. Weight
decay moves what is not learned by one factor: `scaled` distances are taken after the best one of each tensor
(`leaves.best_factor`), and ratios of child and parent then crowd in a narrow spread.
"""

DISTANCES = 11
"""How many of them come first and are distances: the smallest is the nearest."""

KINDS = ("kernel", "vector", "all weights", "all kernels")
"""What a tensor is: a kernel, any other weight, or a sum over the network."""

ABOUT = ("log share", "depth", *KINDS)
"""What is known of a tensor: the logarithm of its share of the child's weights, where it stands, what it is."""

LOOKED_AT = 2**16
"""Values of a tensor that sums are taken of, whole rows of it evenly spread; the same of every network."""

SAMPLE = 2**14
"""Values of a tensor that medians and ratios are taken of, evenly spread."""

CROWD = 0.05
"""Share of a tensor's ratios whose spread is measured, the densest."""

LEAST = 1e-8
"""Relative distance below which all is rounding of float32."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class CandidateEvidence:
    r"""One child beside p candidates, through t tensors of which the last two are sums over the network.

    Attributes:
        numbers: `[t, p, k]`, of every candidate's tensor what `NUMBERS` says.
        ratios: `[t, p, p]`, how far the child lies from candidate i towards candidate j, $\langle c - p_i, p_j - p_i
            \rangle / |p_j - p_i|^2$: around 0 for all j where i is the parent, below 1/2 where i is nearer than j;
            every candidate after its best factor.
        between: `[t, p, p]`, the logarithm of the distance of two candidates over the child's norm, after the factors.
        about: `[t, a]`, of every tensor what `ABOUT` says.
        size: how many of the child's weights were looked at: bits a weight times this many are bits in all.
    """

    numbers: Float[np.ndarray, "t p k"]
    ratios: Float[np.ndarray, "t p p"]
    between: Float[np.ndarray, "t p p"]
    about: Float[np.ndarray, "t a"]
    size: float

    def select(self, places: Sequence[int] | np.ndarray) -> "CandidateEvidence":
        """Returns the evidence as if only the candidates at these places had been there."""
        return dataclasses.replace(
            self,
            numbers=self.numbers[:, places],
            ratios=self.ratios[:, places][:, :, places],
            between=self.between[:, places][:, :, places],
        )


@dataclasses.dataclass(kw_only=True)
class _Sums:
    """Sums over one tensor, or over several: what adds up.

    Attributes:
        gram: products of all $x_i$ and, last, of c.
        scaled: the same after the best factor of each candidate.
        centred: the same of kernels less their means over output units.
        moments: of every $x_i$ and, last, of c the sums of absolute values, of their roots, and of the roots of these.
        scaled_moments: the same after the best factors, where c is not 0.
        equal: how many numbers of every candidate are the child's.
        size: how many numbers there are.
        saved: of every candidate the bits that it saves of all weights that count.
        counted: how many of these there are.
        sampled: of every candidate size times what `_sampled` found.
    """

    gram: np.ndarray
    scaled: np.ndarray
    centred: np.ndarray
    moments: np.ndarray
    scaled_moments: np.ndarray
    equal: np.ndarray
    size: float
    saved: np.ndarray
    counted: float
    sampled: np.ndarray

    @classmethod
    def zero(cls, count: int) -> "_Sums":
        shape = (count + 1, count + 1)
        return cls(
            gram=np.zeros(shape),
            scaled=np.zeros(shape),
            centred=np.zeros(shape),
            moments=np.zeros((count + 1, 3)),
            scaled_moments=np.zeros((count + 1, 3)),
            equal=np.zeros(count),
            size=0.0,
            saved=np.zeros(count),
            counted=0.0,
            sampled=np.zeros((count, 2)),
        )

    def add(self, other: "_Sums") -> None:
        for field in dataclasses.fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


def evidence_of(parents: Sequence[Mapping[str, np.ndarray]], child: Weights) -> CandidateEvidence:
    """Gathers the evidence of one child.

    Args:
        parents: the candidates' weights by the child's paths, of the child's shapes; what one lacks counts as zeros.
        child: its weights by path, kernels laid out as in `leaves.weights_of`.

    Raises:
        ValueError: If there is no candidate or no weight, a shape is not the child's, or a weight is NaN or infinite.

    Examples:
        >>> child = {"fc/kernel": np.eye(3), "fc/bias": np.ones(3)}
        >>> found = evidence_of([{"fc/kernel": np.eye(3)}, {}], child)
        >>> found.numbers.shape, found.ratios.shape
        ((4, 2, 17), (4, 2, 2))
    """
    _check(parents, child)
    kernels = kernels_among(child)
    whole, of_kernels = (_Sums.zero(len(parents)) for _ in range(2))
    total, rows = sum(leaf.size for leaf in child.values()), []
    for place, (path, leaf) in enumerate(child.items()):
        sums = _sums_of([parent.get(path) for parent in parents], leaf, centred=path in kernels)
        whole.add(sums)
        if path in kernels:
            of_kernels.add(sums)
        rows.append((sums, place / max(len(child) - 1, 1), "kernel" if path in kernels else "vector"))
    rows += [(whole, 0.5, "all weights"), (of_kernels, 0.5, "all kernels")]
    return CandidateEvidence(
        numbers=np.stack([_numbers(sums) for sums, *_ in rows]).astype(np.float32),
        ratios=np.stack([_ratios(sums)[0] for sums, *_ in rows]).astype(np.float32),
        between=np.stack([_ratios(sums)[1] for sums, *_ in rows]).astype(np.float32),
        about=np.stack([_about(sums.size / total, depth, kind) for sums, depth, kind in rows]).astype(np.float32),
        size=sum(min(sums.counted, SAMPLE) for sums, *_ in rows[:-2]),
    )


def _check(parents: Sequence[Mapping[str, np.ndarray]], child: Weights) -> None:
    if not parents:
        raise ValueError("expected at least one candidate, got none")
    if not child:
        raise ValueError("expected a child with weights, got none: nothing can be compared")
    for path, leaf in child.items():
        for place, parent in enumerate(parents):
            if path in parent and parent[path].shape != leaf.shape:
                shapes = f"{leaf.shape} as the child's, got {parent[path].shape}"
                raise ValueError(f"expected '{path}' of candidate {place} with the shape {shapes}")
    for leaves in (*parents, child):
        if not all(np.isfinite(leaf).all() for path, leaf in leaves.items() if path in child):
            raise ValueError("expected finite weights, got NaN or infinity in a candidate or the child")


def _sums_of(parents: Sequence[np.ndarray | None], child: np.ndarray, *, centred: bool) -> _Sums:
    """Sums over one tensor, as large as over all of it where only some of its rows are looked at."""
    own = _rows(child)
    others = [None if parent is None else _rows(parent) for parent in parents]
    there = [parent is not None for parent in parents]
    factors = np.ones(len(parents))
    if any(there):
        given = np.stack([for_factor(parent) for parent in parents if parent is not None])
        factors[there] = best_factors(given, for_factor(child))
    piece = np.zeros((len(parents) + 1, *own.shape))
    piece[-1] = own
    for row, other in zip(piece, others, strict=False):
        row[...] = -piece[-1] if other is None else other - piece[-1]
    flat = piece.reshape(len(piece), -1)
    scaled = flat.copy()
    for row, factor in zip(scaled, factors, strict=False):
        row += (factor - 1) * (row + flat[-1])
    saved, counted = information_of_each(parents, child)
    sample = flat[:, :: max(1, own.size // SAMPLE)]
    times = child.size / max(own.size, 1)
    gram, moments = flat @ flat.T, _moments(flat)
    scaled_gram, scaled_moments = scaled @ scaled.T, _moments(scaled[:, flat[-1] != 0])
    equal = (flat[:-1] == 0).sum(axis=1)
    sampled = _sampled(sample[:-1] + sample[-1], sample[-1])
    if centred:
        piece -= piece.mean(axis=-1, keepdims=True)
    return _Sums(
        gram=times * gram,
        scaled=times * scaled_gram,
        centred=times * (flat @ flat.T) if centred else np.zeros_like(gram),
        moments=times * moments,
        scaled_moments=times * scaled_moments,
        equal=times * equal,
        size=float(child.size),
        saved=counted * saved,
        counted=float(counted),
        sampled=child.size * sampled,
    )


def _rows(tensor: np.ndarray) -> np.ndarray:
    """Returns at most `LOOKED_AT` values of a tensor, one row at the least; an odd number of rows apart."""
    rows = tensor.reshape(-1, tensor.shape[-1]) if tensor.ndim else tensor.reshape(1, 1)
    return rows[:: -(-tensor.size // LOOKED_AT) | 1]


def _moments(values: np.ndarray) -> Float[np.ndarray, "q 3"]:
    """Sums sizes over each row, their roots and the roots of these."""
    size = np.abs(values)
    roots = np.sqrt(size)
    return np.stack([size.sum(axis=1), roots.sum(axis=1), np.sqrt(roots).sum(axis=1)], axis=1)


def _sampled(parents: np.ndarray, child: np.ndarray) -> Float[np.ndarray, "p 2"]:
    """Returns what is seen of samples, as logarithms: the median steps and the spreads of ratios."""
    size = max(np.sqrt(np.mean(child**2)), 1e-30)
    medians = np.median(np.abs(child - parents), axis=1) / size
    return np.stack([_log(medians), _log([_spread_of_ratios(parent, child) for parent in parents])], axis=1)


def _spread_of_ratios(parent: np.ndarray, child: np.ndarray) -> float:
    """Returns how narrow `CROWD` of the ratios of child and parent lie, 1 where there are not so many."""
    weight = np.abs(parent)
    speaks = weight > 1e-3 * weight.mean()
    ratios = np.sort(child[speaks] / parent[speaks])
    crowd = max(1, int(CROWD * len(ratios)))
    return float((ratios[crowd:] - ratios[:-crowd]).min()) if len(ratios) > crowd else 1.0


def _numbers(sums: _Sums) -> Float[np.ndarray, "p k"]:
    """Returns what `NUMBERS` says of every candidate."""
    of_child = sums.gram[-1, -1]
    size = max(sums.size, 1)
    norm_of_child = max(math.sqrt(of_child), 1e-30)
    distance, scaled_distance = (np.sqrt(np.diag(gram)[:-1]) / norm_of_child for gram in (sums.gram, sums.scaled))
    cosine, angle, norm = _angles(sums.gram)
    centred, centred_angle, _ = _angles(sums.centred)
    l1, half, quarter = (_log(each) for each in (sums.moments[:-1] / np.maximum(sums.moments[-1], 1e-30)).T)
    of_scaled = sums.scaled_moments[:-1] / np.maximum(sums.scaled_moments[-1], 1e-30)
    scaled_l1, scaled_half, scaled_quarter = (_log(each) for each in of_scaled.T)
    median, spread = sums.sampled.T / size
    return np.stack(
        [
            *(-sums.saved / max(sums.counted, 1), _log(distance), l1, 2 * half, 4 * quarter, median, spread),
            *(_log(scaled_distance), scaled_l1, 2 * scaled_half, 4 * scaled_quarter),
            *(sums.equal / size, cosine, angle, centred, centred_angle, norm),
        ],
        axis=1,
    )


def _angles(gram: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns cosines, logarithms of sines and of the ratio of norms; strangers where there is nothing."""
    of_child, product, step = gram[-1, -1], gram[-1, :-1], np.diag(gram)[:-1]
    of_parent = np.maximum(of_child + 2 * product + step, 0)
    norms = np.sqrt(of_child * of_parent)
    there = norms > 0
    safe = np.where(there, norms, 1)
    cosine = np.where(there, (of_child + product) / safe, 0)
    # |c|^2 |p|^2 sin^2 = |c|^2 |x|^2 - <c, x>^2: no near copy loses a digit
    sine = np.sqrt(np.maximum(of_child * step - product**2, 0)) / safe
    ratio = np.where(there, np.log(np.where(there, of_parent, 1) / max(of_child, 1e-300)) / 2, 0)
    return cosine, _log(np.where(there, np.where(cosine > 0, sine, 1), 1)), np.clip(ratio, -5, 5)


def _ratios(sums: _Sums) -> tuple[Float[np.ndarray, "p p"], Float[np.ndarray, "p p"]]:
    """Returns `ratios` and `between`; nothing lies between equal candidates."""
    gram = sums.scaled[:-1, :-1]
    squares = np.diag(gram)
    apart = np.maximum(squares[:, None] + squares - 2 * gram, 0)
    there = apart > 1e-14 * (squares[:, None] + squares)
    ratios = np.where(there, (squares[:, None] - gram) / np.where(there, apart, 1), 0)
    return np.clip(ratios, -20, 20), _log(np.sqrt(apart / max(sums.gram[-1, -1], 1e-300)))


def _about(share: float, depth: float, kind: str) -> Float[np.ndarray, " a"]:
    return np.array([math.log(max(share, 1e-9)), depth, *(kind == each for each in KINDS)])


def _log(values: Any) -> Any:
    return np.log(np.clip(values, LEAST, 1e3))
