"""From a plan to the comparison whose programs a sweep runs, without a sweep."""

import jax

from lineage_jax import pairs, similarity, sweep
from lineage_jax.typing import FeatureFn, Population


def comparison_of(
    features: FeatureFn,
    parents: Population,
    children: Population,
    probes: jax.Array,
    *,
    plan: sweep.Plan,
    memory: int | None = None,
) -> pairs.FeatureComparison:
    """Returns the comparison of a plan's measures, forms and alphas, and what it holds.

    Args:
        features: pure function `(variables, inputs) -> features`.
        parents: by name.
        children: by name.
        probes: `[n, ...]`.
        plan: the setting.
        memory: bytes, where those of the plan are not meant.
    """
    held, forms, names = tuple(plan.held), tuple(plan.forms), tuple(plan.measures)
    return pairs.feature_comparison(
        pairs.first_look(parents, children, held=held),
        pairs.Scoring(features, tuple(similarity.MEASURES[name] for name in names), forms, held),
        measures=names,
        probes=probes,
        alphas=tuple(plan.alphas),
        memory=plan.budget if memory is None else memory,
    )
