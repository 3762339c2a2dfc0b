"""Cases that a detector of evidence learns from: with other candidates, with fewer tensors, and without the parent."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from lineage_jax.detector._evidence import CandidateEvidence
from lineage_jax.detector._evidence_features import FEATURES, WHOLES, features_of


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """A child beside candidates of which one is its parent.

    Attributes:
        evidence: of the child.
        label: the place of its parent.
        strangers: `[p]`, which candidates share nothing with it.
        rivals: `[p]`, which are its siblings or children of other candidates; all others could be parents.
    """

    evidence: CandidateEvidence
    label: int
    strangers: Bool[np.ndarray, " p"]
    rivals: Bool[np.ndarray, " p"]

    @property
    def possible(self) -> Bool[np.ndarray, " p"]:
        """Which candidates could be parents."""
        return ~(self.strangers | self.rivals)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Draw:
    """How often a case is shown in which way; in any other with some of its candidates, and some others beside them.

    Attributes:
        whole: share of cases with all candidates that could be parents and no other.
        struck: share of cases whose parent is struck, other relatives staying.
        strange: share of cases that show strangers alone.
        dropped: share of tensors that are left out of half the cases.
    """

    whole: float = 0.4
    struck: float = 0.06
    strange: float = 0.12
    dropped: float = 0.4


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Looks:
    """Cases as they are shown, filled up to one number of candidates.

    Attributes:
        features: `[m, p, f]`.
        mask: `[m, p]`, 1 for candidates that take part.
        labels: `[m]`, the places of the parents; p for nobody.
    """

    features: Float[np.ndarray, "m p f"]
    mask: Float[np.ndarray, "m p"]
    labels: Int[np.ndarray, " m"]

    def __len__(self) -> int:
        return len(self.labels)


def looks_at(cases: Sequence[Case], draw: Draw, *, seed: int, candidates: int) -> Looks:
    """Shows every case once in a way that `seed` decides, filled up to so many candidates.

    Raises:
        ValueError: If there is no case.
    """
    if not cases:
        raise ValueError("expected at least one case, got none")
    numbers = np.random.default_rng(seed)
    features = np.zeros((len(cases), candidates, FEATURES), np.float32)
    mask, labels = np.zeros((len(cases), candidates), np.float32), np.full(len(cases), candidates)
    for row, case in enumerate(cases):
        places = _shown(case, draw, numbers)
        features[row, : len(places)] = features_of(case.evidence.select(places), _seen(case, draw, numbers))
        mask[row, : len(places)] = 1
        if case.label in places:
            labels[row] = places.index(case.label)
    return Looks(features=features, mask=mask, labels=labels)


def _shown(case: Case, draw: Draw, numbers: np.random.Generator) -> list[int]:
    """Returns the places of the candidates that are shown; without the parent's, nobody is right."""
    way = numbers.random()
    if way < draw.strange and case.strangers.any():
        return _some(case.strangers, numbers)
    places = np.flatnonzero(case.possible).tolist()
    if numbers.random() >= draw.whole:
        more = (case.strangers | case.rivals) & (numbers.random(len(case.strangers)) < 0.3)
        places = sorted({*_some(case.possible, numbers), *np.flatnonzero(more).tolist(), case.label})
    if way > 1 - draw.struck and len(places) > 1:
        places.remove(case.label)
    return places


def _some(among: Bool[np.ndarray, " p"], numbers: np.random.Generator) -> list[int]:
    places = numbers.permutation(np.flatnonzero(among))
    return sorted(places[: numbers.integers(1, len(places) + 1)].tolist())


def _seen(case: Case, draw: Draw, numbers: np.random.Generator) -> Bool[np.ndarray, " t"]:
    count = len(case.evidence.about) - WHOLES
    seen = numbers.random(count) >= draw.dropped * (numbers.random() < 0.5)
    return seen if seen.any() else np.ones(count, bool)
