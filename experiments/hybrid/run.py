"""Fine-tunes hybrids and names the parent of every layer in five ways (settings: config.py; numbers: README.md).

python -m experiments.hybrid.run [--mode smoke] [--out FOLDER]
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ml_collections
import numpy as np
import xarray
from jaxtyping import Bool, Int

from experiments.hybrid.config import get_config
from experiments.hybrid.figure import draw
from experiments.hybrid.hybrids import HybridFamily, examples_of, make_family, piece_alone
from experiments.hybrid.pieces import Piece
from experiments.lab import methods, runs
from lineage_jax import detector, linearize, similarity

Right = Mapping[str, Bool[np.ndarray, "pieces m"]]
"""By method, which pieces of which children it gives to their parent."""


def main() -> None:
    """Runs one mode."""
    runs.main(__doc__, get_config, jobs, draw, folder=Path(__file__).parent)


def jobs(config: ml_collections.ConfigDict) -> dict[str, Callable[[], runs.Record]]:
    """Returns what computes the record of each network, kind of parents and seed."""
    return {
        f"{name}, {kind} {seed}": functools.partial(compare, name, kind, seed, config)
        for seed in config.seeds
        for name in config.networks
        for kind in config.kinds
    }


def compare(name: str, kind: str, seed: int, config: ml_collections.ConfigDict) -> runs.Record:
    """Trains a family and a detector on it; returns the accuracy of every method on test hybrids and unseen parents."""
    sizes = config.hybrids
    family = make_family(name, kind, seed, sizes.train + sizes.validation + sizes.test, config)
    unseen = make_family(name, kind, seed + 1000, sizes.unseen, config)
    examples = {piece.name: examples_of(family, piece) for piece in family.pieces}
    parts = split(len(family.children), config)
    fitted = fit(examples, parts, seed, config)
    scores = scores_of(family, examples, np.concatenate([parts["validation"], parts["test"]]), fitted, config)
    chosen = methods.choose(scores, truth_of(family), only=keys(family, parts["validation"]))
    examples = {piece.name: examples_of(unseen, piece) for piece in unseen.pieces}
    unseen_scores = scores_of(unseen, examples, np.arange(sizes.unseen), fitted, config)
    found = {
        "": right(scores, family, chosen, parts["test"]),
        ", unseen parents": right(unseen_scores, unseen, chosen, np.arange(sizes.unseen)),
    }
    return {
        "variant": f"{name}, {kind}",
        "seed": seed,
        "children trained to": float(np.mean(family.children.accuracy)),
        "chosen": chosen,
        "accuracy": {group: row for ending, part in found.items() for group, row in shares(part, ending).items()},
        "by layer": {f"test{ending}": by_piece(family, part) for ending, part in found.items()},
        "pictures": pictures(unseen, unseen_scores[methods.DETECTOR], config.pictures),
        "temperature": fitted.temperature,
        "detector epochs": len(fitted.history),
    }


def split(count: int, config: ml_collections.ConfigDict) -> dict[str, np.ndarray]:
    """Splits the children by their order, which means nothing: the origins of each are drawn anew."""
    names = ("train", "validation", "test")
    ends = np.cumsum([config.hybrids[name] for name in names[:-1]])
    return dict(zip(names, np.split(np.arange(count), ends), strict=True))


def fit(
    examples: Mapping[str, detector.Examples],
    parts: Mapping[str, np.ndarray],
    seed: int,
    config: ml_collections.ConfigDict,
) -> detector.Fitted:
    """Trains one detector on all pieces; a child is in the same part with all of its pieces."""
    first = next(iter(examples.values()))
    train, validation = ([of.select(parts[part]) for of in examples.values()] for part in ("train", "validation"))
    return detector.fit(
        detector.Detector(weights=tuple(first.children.weights), features=tuple(first.children.features)),
        train,
        validation,
        training=detector.DetectorTraining(seed=seed, **config.detector.to_dict()),
    )


def scores_of(
    family: HybridFamily,
    examples: Mapping[str, detector.Examples],
    children: Int[np.ndarray, " m"],
    fitted: detector.Fitted,
    config: ml_collections.ConfigDict,
) -> dict[str, xarray.DataArray]:
    """Returns every method's scores of some children; a piece of a child stands where a child does elsewhere."""
    some = family.select(children)
    of_pieces = [
        piece_scores(some, piece, examples[piece.name].select(children), fitted, config) for piece in family.pieces
    ]
    return {method: xarray.concat([scores[method] for scores in of_pieces], dim="child") for method in of_pieces[0]}


