"""What a learned detector says of one child."""

import dataclasses
import os
from typing import TYPE_CHECKING, Any

from lineage_jax.checkpoints import side_by_side

if TYPE_CHECKING:
    import xarray

    from lineage_jax.detector import Fitted, Layers
    from lineage_jax.evidence._probes import Probes
    from lineage_jax.evidence._question import Question


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


def read_detector(detector: "str | os.PathLike | Fitted") -> TrainedDetector:
    """Reads a detector from its folder, or takes one in memory.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        ValueError: If there is no whole detector.
    """
    from lineage_jax.detector import load_detector

    if isinstance(detector, str | os.PathLike):
        return TrainedDetector(fitted=load_detector(detector), folder=str(detector))
    return TrainedDetector(fitted=detector, folder=None)


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
