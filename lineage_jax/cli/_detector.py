"""What a learned detector says of one child."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_jax.checkpoints import Asked, beside
from lineage_jax.cli._layers import Layers
from lineage_jax.cli._look import look_at

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


def ask(folder: Path, asked: Asked, probes: Path | None, *, weights_only: bool) -> Opinion:
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
    child, truth = {asked.child: asked.suspect}, {asked.child: detector.NOBODY}  # whose it is, is the question
    known = beside(asked.parents, child, truth=truth)
    shares = detector.probabilities(fitted, look_at(known, layers, images)).sel(child=asked.child)
    return Opinion(folder=folder, layers=layers, shares=shares)
