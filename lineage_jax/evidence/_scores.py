"""Scores of one child against candidates of its own architecture: features on probes, then weights."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import xarray

    from lineage_jax.typing import FeatureFn, Inputs, Measure, Params

DEFAULT_MEASURES = ("l1", "l2", "cosine", "cka", "dc")
"""The measures by which features are compared where nobody names others."""

Scores: TypeAlias = dict[str, "xarray.DataArray"]
"""Scores over `parent`, by what kind of score they are."""


def chosen_measures(measures: "Sequence[str] | Mapping[str, Measure]") -> "dict[str, Measure]":
    """Looks measures up by name; functions by name are taken as they are.

    Raises:
        ValueError: If there is no measure of a name.
    """
    from lineage_jax import similarity

    if isinstance(measures, Mapping):
        return dict(measures)
    for name in measures:
        if name not in similarity.MEASURES:
            raise ValueError(f"unknown measure '{name}'; those that exist: {', '.join(similarity.MEASURES)}")
    return {name: similarity.MEASURES[name] for name in measures}


def scores_of_features(
    features: "FeatureFn",
    parents: "Mapping[str, Params]",
    child: "Params",
    inputs: "Inputs",
    *,
    measures: "Mapping[str, Measure]",
    alphas: Sequence[float] | None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Scores, str]:
    """Scores the child against every candidate by each measure: directly, by the Taylor and by the exact form.

    Args:
        features: pure function `(variables, inputs) -> [n, ...]`, or `{layer: [n, ...]}`, of which the last layer
            counts.
        parents: variables of the candidates, `{name: variables}`.
        child: variables of the child.
        inputs: `[n, ...]`.
        measures: similarities by name.
        alphas: strengths of the approximation; None for the one that is recommended for each measure and form.
        progress: called with (pairs done, pairs in all).

    Returns:
        The scores, and the name of the layer.

    Raises:
        ValueError: If an alpha is negative or a measure has no recommended one, or as `lineage.score`.
    """
    from lineage_jax import lineage

    recommended = {"taylor": lineage.RECOMMENDED_ALPHA, "exact": lineage.RECOMMENDED_EXACT_ALPHA}
    strengths = {
        (name, form): tuple(alphas) if alphas else (_recommended(by_measure, name),)
        for name in measures
        for form, by_measure in recommended.items()
    }
    scores = lineage.score(
        features,
        parents,
        {"child": child},
        inputs,
        measures=measures,
        alphas=tuple(sorted({strength for chosen in strengths.values() for strength in chosen})),
        forms=lineage.FORMS,
        progress=progress,
    ).sel(child="child")
    layer = scores["layer"].values[-1].item()
    found: Scores = {}
    for name in measures:
        of_measure = scores.sel(layer=layer, measure=name)
        found[f"{name} direct"] = of_measure.sel(form="direct").isel(alpha=0)
        for form in recommended:
            for strength in strengths[name, form]:
                found[f"{name} {form} {strength:g}"] = of_measure.sel(form=form, alpha=strength)
    return found, layer


def _recommended(by_measure: Mapping[str, float], name: str) -> float:
    if name not in by_measure:
        raise ValueError(f"no alpha is recommended for the measure '{name}': give alphas")
    return by_measure[name]


def scores_of_weights(parents: "Mapping[str, Params]", child: "Params") -> Scores:
    """Scores the child by the distance, the cosine and the information of what it shares with all candidates."""
    from lineage_jax import lineage

    weights = lineage.weight_scores(parents, {"child": child}).sel(child="child", layer=lineage.WHOLE)
    return {name.replace("_", " "): weights.sel(measure=name) for name in weights["measure"].values.tolist()}


def scores_of_overlap(weights: "xarray.Dataset") -> Scores:
    """Returns what was scored of weights that networks share only in part; nothing where no candidate is left."""
    from lineage_jax import lineage

    kinds = lineage.OVERLAP_SCORES if weights.sizes["parent"] else ()
    return {name.replace("_", " "): weights[name] for name in kinds}


def approximated(scores: Scores) -> Scores:
    """Returns the scores of the Taylor and of the exact form."""
    return {kind: values for kind, values in scores.items() if "taylor" in kind or "exact" in kind}
