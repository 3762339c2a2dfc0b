"""A trained detector, and how it lies on disk."""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from lineage_jax import io
from lineage_jax.detector._detector import Detector
from lineage_jax.detector._training import DetectorTraining, shapes_of
from lineage_jax.leaves import check_shapes, leaf_shapes
from lineage_jax.typing import Params

VERSION = 2
"""Of the arrangement on disk; raised whenever an older checkpoint would mean something else."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fitted:
    """A detector with its variables at the best validation loss.

    Attributes:
        detector: the module.
        variables: its arrays.
        temperature: by which logits are divided before they become probabilities.
        training: how it was trained.
        history: for every epoch "epoch", "train_loss", "validation_loss" and "validation_accuracy".
    """

    detector: Detector
    variables: Params
    temperature: float
    training: DetectorTraining
    history: tuple[dict[str, Any], ...]


def save_detector(path: str | os.PathLike, fitted: Fitted) -> None:
    """Writes a trained detector as one checkpoint folder.

    The layers are written by name and not by shape: a detector takes any shape.

    Raises:
        FileExistsError: If `path` exists.
    """
    description = {
        "version": VERSION,
        "detector": describe(fitted.detector),
        "temperature": fitted.temperature,
        "training": dataclasses.asdict(fitted.training),
        "history": fitted.history,
    }
    io.save(path, fitted.variables, description=description)


def load_detector(path: str | os.PathLike) -> Fitted:
    """Reads what `save_detector` wrote, bit for bit.

    Raises:
        FileNotFoundError: If there is nothing at `path`.
        ValueError: If there is no checkpoint of a detector, or it is damaged or of another version.
    """
    variables, words = io.load(path)
    check_words(words, {"version", "detector", "temperature", "training", "history"}, path, "a trained detector")
    detector = detector_from(words["detector"])
    _check_fit(detector, variables, path)
    return Fitted(
        detector=detector,
        variables=jax.tree.map(jnp.asarray, variables),
        temperature=words["temperature"],
        training=DetectorTraining(**words["training"]),
        history=tuple(words["history"]),
    )


def describe(detector: Detector) -> dict[str, Any]:
    """Returns the words that `detector_from` makes an equal detector from; JSON can hold them."""
    names = [field.name for field in dataclasses.fields(Detector) if field.name not in ("parent", "name")]
    return {name: getattr(detector, name) for name in names} | {"dtype": jnp.dtype(detector.dtype).name}


def detector_from(words: Mapping[str, Any]) -> Detector:
    """Makes the detector that `describe` described."""
    layers = {kind: tuple(words[kind]) for kind in ("weights", "features")}
    return Detector(**{**words, **layers, "dtype": jnp.dtype(words["dtype"])})


def check_words(words: Mapping[str, Any], expected: set[str], path: str | os.PathLike, what: str) -> None:
    """Refuses the description of something else, or of another version.

    Raises:
        ValueError: If it is one of these.
    """
    if "version" in words and words["version"] != VERSION:
        raise ValueError(
            f"expected {what} of version {VERSION} at {path}, got version {words['version']}: train it again"
        )
    if words.keys() != expected:
        raise ValueError(f"expected a checkpoint of {what} at {path}, got one of {', '.join(words) or 'nothing'}")


def _check_fit(detector: Detector, variables: Params, path: str | os.PathLike) -> None:
    expected = leaf_shapes(shapes_of(detector))
    check_shapes(leaf_shapes(variables), expected, variables=f"variables of the detector at {path}")
