"""From a setting to a comparison by features: planned from shapes alone, or remembered."""

import warnings

import jax
import jax.numpy as jnp

from lineage_jax import linearize
from lineage_jax.pairs._comparison import AtATime
from lineage_jax.pairs._feature_comparison import FeatureComparison
from lineage_jax.pairs._passes import Scoring
from lineage_jax.pairs._plan import Plan, plan
from lineage_jax.pairs._programs import programs_of, remembered
from lineage_jax.pairs._reading import Reading
from lineage_jax.pairs._shared import differences, distinct_kinds, shared_by


def feature_comparison(
    reading: Reading,
    scoring: Scoring,
    *,
    measures: tuple[str, ...],
    probes: jax.Array,
    alphas: tuple[float, ...],
    memory: int | None,
    blocks: AtATime | None = None,
) -> FeatureComparison:
    """Plans a comparison by features, or remembers its plan; networks of the same shapes are not traced again.

    Args:
        reading: what is known of the networks.
        scoring: feature function, measures, forms and what is held.
        measures: names of the measures.
        probes: `[n, ...]`.
        alphas: strengths.
        memory: bytes, or None for `DEFAULT_MEMORY`.
        blocks: how many networks are held at a time, where that is settled; else as many as fit into the memory.

    Raises:
        ValueError: If networks share no parameters, a path of `held` is in none, the feature function does not accept
            the networks or the probes, its features have no row for every probe, or a layer depends on parameters that
            some network lacks.
        TypeError: If features are not floating-point.

    Warns:
        UserWarning: If a given `memory` is less than one pair needs, or one of the given blocks.
    """
    linearize.check_held(scoring.held, *(kind.tree for kind in distinct_kinds(reading.kinds)))
    planned = _planned(reading, scoring, probes, len(alphas), memory, blocks)
    _check_layers(planned, reading)
    if memory is not None and planned.pieces.needed > memory:
        warnings.warn(
            f"memory={memory} is less than one {'block' if blocks else 'pair'} needs: about {planned.pieces.needed} "
            f"bytes are taken; allow that much, or use fewer than {len(probes)} probes or measures that are means over "
            "the examples",
            stacklevel=4,
        )
    choice = (planned.stemmed, planned.shared.missing, planned.pieces.rows == len(probes))
    return FeatureComparison(
        scoring=scoring,
        measures=measures,
        plan=planned,
        programs=programs_of(remembered(scoring), choice),
        probes=probes,
        alphas=alphas,
        reading=reading,
    )


def _planned(
    reading: Reading, scoring: Scoring, probes: jax.Array, alphas: int, memory: int | None, blocks: AtATime | None
) -> Plan:
    ways = shared_by(reading.kinds, held=scoring.held)
    shown = jax.ShapeDtypeStruct(probes.shape, probes.dtype)
    counts = {"parents": len(reading.names("parent")), "children": len(reading.names("child"))}
    key = (ways, shown, alphas, *counts.values(), memory, blocks, jnp.result_type(float))
    plans = remembered(scoring).plans
    if key not in plans:
        plans[key] = plan(scoring, ways, shown, alphas=alphas, memory=memory, blocks=blocks, **counts)
    return plans[key]


def _check_layers(planned: Plan, reading: Reading) -> None:
    """Refuses layers that depend on what some network lacks."""
    for layer, needs in planned.needs:
        lacking = [path for path in needs if path in planned.shared.missing]
        if lacking:
            raise ValueError(
                f"layer '{layer}' depends on parameters not shared by all networks ({', '.join(lacking)}): "
                f"'{lacking[0]}' is {differences(reading.kinds, lacking[0])}; choose an earlier layer"
            )
