"""What a learned detector says of one child, and how that becomes the verdict."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_jax.cli._answer import Answer
from lineage_jax.cli._known import beside
from lineage_jax.cli._layers import Layers
from lineage_jax.cli._look import look_at
from lineage_jax.cli._networks import Loaded, name_of

if TYPE_CHECKING:
    import xarray


@dataclasses.dataclass(frozen=True, kw_only=True)
class Opinion:
    """What a detector says of one child.

    Attributes:
        folder: where the detector lies.
        layers: what it looked at.
        shares: its probability of every candidate, and of none of these where it knows that.
    """

    folder: Path
    layers: Layers
    shares: "xarray.DataArray"


def ask(
    folder: Path, candidates: Mapping[str, Loaded], suspect: Loaded, probes: Path | None, *, weights_only: bool
) -> Opinion:
    """Asks a detector for its opinion.

    Raises:
        ValueError: If there is no whole detector, the networks have not what it looks at, or it looks at features and
            there are no probes: what it learned on images says nothing about noise.
    """
    from lineage_jax import data, detector

    fitted = detector.load_detector(folder)
    layers = Layers(weights=fitted.detector.weights, features=fitted.detector.features)
    if layers.features and (probes is None or weights_only):
        lacking = "--weights-only" if weights_only else "no --probes"
        raise ValueError(f"expected --probes for {folder}, a detector of features, got {lacking}")
    images = data.load_probes(probes) if layers.features and probes is not None else None
    child = name_of(suspect.path)
    known = beside(candidates, {child: suspect}, truth={child: detector.NOBODY})  # whose it is, is the question
    shares = detector.probabilities(fitted, look_at(known, layers, images)).sel(child=child)
    return Opinion(folder=folder, layers=layers, shares=shares)


def decided(answer: Answer, opinion: Opinion, child: str) -> Answer:
    """Lets the detector name the parent; what the scores say without it stays beside that."""
    from lineage_jax import lineage

    prediction = lineage.decide(opinion.shares).prediction.item()
    share = opinion.shares.sel(parent=prediction).item()
    return dataclasses.replace(
        answer,
        prediction=prediction,
        named_by={
            "decided by": "detector",
            "probability": share,
            "without the detector": {"prediction": answer.prediction, **answer.named_by},
        },
        evidence={**answer.evidence, "detector": {"folder": str(opinion.folder), **dataclasses.asdict(opinion.layers)}},
        kinds={**answer.kinds, "detector": opinion.shares},
        verdict=verdict(answer, prediction, share, child),
    )


def verdict(answer: Answer, prediction: str, share: float, child: str) -> str:
    """Says in one line whom the detector names, whom the scores, and whether anything speaks for a relation."""
    from lineage_jax import detector, lineage

    nobody = prediction == detector.NOBODY
    named = "None of these is the" if nobody else f"{prediction} is the most likely"
    other = "the same" if prediction == answer.prediction else answer.prediction
    said = f"{named} parent of {child}: the detector gives that {share:.1%}; without it the scores name {other}"
    closest = answer.weights["centred_kernel_cosine"].max().item()
    doubt = f". But no candidate resembles {child}: kernel cosine {closest:.3f} at most"
    return said + (doubt if closest < lineage.UNRELATED and not nobody else "") + "."
