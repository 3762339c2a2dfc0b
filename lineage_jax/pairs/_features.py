"""From a setting to a comparison by features: planned from shapes alone, or remembered."""

import warnings

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from lineage_jax import linearize
from lineage_jax.pairs._comparison import AtATime
from lineage_jax.pairs._feature_comparison import FeatureComparison
from lineage_jax.pairs._mesh import devices_of_a_process, with_both_axes
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
    mesh: Mesh | None = None,
) -> FeatureComparison:
    """Plans a comparison by features, or remembers its plan; networks of the same shapes are not traced again.

    Args:
        reading: what is known of the networks.
        scoring: feature function, measures, forms and what is held.
        measures: names of the measures.
        probes: `[n, ...]`.
        alphas: strengths.
        memory: bytes, or None for `DEFAULT_MEMORY`; on a mesh, of all devices that one process has of it.
        blocks: how many networks are held at a time, where that is settled; else as many as fit into the memory.
        mesh: of devices, of one process or several, with the axes `children` and `probes` or one of them; None for the
            default device. Each device has its own children and its own rows of the probes, and all have all parents.

    Raises:
        ValueError: If networks share no parameters, a path of `held` is in none, the feature function does not accept
            the networks or the probes, its features have no row for every probe, a layer depends on parameters that
            some network lacks, or the mesh has another axis.
        TypeError: If features are not floating-point.

    Warns:
        UserWarning: If a given `memory` is less than one pair needs, or one of the given blocks.
    """
    linearize.check_held(scoring.held, *(kind.tree for kind in distinct_kinds(reading.kinds)))
    mesh = None if mesh is None else with_both_axes(mesh)
    planned = _planned(reading, scoring, probes, len(alphas), memory, blocks, mesh)
    _check_layers(planned, reading)
    needed = planned.pieces.needed * devices_of_a_process(mesh)
    if memory is not None and needed > memory:
        warnings.warn(
            f"memory={memory} is less than one {'block' if blocks else 'pair'} needs: about {needed} bytes are taken; "
            f"allow that much, or use fewer than {len(probes)} probes or measures that are means over the examples",
            stacklevel=4,
        )
    choice = (planned.stemmed, planned.shared.missing, planned.is_cut(len(probes)), planned.is_split and len(probes))
    return FeatureComparison(
        scoring=scoring,
        measures=measures,
        plan=planned,
        programs=programs_of(remembered(scoring), choice, mesh),
        probes=probes,
        alphas=alphas,
        reading=reading,
    )


def _planned(
    reading: Reading,
    scoring: Scoring,
    probes: jax.Array,
    alphas: int,
    memory: int | None,
    blocks: AtATime | None,
    mesh: Mesh | None,
) -> Plan:
    ways = shared_by(reading.kinds, held=scoring.held)
    shown = jax.ShapeDtypeStruct(probes.shape, probes.dtype)
    counts = {"parents": len(reading.names("parent")), "children": len(reading.names("child"))}
    precision = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]
    key = (ways, shown, alphas, *counts.values(), memory, blocks, mesh, jnp.result_type(float), precision)
    plans = remembered(scoring).plans
    if key not in plans:
        plans[key] = plan(scoring, ways, shown, alphas=alphas, memory=memory, blocks=blocks, mesh=mesh, **counts)
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
