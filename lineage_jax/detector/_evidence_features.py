"""From evidence to one vector a candidate: every number beside the other candidates', gathered over the tensors."""

import numpy as np
from jaxtyping import Bool, Float

from lineage_jax.detector._evidence import DISTANCES, NUMBERS, CandidateEvidence

NEAR = (*range(DISTANCES), NUMBERS.index("angle"), NUMBERS.index("centred angle"))
"""Numbers that are least for the nearest candidate."""

ABSOLUTE = tuple(
    NUMBERS.index(name) for name in ("code length", "l2", "half", "equal", "cosine", "centred cosine", "norm")
)
"""Numbers that stay as they are: what says that nobody is the parent."""

FIRST = NUMBERS.index("code length")
"""The distance that names most parents where nothing is learned."""

DECIDES = 20.0
"""Bits, over all weights, by which the nearest begins to be surely nearer than the next."""

FARTHEST = 4.0
"""Beyond so many factors of e no distance tells more."""

SHARP = 10.0
"""How fast closeness falls: a tenth farther than the nearest, it is 1 / e."""

WHOLES = 2
"""Tensors at the end of every evidence that are sums over the network: all weights, then all kernels."""

FEATURES = 2 + 4 * (3 * len(NEAR) + len(ABSOLUTE) + 6)
"""Numbers a candidate."""


def features_of(evidence: CandidateEvidence, tensors: Bool[np.ndarray, " t"] | None = None) -> Float[np.ndarray, "p f"]:
    r"""Makes one vector of each candidate; their number, that of tensors and all shapes leave no trace in its size.

    The first two numbers are what the detector starts from: how many bits in all the candidate saves less than the best
    one (`leaves.information`), as an inverse hyperbolic sine, and $\log (1 - \cos)$ of kernels, each less its
    mean over output units. The others are gathered from the tensors four times: as their mean, as their mean weighted
    with shares of the weights, from the sum over all weights and from that over all kernels.

    Args:
        evidence: of one child beside p candidates.
        tensors: which tensors are gathered, all by default; the sums over the network stay what they are.
    """
    tokens = _tokens(evidence)
    parts, wholes = tokens[:-WHOLES], tokens[-WHOLES:]
    shares = np.exp(evidence.about[:-WHOLES, 0])
    if tensors is not None:
        parts, shares = parts[tensors], shares[tensors]
    weighted = np.einsum("t,tpf->pf", shares / shares.sum(), parts)
    lost = _beside_the_least(evidence.numbers[-WHOLES, :, FIRST].astype(np.float64), axis=0)
    first = np.stack([np.arcsinh(lost * evidence.size / DECIDES), _strangeness(evidence)], axis=1)
    return np.concatenate([first, parts.mean(axis=0), weighted, *wholes], axis=1).astype(np.float32)


def _tokens(evidence: CandidateEvidence) -> Float[np.ndarray, "t p f"]:
    numbers = evidence.numbers.astype(np.float64)
    near, equal = numbers[..., NEAR], numbers[..., NUMBERS.index("equal")]
    beyond = _beside_the_least(near, axis=1)
    return np.concatenate(
        [
            np.minimum(beyond, FARTHEST),
            np.exp(-SHARP * beyond),
            _standardised(near),
            np.clip(numbers[..., ABSOLUTE], -FARTHEST, FARTHEST),
            (equal - equal.max(axis=1, keepdims=True))[..., None],
            _towards_others(evidence),
        ],
        axis=-1,
    )


def _beside_the_least(values: np.ndarray, *, axis: int) -> np.ndarray:
    return values - values.min(axis=axis, keepdims=True)


def _standardised(values: np.ndarray, *, eps: float = 1e-4) -> np.ndarray:
    """Standardises over the candidates; `eps` keeps those that hardly differ, and a single one, at 0."""
    return (values - values.mean(axis=1, keepdims=True)) / (values.std(axis=1, keepdims=True) + eps)


def _towards_others(evidence: CandidateEvidence) -> Float[np.ndarray, "t p 5"]:
    """Sums up how the child lies from a candidate towards the others.

    The greatest and the least ratio, the mean size, that of the nearest other, and the share up to 1/2.
    """
    count = evidence.ratios.shape[1]
    if count == 1:
        return np.zeros((*evidence.ratios.shape[:2], 5))
    ratios = np.clip(evidence.ratios.astype(np.float64), -3, 3)
    itself = np.eye(count, dtype=bool)
    nearest = np.where(itself, np.inf, evidence.between).argmin(axis=2)
    found = [
        np.where(itself, -3, ratios).max(axis=2),
        np.where(itself, 3, ratios).min(axis=2),
        np.where(itself, 0, np.abs(ratios)).sum(axis=2) / (count - 1),
        np.take_along_axis(ratios, nearest[..., None], axis=2)[..., 0],
        (~itself & (ratios <= 0.5)).sum(axis=2) / (count - 1),
    ]
    return np.stack(found, axis=-1)


def _strangeness(evidence: CandidateEvidence, *, eps: float = 1e-3) -> Float[np.ndarray, " p"]:
    """Returns the logarithm of 1 - cos, from that of `eps` to 0 for strangers; of all weights where no kernel is."""
    name, row = ("centred cosine", -1) if np.exp(evidence.about[-1, 0]) > 1e-8 else ("cosine", -2)
    return np.log(np.clip(1 - evidence.numbers[row, :, NUMBERS.index(name)], eps, 1))
