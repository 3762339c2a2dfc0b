"""What a learned detector says of one child.

One that was trained on a family sees all candidates. One of evidence, as it comes with the library, is asked which of
several relatives is the parent, as if one of them were: that nobody is, kernels say at a known error rate.
"""

import dataclasses
import functools
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_jax.checkpoints import side_by_side

if TYPE_CHECKING:
    import xarray

    from lineage_jax.detector import Fitted, FittedEvidence, Layers
    from lineage_jax.evidence._probes import Probes
    from lineage_jax.evidence._question import Question
    from lineage_jax.typing import Params

logger = logging.getLogger(__name__)

MOST_ASKED = 16
"""Relatives that one of evidence is asked about, the nearest ones: every two of them are compared."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class TrainedDetector:
    """A detector that can be asked.

    Attributes:
        fitted: the detector.
        folder: where it lies, or None in memory.
    """

    fitted: "Fitted"
    folder: str | None

    @property
    def layers(self) -> "Layers":
        """What it looks at."""
        from lineage_jax import detector

        return detector.Layers(weights=self.fitted.detector.weights, features=self.fitted.detector.features)

    @property
    def sees_features(self) -> bool:
        """It looks at outputs of layers, not at weights alone."""
        return bool(self.fitted.detector.features)

    def check_probes(self, probes: Any, *, weights_only: bool) -> None:
        """Refuses to ask a detector of features about noise: what it learned on images says nothing about that.

        Raises:
            ValueError: If it looks at features and there are no probes.
        """
        if self.sees_features and (probes is None or weights_only):
            lacking = "--weights-only" if weights_only else "no --probes"
            raise ValueError(
                f"expected --probes for {self.folder or 'the detector'}, a detector of features, got {lacking}"
            )

    def as_dict(self) -> dict[str, Any]:
        """Says which detector it is, for programs."""
        return {"folder": self.folder, **vars(self.layers)}


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class EvidenceDetector:
    """A detector of evidence that can be asked.

    Attributes:
        given: the detector, or None for the one that comes with the library.
        file: where it lies, or None in memory and for the one that comes with the library.
    """

    given: "FittedEvidence | None" = None
    file: str | None = None

    sees_features = False
    """It looks at weights alone."""

    def check_probes(self, probes: Any, *, weights_only: bool) -> None:
        """Needs no probes."""

    @functools.cached_property
    def fitted(self) -> "FittedEvidence | None":
        """The detector; None where the one that comes with the library cannot be read, which is logged."""
        from lineage_jax import detector

        if self.given is not None:
            return self.given
        try:
            return detector.load_evidence_detector()
        except (OSError, ValueError) as error:
            logger.warning(f"relatives are ordered by information alone: {error}; install lineage-jax again")
            return None

    def as_dict(self) -> dict[str, Any]:
        """Says which detector it is, for programs."""
        assert self.fitted is not None, "what cannot be read is not asked"
        return {"file": self.file or ("in memory" if self.given else "shipped"), **self.fitted.about}


def read_detector(
    detector: "str | os.PathLike | Fitted | FittedEvidence | None",
) -> TrainedDetector | EvidenceDetector:
    """Reads a detector from its folder or its file, or takes one in memory, or the one that comes with the library.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        ValueError: If there is no whole detector.
    """
    if detector is None:
        return EvidenceDetector()
    from lineage_jax.detector import FittedEvidence, load_detector, load_evidence_detector

    if isinstance(detector, FittedEvidence):
        return EvidenceDetector(given=detector)
    if not isinstance(detector, str | os.PathLike):
        return TrainedDetector(fitted=detector, folder=None)
    if Path(detector).is_file():
        return EvidenceDetector(given=load_evidence_detector(detector), file=str(detector))
    return TrainedDetector(fitted=load_detector(detector), folder=str(detector))


def ask_detector(trained: TrainedDetector, question: "Question", probes: "Probes | None") -> "xarray.DataArray":
    """Returns a detector's probability of every candidate, and of none of these where it knows that.

    Args:
        trained: the detector.
        question: the child and its candidates.
        probes: what a detector of features sees the networks on, or None.

    Returns:
        `xarray.DataArray` over parent.

    Raises:
        ValueError: If the networks have not what it looks at.
    """
    from lineage_jax import detector

    child = question.child
    truth = {child.name: detector.NOBODY}  # whose it is, is the question
    family = side_by_side(question.parents, {child.name: child}, truth=truth)
    inputs = probes.inputs if probes is not None and trained.sees_features else None
    examples = detector.look_at(
        family.parents,
        family.children,
        truth,
        trained.layers,
        inputs,
        network=family.network,
        obstacle=family.obstacle,
        input_shape=family.input_shape,
    )
    return detector.probabilities(trained.fitted, examples).sel(child=child.name)


def ask_among(
    fitted: "FittedEvidence", relatives: Sequence[str], parents: "Mapping[str, Params]", child: "Params"
) -> "xarray.DataArray":
    """Returns the probability of each of several relatives, if one of them is the parent.

    Args:
        fitted: a detector of evidence.
        relatives: names of those that could be, the nearest first; of more than `MOST_ASKED` the first ones are asked.
        parents: arrays of the candidates as they were compared, `{name: variables}`; only relatives are asked for.
        child: arrays of the child.

    Returns:
        `xarray.DataArray` over parent, the relatives that were asked.
    """
    import xarray

    from lineage_jax import detector, lineage
    from lineage_jax.leaves import weights_of
    from lineage_jax.linearize import HELD

    asked, weights = list(relatives)[:MOST_ASKED], weights_of(child, HELD)
    corresponding = [lineage.correspond(weights_of(parents[name], HELD), weights).leaves for name in asked]
    shares = detector.evidence_probabilities(fitted, detector.evidence_of(corresponding, weights))[:-1]
    return xarray.DataArray(shares / shares.sum(), coords={"parent": asked}, name="probability")
