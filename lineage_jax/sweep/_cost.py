"""What a sweep costs a network and a pair, counted from the programs that it runs; nothing runs or is compiled."""

import dataclasses
import math

from lineage_jax.pairs import FeatureComparison, traced
from lineage_jax.similarity import is_mean_over_examples
from lineage_jax.sweep._work import Work, work_of


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cost:
    """What one network or pair costs, for all probes.

    Attributes:
        parent: the work of a parent's forward pass and linearisation, once for each block of children.
        child: that of a child's forward pass, once for all parents.
        pair: that of a linear pass, and of all measures at all layers and alphas.
        network: bytes of a network in memory.
        file: bytes of a network on disk.
        held: bytes of a child's features, and of what measures make of them.
        working: bytes of the temporaries of one pair, as an upper estimate.
        gathered: bytes of the features of a network or pair that devices exchange where probes are split between them.
            0 where every measure is a mean over examples: of these they exchange a number each.
    """

    parent: Work
    child: Work
    pair: Work
    network: int
    file: int
    held: int
    working: int
    gathered: int


def cost_of(comparison: FeatureComparison, *, file: int | None = None) -> Cost:
    """Counts what a comparison costs.

    The program of one parent and two children does one pair more than that of one parent and one child; the rest is
    the parent's. For fully connected networks with a shared first layer these are the operations of the analytic model,
    2 N S a forward pass and 4 N (S - w_1) a pair, for N probes and S weights, w_1 of them in the first layer.

    Args:
        comparison: by features.
        file: bytes of a network on disk; as many as in memory if not given.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lineage_jax import pairs, similarity
        >>> networks = {"a": {"w": jnp.ones((30, 20))}}
        >>> comparison = pairs.feature_comparison(
        ...     pairs.first_look(networks, networks, held=()),
        ...     pairs.Scoring(lambda params, x: x @ params["w"], (similarity.linear_cka,), ("taylor",), ()),
        ...     measures=("cka",), probes=jnp.ones((50, 30)), alphas=(0.0,), memory=None,
        ... )
        >>> cost = cost_of(comparison)
        >>> cost.network, cost.gathered, cost.pair.operations >= 2 * 50 * 30 * 20
        (2400, 4000, True)
    """
    one, two = (traced(comparison, parents=1, children=children) for children in (1, 2))
    whole = work_of(one.score_pairs)
    pair = work_of(two.score_pairs).minus(whole)
    pieces = math.ceil(len(comparison.probes) / comparison.plan.pieces.rows)
    couples = not all(map(is_mean_over_examples, comparison.scoring.measures))
    return Cost(
        parent=whole.minus(pair).times(pieces),
        child=work_of(one.see_all).times(pieces),
        pair=pair.times(pieces),
        network=one.network,
        file=one.network if file is None else file,
        held=one.held,
        working=one.working,
        gathered=one.features if couples else 0,
    )
