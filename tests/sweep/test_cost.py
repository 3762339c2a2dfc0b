"""What a sweep costs is counted from its programs, loops as often as they turn, and agrees with the analytic model."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import linearize, models, pairs, similarity, sweep

N = 1024
WIDTHS = (784, 1024, 256, 128)
WEIGHTS = [fan_in * width for fan_in, width in itertools.pairwise(WIDTHS)]


def comparison_of(feature_fn, variables, probes, *, measures, forms=("taylor",), alphas=(0.0, 0.1), memory=2**34):
    networks = {"a": variables}
    return pairs.feature_comparison(
        pairs.first_look(networks, networks, held=()),
        pairs.Scoring(feature_fn, tuple(measures), tuple(forms), ()),
        measures=tuple(map(str, range(len(measures)))),
        probes=probes,
        alphas=alphas,
        memory=memory,
    )


def fully_connected():
    layers = {
        f"fc{number}": {"kernel": np.zeros((fan_in, width), np.float32), "bias": np.zeros(width, np.float32)}
        for number, (fan_in, width) in enumerate(itertools.pairwise((*WIDTHS, 10)), start=1)
    }
    return {"params": layers}


def dense(params, x):
    return x @ params["w"]


def test_operations_are_those_of_the_analytic_model():
    comparison = comparison_of(
        linearize.features_of(models.fc(), ("relu3",)),
        fully_connected(),
        jnp.zeros((N, 28, 28, 1)),
        measures=(similarity.l1, similarity.l2, similarity.lp, similarity.lse),
    )
    cost = sweep.cost_of(comparison)
    forward, pair = 2 * N * sum(WEIGHTS), 4 * N * sum(WEIGHTS[1:])
    for counted, model in ((cost.parent, forward), (cost.child, forward), (cost.pair, pair)):
        # biases, rectifiers, differences and measures are beside the products of the model: 1 to 4 % of them
        assert 1.0 <= counted.operations / model <= 1.05


def test_without_a_shared_first_layer_a_pair_is_a_backward_pass_of_the_model():
    features = linearize.features_of(models.fc(), ("relu3",))
    comparison = comparison_of(
        lambda variables, x: features(variables, x),
        fully_connected(),
        jnp.zeros((N, 28, 28, 1)),
        measures=(similarity.l1,),
    )
    model = 2 * N * (2 * sum(WEIGHTS) - WEIGHTS[0])
    assert 1.0 <= sweep.cost_of(comparison).pair.operations / model <= 1.05


def test_bytes_are_those_of_the_arrays():
    comparison = comparison_of(dense, {"w": jnp.ones((30, 20))}, jnp.ones((50, 30)), measures=(similarity.l1,))
    cost = sweep.cost_of(comparison)
    assert (cost.network, cost.file, cost.gathered) == (30 * 20 * 4, 30 * 20 * 4, 0)
    assert cost.held >= 50 * 20 * 4
    assert sweep.cost_of(comparison, file=7).file == 7


def test_features_are_gathered_only_for_measures_that_couple_examples():
    for measures, gathered in (((similarity.l1, similarity.l2), 0), ((similarity.l1, similarity.linear_cka), 4000)):
        comparison = comparison_of(dense, {"w": jnp.ones((30, 20))}, jnp.ones((50, 30)), measures=measures)
        assert sweep.cost_of(comparison).gathered == gathered


def test_probes_that_are_shown_in_pieces_cost_as_much_as_in_one():
    numbers = {"w": jnp.ones((200, 200))}
    shown = jnp.ones((128, 200))
    whole, cut = (
        comparison_of(lambda params, x: jnp.tanh(x @ params["w"]), numbers, shown, measures=(similarity.l1,), memory=m)
        for m in (2**30, 2**20)
    )
    assert cut.plan.pieces.rows < whole.plan.pieces.rows == 128
    costs = [sweep.cost_of(comparison).pair.operations for comparison in (whole, cut)]
    # the difference of the weights is taken once a piece
    assert costs[0] <= costs[1] <= 1.02 * costs[0]


def test_every_turn_of_a_loop_counts():
    square = jax.ShapeDtypeStruct((20, 20), jnp.float32)

    def chain(turns):
        inner = lambda _, x: jax.lax.fori_loop(0, 2, lambda _, x: x @ x, x)
        return sweep.work_of(jax.make_jaxpr(lambda x: jax.lax.fori_loop(0, turns, inner, x))(square))

    product, read_and_written = 2 * 20**3, 3 * 20 * 20 * 4
    beyond = chain(8).minus(chain(5))
    assert beyond.operations == pytest.approx(3 * 2 * product, rel=0.01)  # loop counters add a few
    assert beyond.traffic == 3 * 2 * read_and_written


def test_every_alpha_of_the_exact_form_counts():
    costs = [
        sweep.cost_of(
            comparison_of(
                dense,
                {"w": jnp.ones((30, 20))},
                jnp.ones((50, 30)),
                measures=(similarity.linear_cka,),
                forms=("exact",),
                alphas=alphas,
            )
        ).pair.operations
        for alphas in ((0.1,), (0.1, 0.2), (0.1, 0.2, 0.3))
    ]
    first, second = np.diff(costs)
    assert first == second >= 2 * 50 * 20 * 20


def test_without_loops_operations_are_those_that_xla_counts():
    network = models.convnet()
    images = jax.ShapeDtypeStruct((4, 28, 28, 1), jnp.float32)
    variables = jax.eval_shape(network.init, jax.random.key(0), images)
    forward = lambda variables, x: network.apply(variables, x)
    counted = sweep.work_of(jax.make_jaxpr(forward)(variables, images)).operations
    by_xla = jax.jit(forward).lower(variables, images).cost_analysis()["flops"]
    # XLA leaves out products with the zeros around an image: a twentieth of a 3 x 3 window at 28 pixels, more at 7
    assert 1.0 <= counted / by_xla <= 1.2


def test_nothing_is_read_or_run(monkeypatch):
    comparison = comparison_of(dense, {"w": jnp.ones((30, 20))}, jnp.ones((50, 30)), measures=(similarity.l1,))
    monkeypatch.setattr(type(comparison), "prepare", None)
    monkeypatch.setattr(type(comparison), "compare", None)
    with jax.transfer_guard("disallow"):
        assert sweep.cost_of(comparison) == sweep.cost_of(comparison)
