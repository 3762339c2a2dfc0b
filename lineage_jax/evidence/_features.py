"""Scores of one child against candidates of its own architecture: features on probes, then weights."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jax
    import xarray

    from lineage_jax.typing import Inputs, Measure

logger = logging.getLogger(__name__)

NOISE_PROBES = 256
NOISE_PIXELS = 2**20
"""Fewer noise images are drawn where they are large: they decide nothing where weights are related."""

FEWEST_PROBES = 16

Scores = dict[str, "xarray.DataArray"]
"""Scores over `parent`, by what kind of score they are."""


def chosen_measures(names: list[str]) -> "dict[str, Measure]":
    """Looks measures up by name."""
    from lineage_jax import similarity

    for name in names:
        if name not in similarity.MEASURES:
            raise ValueError(f"unknown measure '{name}'; those that exist: {', '.join(similarity.MEASURES)}")
    return {name: similarity.MEASURES[name] for name in names}


def read_probes(path: Path | None, like: Any) -> "tuple[jax.Array, str]":
    """Reads the probes, or draws noise; says which."""
    import jax

    from lineage_jax import data

    if path is None:
        h, w, _ = like.input_shape
        count = max(FEWEST_PROBES, min(NOISE_PROBES, NOISE_PIXELS // (h * w)))
        logger.info(f"no --probes given: using {count} images of standard-normal noise {like.input_shape}")
        return jax.random.normal(jax.random.key(0), (count, *like.input_shape)), "standard-normal noise"
    images = jax.numpy.asarray(data.load_probes(path))
    check_images(images, like.input_shape)
    return images, str(path)


def check_images(images: "Inputs", shape: tuple[int, int, int]) -> None:
    """Refuses probes that are not what the networks take.

    Raises:
        ValueError: If they are not.
    """
    if images.shape[1:] != shape:
        raise ValueError(f"expected probes of shape [n, {', '.join(map(str, shape))}], got {images.shape}")


def score_against(
    candidates: "dict[str, Any]",
    suspect: Any,
    images: "jax.Array",
    layer: str,
    measures: "dict[str, Measure]",
    alpha: list[float] | None,
    progress: Callable[[int, int], None] | None,
) -> Scores:
    """Scores the child against every candidate: direct, Taylor and exact by each measure, then the weights'."""
    from lineage_jax import lineage, linearize

    roots = {name: saved.variables for name, saved in candidates.items()}
    features = linearize.features_of(next(iter(candidates.values())).network, (layer,))
    recommended = {"taylor": lineage.RECOMMENDED_ALPHA, "exact": lineage.RECOMMENDED_EXACT_ALPHA}
    strengths = {
        (name, form): tuple(alpha) if alpha else (by_measure[name],)
        for name in measures
        for form, by_measure in recommended.items()
    }
    scores = lineage.score(
        features,
        roots,
        {"child": suspect.variables},
        images,
        measures=measures,
        alphas=tuple(sorted({strength for chosen in strengths.values() for strength in chosen})),
        forms=lineage.FORMS,
        progress=progress,
    ).sel(child="child", layer=layer)
    weights = lineage.weight_scores(roots, {"child": suspect.variables}).sel(child="child", layer="all")
    kinds: Scores = {}
    for name in measures:
        of_measure = scores.sel(measure=name)
        kinds[f"{name} direct"] = of_measure.sel(form="direct").isel(alpha=0)
        for form in recommended:
            for strength in strengths[name, form]:
                kinds[f"{name} {form} {strength:g}"] = of_measure.sel(form=form, alpha=strength)
    for name in weights["measure"].values.tolist():
        kinds[name.replace("_", " ")] = weights.sel(measure=name)
    return kinds


def approximated(kinds: Scores) -> Scores:
    """Returns the scores of the Taylor and of the exact form."""
    return {kind: scores for kind, scores in kinds.items() if "taylor" in kind or "exact" in kind}
