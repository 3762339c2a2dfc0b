"""Every way to name a parent as scores of one shape, so that settings are chosen and shares counted alike for all."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray
from jaxtyping import Bool

from lineage_jax import detector, lineage, linearize, similarity
from lineage_jax.typing import FeatureFn, Inputs, Measure, Networks

Scores = dict[str, xarray.DataArray]
"""By method its scores `[parent, child, setting]`."""

DETECTOR = "detector"
"""The name of the method that is learned from the family's own networks."""

UNIVERSAL = "universal"
"""The name of the detector that comes with the library."""


def by_features(
    features: FeatureFn,
    parents: Networks,
    children: Networks,
    probes: Inputs,
    *,
    alphas: Sequence[float],
    measures: Mapping[str, Measure] = similarity.MEASURES,
) -> Scores:
    """Scores every pair by features: directly and by both approximations.

    Returns:
        By form its scores `[parent, child, setting]`; a setting is a measure and a strength, such as `cka 0.3`, and the
        layer before them where there are several.
    """
    return _by_form(
        lineage.score(features, parents, children, probes, measures=measures, alphas=tuple(alphas), forms=lineage.FORMS)
    )


def by_block(
    block: linearize.LinenBlock,
    parents: Networks,
    children: Networks,
    probes: Inputs,
    *,
    alphas: Sequence[float],
    measures: Mapping[str, Measure] = similarity.MEASURES,
) -> Scores:
    """Scores every pair by what a block makes of the candidate's own activations; returns the same as `by_features`."""
    return _by_form(
        lineage.score_block(
            block, parents, children, probes, measures=measures, alphas=tuple(alphas), forms=lineage.FORMS
        )
    )


def by_weights(parents: Networks, children: Networks, *, layers: Sequence[str] = ()) -> Scores:
    """Scores every pair by what `lineage.weight_scores` measures of all shared weights, and of some layers alone."""
    scores = lineage.weight_scores(parents, children)
    labels = {lineage.WHOLE: lineage.WHOLE} | {layer: lineage.layer_label(layer) for layer in layers}
    return {f"weights, {name}": _settings(scores.sel(layer=label, drop=True)) for name, label in labels.items()}


def by_detector(fitted: detector.Fitted, examples: detector.Examples) -> Scores:
    """Returns the detector's calibrated probabilities in the same shape, with one setting."""
    return {DETECTOR: detector.probabilities(fitted, examples).expand_dims(setting=["learned"])}


def by_evidence(parents: Networks, children: Networks, *, fitted: detector.FittedEvidence | None = None) -> Scores:
    """Returns the probabilities of a detector of evidence, nobody's apart, with one setting.

    Args:
        parents: the candidates.
        children: the children.
        fitted: the detector, by default the one that comes with the library.
    """
    scores = detector.evidence_scores(parents, children, fitted=fitted).drop_sel(parent=detector.NOBODY)
    return {UNIVERSAL: scores.expand_dims(setting=["shipped" if fitted is None else "learned"])}


def choose(scores: Mapping[str, xarray.DataArray], truth: Mapping[str, str], *, only: Sequence[str]) -> dict[str, str]:
    """Returns each method's best setting on some of the children; the first of those that are equally good."""
    return {method: str(lineage.choose(of_method, truth, only)["setting"]) for method, of_method in scores.items()}


def accuracy(
    scores: Mapping[str, xarray.DataArray], truth: Mapping[str, str], chosen: Mapping[str, str], *, only: Sequence[str]
) -> dict[str, float]:
    """Returns the share of some of the children whose parent every method names rightly at its chosen setting."""
    return {
        method: float(lineage.accuracy(lineage.decide(of_method.sel(setting=chosen[method], child=list(only))), truth))
        for method, of_method in scores.items()
    }


def right(
    scores: Mapping[str, xarray.DataArray], truth: Mapping[str, str], chosen: Mapping[str, str], *, only: Sequence[str]
) -> dict[str, Bool[np.ndarray, " m"]]:
    """Returns which of some of the children every method gives to their parent alone at its chosen setting."""
    expected = np.array([truth[child] for child in only])
    decisions = {
        method: lineage.decide(of_method.sel(setting=chosen[method], child=list(only)))
        for method, of_method in scores.items()
    }
    return {
        method: (found.prediction.values == expected) & (found.tied.values == 1) for method, found in decisions.items()
    }


def _by_form(scores: xarray.DataArray) -> Scores:
    scores = scores.squeeze("layer", drop=True) if scores.sizes["layer"] == 1 else scores
    return {form: _settings(scores.sel(form=form, drop=True)) for form in lineage.FORMS}


def _settings(scores: xarray.DataArray) -> xarray.DataArray:
    """Flattens all but the pair into one axis, without the strengths that a direct comparison has none of."""
    axes = [name for name in scores.dims if name not in ("parent", "child")]
    flat = scores.stack(setting=axes).dropna("setting")
    names = [" ".join(map(_word, parts)) for parts in flat.setting.values]
    return flat.drop_vars(["setting", *axes]).assign_coords(setting=names)


def _word(part: Any) -> str:
    return f"{part:g}" if isinstance(part, float) else str(part)
