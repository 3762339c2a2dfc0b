r"""One detector for all: a vector a candidate in, one logit a candidate and one for nobody out.

A perceptron sees each candidate, a second one what came of it beside the mean and the greatest of all candidates. Its
output, at most `BOUND`, is added to minus `sharpness` times what the candidate saves less than the best one
(`leaves.information`), and starts at 0: before anything is learned, the detector is that score, the best of those that
need no learning, and what it learned of some kinds of networks overrules no clear answer on another kind. Nobody's
logit likewise starts as a multiple of $\log (1 - \cos)$ of the nearest kernels.
"""

from typing import Any

import numpy as np

from lineage_jax.detector._evidence_features import FEATURES

BOUND = 0.3
"""How far what is learned moves a logit: differences of a few bits in all are overruled."""

Learned = dict[str, Any]
"""The arrays that are learned, by name; those of several members have a leading axis."""


def first_learned(seed: int, *, width: int) -> Learned:
    """Returns what training starts from.

    Args:
        seed: of the random weights.
        width: of both perceptrons.
    """
    numbers = np.random.default_rng(seed)

    def drawn(*shape: int) -> np.ndarray:
        return np.float32(np.sqrt(2 / shape[0])) * numbers.standard_normal(shape, np.float32)

    def zeros(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    return {
        "centre": zeros(FEATURES),
        "spread": np.ones(FEATURES, np.float32),
        "see": drawn(FEATURES, width),
        "see bias": zeros(width),
        "beside own": drawn(width, width),
        "beside mean": drawn(width, width),
        "beside greatest": drawn(width, width),
        "beside bias": zeros(width),
        "logit": zeros(width),
        "nobody mean": drawn(width, width),
        "nobody greatest": drawn(width, width),
        "nobody bias": zeros(width),
        "nobody logit": zeros(width),
        "nobody": zeros(),
        "sharpness": np.float32(1.5),
        "strangeness": np.float32(5),
    }


def logits_of_evidence(learned: Learned, features: Any, mask: Any) -> tuple[Any, Any]:
    """Returns the logits of one child's candidates and that of nobody: numpy's of numpy's arrays, JAX's of JAX's.

    Args:
        learned: of one member.
        features: `[p, f]`, as `features_of` makes them.
        mask: `[p]`, 1 for candidates that take part; the logits of others mean nothing.
    """
    taking_part = mask[:, None]
    seen = _relu((features - learned["centre"]) / learned["spread"] @ learned["see"] + learned["see bias"])
    mean = (seen * taking_part).sum(0) / mask.sum()
    greatest = (seen * taking_part).max(0)  # nothing that was seen is below 0
    everyone = mean @ learned["beside mean"] + greatest @ learned["beside greatest"] + learned["beside bias"]
    beside = _relu(seen @ learned["beside own"] + everyone)
    logits = _bounded(beside @ learned["logit"]) - learned["sharpness"] * features[:, 0]
    none = mean @ learned["nobody mean"] + greatest @ learned["nobody greatest"] + learned["nobody bias"]
    nearest = (-features[:, 1] * mask).max()
    nobody = _relu(none) @ learned["nobody logit"] + learned["nobody"] - learned["strangeness"] * nearest
    return logits, nobody


def _bounded(values: Any) -> Any:
    return values / (1 + abs(values) / BOUND)


def _relu(values: Any) -> Any:
    return values * (values > 0)
