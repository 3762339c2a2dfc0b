"""A trained detector of evidence: what it says of a child, and how it lies in one file."""

import dataclasses
import os
from pathlib import Path

import numpy as np
from jaxtyping import Float

from lineage_jax.detector._evidence import NUMBERS, CandidateEvidence
from lineage_jax.detector._evidence_detector import Learned, first_learned, logits_of_evidence
from lineage_jax.detector._evidence_features import FEATURES, features_of
from lineage_jax.leaves import check_shapes

FORMAT, EVIDENCE_VERSION = "lineage_jax detector of evidence", "2"
"""What the file says of itself; the version is raised whenever an older file would mean something else."""

SHIPPED = Path(__file__).parent / "evidence.safetensors"
"""The detector that comes with the library; `experiments/universal` makes it."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class FittedEvidence:
    """Members of one detector of evidence, whose logits are averaged.

    Attributes:
        learned: its arrays with a leading axis over members.
        temperature: by which logits are divided before they become probabilities.
        about: what made it, in words: "seed", "data", "commit".
    """

    learned: Learned
    temperature: float
    about: dict[str, str]

    def logits(self, features: Float[np.ndarray, "p f"], mask: Float[np.ndarray, " p"]) -> Float[np.ndarray, " q"]:
        """Returns the mean logits of the candidates of one child, those without a part too, and of nobody."""
        found = []
        for member in range(len(self.learned["nobody"])):
            learned = {name: leaf[member] for name, leaf in self.learned.items()}
            found.append(np.append(*logits_of_evidence(learned, features, mask)))
        return np.mean(found, axis=0)


def evidence_probabilities(fitted: FittedEvidence, evidence: CandidateEvidence) -> Float[np.ndarray, " q"]:
    """Returns the calibrated probability of every candidate of one child and, last, of nobody.

    Args:
        fitted: the detector.
        evidence: of the child beside p candidates, as `evidence_of` gathers it.

    Examples:
        >>> from lineage_jax.detector import evidence_of, load_evidence_detector
        >>> start = np.random.default_rng(0).normal(size=(2, 8, 8))
        >>> child = {"fc/kernel": start[1] + 0.01 * start[0]}
        >>> evidence = evidence_of([{"fc/kernel": kernel} for kernel in start], child)
        >>> int(evidence_probabilities(load_evidence_detector(), evidence).argmax())
        1
    """
    features = features_of(evidence)
    logits = fitted.logits(features, np.ones(len(features), np.float32)) / fitted.temperature
    shares = np.exp(logits - logits.max())
    return shares / shares.sum()


def save_evidence_detector(path: str | os.PathLike, fitted: FittedEvidence) -> None:
    """Writes a detector of evidence to one file of safetensors, with all that is known of it as metadata."""
    from safetensors.numpy import save_file

    words = {
        "format": FORMAT,
        "version": EVIDENCE_VERSION,
        "numbers": " ".join(NUMBERS),
        "temperature": repr(fitted.temperature),
    }
    arrays = {name: np.ascontiguousarray(leaf) for name, leaf in fitted.learned.items()}
    save_file(arrays, path, metadata=words | fitted.about)


def load_evidence_detector(path: str | os.PathLike = SHIPPED) -> FittedEvidence:
    """Reads what `save_evidence_detector` wrote, by default the detector that comes with the library.

    Raises:
        FileNotFoundError: If there is nothing at `path`.
        ValueError: If the file is damaged, holds something else, or is of another version.

    Examples:
        >>> sorted(load_evidence_detector().about)
        ['commit', 'data', 'seed']
    """
    words, arrays = _read(path)
    _check(arrays, path)
    return FittedEvidence(learned=arrays, temperature=float(words.pop("temperature")), about=words)


def _read(path: str | os.PathLike) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Returns what a file says of its detector, and its arrays."""
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise FileNotFoundError(f"no detector of evidence at {path}")
    try:
        with safe_open(path, framework="numpy") as file:
            words, arrays = dict(file.metadata() or {}), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"expected a whole detector of evidence at {path}, got a damaged file: {error}") from error
    if words.pop("format", None) != FORMAT:
        raise ValueError(f"expected a detector of evidence at {path}, got another file")
    version, numbers = words.pop("version", ""), words.pop("numbers", "")
    if (version, numbers) != (EVIDENCE_VERSION, " ".join(NUMBERS)):
        expected = f"expected a detector of evidence of version {EVIDENCE_VERSION} at {path}"
        raise ValueError(f"{expected}, got version {version}: train it again")
    return words, arrays


def _check(arrays: dict[str, np.ndarray], path: str | os.PathLike) -> None:
    width = arrays["see"].shape[-1] if "see" in arrays else FEATURES
    expected = {name: leaf.shape for name, leaf in first_learned(0, width=width).items()}
    found = {name: leaf.shape[1:] for name, leaf in arrays.items()}
    check_shapes(found, expected, variables=f"arrays of the detector at {path}")
    if not all(np.isfinite(leaf).all() for leaf in arrays.values()):
        raise ValueError(f"expected finite arrays of the detector at {path}, got NaN or infinity: install it again")