def piece_scores(
    family: HybridFamily,
    piece: Piece,
    examples: detector.Examples,
    fitted: detector.Fitted,
    config: ml_collections.ConfigDict,
) -> dict[str, xarray.DataArray]:
    """Returns the scores of every method on one piece; each candidate's piece is fed with its own activations."""
    networks = family.parents, family.children
    alone = [piece_alone(part, piece) for part in networks]
    scores = {
        **feature_scores(family, piece, config),
        "weights": methods.by_weights(*alone)["weights, all"],
        **methods.by_evidence(*alone),
        **methods.by_detector(fitted, examples),
    }
    return {method: of.assign_coords(child=_keys(piece, of.child.values)) for method, of in scores.items()}


def feature_scores(
    family: HybridFamily, piece: Piece, config: ml_collections.ConfigDict
) -> dict[str, xarray.DataArray]:
    """Returns the learning-free scores of what one piece computes."""
    features, networks = family.features(piece), (family.parents, family.children)
    measures = {name: similarity.MEASURES[name] for name in config.measures}
    if isinstance(features, linearize.LinenBlock):
        return methods.by_block(features, *networks, family.probes, alphas=config.alphas, measures=measures)
    return methods.by_features(features, *networks, family.probes, alphas=config.alphas, measures=measures)


def truth_of(family: HybridFamily) -> dict[str, str]:
    """Returns the parent of every piece of every child."""
    return {f"{child} {piece}": parent for child, origin in family.origins.items() for piece, parent in origin.items()}


def keys(family: HybridFamily, children: Int[np.ndarray, " m"]) -> list[str]:
    """Returns the names of all pieces of these children, piece by piece."""
    names = [family.children.names[index] for index in children]
    return [key for piece in family.pieces for key in _keys(piece, names)]


def right(
    scores: Mapping[str, xarray.DataArray],
    family: HybridFamily,
    chosen: Mapping[str, str],
    children: Int[np.ndarray, " m"],
) -> Right:
    """Returns which pieces of some children every method gives to their parent, at its chosen setting."""
    flat = methods.right(scores, truth_of(family), chosen, only=keys(family, children))
    return {method: of.reshape(len(family.pieces), -1) for method, of in flat.items()}


def shares(found: Right, ending: str) -> dict[str, dict[str, float]]:
    """Returns the share of pieces that are right, and of networks with all of their pieces right."""
    return {
        f"layers{ending}": {method: float(of.mean()) for method, of in found.items()},
        f"whole networks{ending}": {method: float(of.all(axis=0).mean()) for method, of in found.items()},
    }


def by_piece(family: HybridFamily, found: Right) -> dict[str, dict[str, float]]:
    """Returns the share of children that are right, piece by piece."""
    return {
        piece.name: {method: float(of[place].mean()) for method, of in found.items()}
        for place, piece in enumerate(family.pieces)
    }


def pictures(family: HybridFamily, probabilities: xarray.DataArray, count: int) -> list[dict[str, Any]]:
    """Returns for the first children the probability of every parent of every piece, and the truth."""
    return [picture(family, index, probabilities.squeeze("setting")) for index in range(count)]


def picture(family: HybridFamily, index: int, probabilities: xarray.DataArray) -> dict[str, Any]:
    """Returns for one child the probability of every parent of every piece, and the truth."""
    origins = family.origins[family.children.names[index]]
    rows = probabilities.sel(child=keys(family, np.array([index]))).transpose("child", "parent")
    return {
        "pieces": [piece.name for piece in family.pieces],
        "origins": [family.parents.names.index(parent) for parent in origins.values()],
        "probabilities": rows.values.tolist(),
    }


def _keys(piece: Piece, children: Sequence[str]) -> list[str]:
    return [f"{child} {piece.name}" for child in children]


if __name__ == "__main__":
    main()
