"""Subspaces and singular values, and what all the measures made of them have in common."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from lineage_jax.similarity import _cca, _procrustes, _regression
from lineage_jax.similarity._subspace import nuclear_norm, subspace
from lineage_jax.similarity._taylor import taylor
from tests.oracles import factorisations as oracle

pytestmark = pytest.mark.long

MEASURES = {
    "mean_cca": jax.jit(_cca.mean_cca),
    "mean_squared_cca": jax.jit(_cca.mean_squared_cca),
    "svcca": jax.jit(_cca.svcca),
    "pwcca": jax.jit(_cca.pwcca),
    "ridge_cca": jax.jit(_cca.ridge_cca),
    "procrustes": jax.jit(_procrustes.procrustes),
    "squared_procrustes": jax.jit(_procrustes.squared_procrustes),
    "angular_procrustes": jax.jit(_procrustes.angular_procrustes),
    "linear_regression_r2": jax.jit(_regression.linear_regression_r2),
}
LOWEST = {"procrustes": -np.sqrt(2), "squared_procrustes": -2.0, "angular_procrustes": -np.pi / 2}
ASYMMETRIC = ["pwcca", "linear_regression_r2"]
SAID_BY_OTHERS = ("mean_squared_cca", "squared_procrustes")
"""Sums of the same numbers as others'."""
every_measure = pytest.mark.parametrize("name", MEASURES)
every_kind = pytest.mark.parametrize("name", [name for name in MEASURES if name not in SAID_BY_OTHERS])

GRID = jnp.arange(24.0).reshape(8, 3) % 5
SINGULAR = {
    "zeros": jnp.zeros((8, 3)),
    "constant": jnp.full((8, 3), 0.1),
    "one constant feature": GRID.at[:, 1].set(0.3),
    "equal features": GRID.at[:, 1].set(GRID[:, 0]),
    "equal examples": jnp.concatenate([GRID[:4], GRID[:4]]),
    "rank 1": jnp.outer(GRID[:, 0], jnp.arange(1.0, 4.0)),
    "orthonormal": jnp.eye(8, 3),
    "wide": jnp.cos(jnp.arange(96.0) ** 2).reshape(8, 12),
}


@functools.cache  # compiled once for all cases of a shape
def value_and_slopes(name):
    return jax.jit(jax.value_and_grad(MEASURES[name], argnums=(0, 1)))


@pytest.fixture
def unequal(key):
    """Correlated float32 features of widths 4 and 6."""
    first, second = jax.random.normal(key, (2, 20, 6))
    return first[:, :4], first + second + 0.1


@every_measure
def test_measure_agrees_with_its_oracle(name, unequal, related):
    for pair in (unequal, unequal[::-1], related):
        expected = getattr(oracle, name)(*map(np.asarray, pair))
        # float32 rounding of the factorisations
        np.testing.assert_allclose(MEASURES[name](*pair), expected, rtol=1e-5)


@every_measure
def test_measure_agrees_with_its_oracle_in_double_precision(name, unequal):
    with jax.enable_x64(True):
        a, b = (x.astype(jnp.float64) for x in unequal)
        score = MEASURES[name](a, b)
        assert score.dtype == jnp.float64
        # float64 rounding; the oracle squares the condition number
        np.testing.assert_allclose(score, getattr(oracle, name)(np.asarray(a), np.asarray(b)), rtol=1e-10)


@every_kind
def test_shift_scale_and_rotation_go_unnoticed(name, related, rotation):
    a, b = related
    if name == "pwcca":  # whose weights look at the first side's single features
        moved = MEASURES[name](5 + 300 * a, 0.01 * b @ rotation)
    else:
        moved = MEASURES[name](5 + 300 * a @ rotation, 0.01 * b)
    # the shifted features are rounded to float32
    np.testing.assert_allclose(moved, MEASURES[name](a, b), rtol=1e-5)


@every_measure
def test_symmetric_unless_said_otherwise(name, unequal):
    a, b = unequal
    there, back = MEASURES[name](a, b), MEASURES[name](b, a)
    # the two orders may round differently
    assert np.allclose(there, back, rtol=1e-5) == (name not in ASYMMETRIC)


@every_measure
@pytest.mark.parametrize("n", [8, 1])
def test_constant_features_score_lowest(name, n, key):
    constant, other = (n, 3), jax.random.normal(key, (n, 3))
    for pair in ((jnp.full(constant, 0.1), other), (other, jnp.full(constant, 0.1)), (jnp.zeros(constant), other)):
        np.testing.assert_allclose(MEASURES[name](*pair), LOWEST.get(name, 0.0), rtol=1e-6)


@every_measure
def test_two_examples_are_always_alike(name):
    a, b = jnp.array([[0.0, 1.0], [2.0, 1.0]]), jnp.array([[3.0], [7.0]])
    ridged = oracle.ridge_cca(a, b)
    best = 0.0 if name in LOWEST else ridged if name == "ridge_cca" else 1.0
    # one direction on either side; a distance is the root of rounding
    np.testing.assert_allclose(MEASURES[name](a, b), best, rtol=1e-6, atol=1e-6)


@every_kind
@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf])
def test_a_diverged_network_scores_nan(name, bad, unequal):
    a, b = unequal
    for other in (b, jnp.zeros_like(b)):
        assert jnp.isnan(MEASURES[name](a.at[2, 1].set(bad), other))
        assert jnp.isnan(MEASURES[name](other, a.at[2, 1].set(bad)))


@every_kind
def test_derivative_is_that_of_finite_differences(name, unequal):
    with jax.enable_x64(True):
        a, b = (x.astype(jnp.float64) for x in unequal)
        check_grads(MEASURES[name], (a, b), order=1, modes=["fwd", "rev"], rtol=1e-5)


@every_kind
def test_derivative_holds_for_features_that_lack_a_rank(name, unequal):
    with jax.enable_x64(True):
        a, b = (x.astype(jnp.float64) for x in unequal)
        lacking = lambda x: MEASURES[name](jnp.concatenate([x, x[:, :1] - x[:, 1:2]], axis=1), a)
        check_grads(jax.jit(lacking), (b,), order=1, modes=["fwd", "rev"], rtol=1e-5)  # the wider side comes first here


@every_kind
@pytest.mark.parametrize("case", SINGULAR)
def test_value_and_derivative_are_finite_where_singular(name, case):
    a = SINGULAR[case]
    for other in (a,) if case == "wide" else (a, GRID, SINGULAR["constant"]):
        value, slopes = value_and_slopes(name)(a, other)
        assert jnp.isfinite(value)
        assert all(jnp.isfinite(slope).all() for slope in slopes)


@every_kind
def test_jit_and_vmap_change_nothing(name, unequal):
    a, b = unequal
    batch = jnp.stack([a, 2 * a[::-1], jnp.sin(a)])
    along = lambda x: jax.jvp(lambda y: MEASURES[name](y, b), (x,), (jnp.cos(x),))
    together = jax.jit(jax.vmap(along))(batch)
    alone = [jnp.stack(column) for column in zip(*map(jax.jit(along), batch), strict=True)]
    # float32 rounding in another order
    np.testing.assert_allclose(together, alone, rtol=2e-4, atol=1e-5)


@every_kind
def test_half_precision_is_accumulated_in_single_precision(name, related):
    half = [x.astype(jnp.bfloat16) for x in related]
    score = MEASURES[name](*half)
    assert score.dtype == jnp.float32
    assert score == MEASURES[name](*(x.astype(jnp.float32) for x in half))


@every_measure
@pytest.mark.usefixtures("unchecked_shapes")
def test_features_of_other_examples_are_refused(name):
    with pytest.raises(ValueError, match="same examples"):
        MEASURES[name](jnp.ones((3, 2)), jnp.ones((4, 2)))


@every_kind
def test_the_taylor_slope_is_that_of_finite_differences(name, unequal):
    with jax.enable_x64(True):
        a, b = (x.astype(jnp.float64) for x in unequal)
        tangent, h = jnp.cos(a), 1e-5
        expand = jax.jit(lambda a, tangent, b: taylor(MEASURES[name], a, tangent, b, alpha=1.0))
        slope = expand(a, tangent, b) - MEASURES[name](a, b)
        central = (MEASURES[name](a + h * tangent, b) - MEASURES[name](a - h * tangent, b)) / (2 * h)
        np.testing.assert_allclose(slope, central, rtol=1e-7, atol=1e-9)  # error of h^2


def test_a_subspace_is_that_of_the_matrix(related):
    a, _ = related
    span = subspace(jnp.concatenate([a, a[:, :2]], axis=1))
    assert span.rank == 5
    assert not span.basis[:, 5:].any()
    # float32 rounding
    np.testing.assert_allclose(span.basis @ (span.basis.T @ a), a, atol=1e-5)


def test_a_share_keeps_the_fewest_directions_that_explain_it():
    a = jnp.diag(jnp.array([8.0, 4.0, 2.0, 1.0]))  # squares 64, 16, 4, 1 of 85
    assert [int(subspace(a, share).rank) for share in (0.5, 0.76, 0.95, 0.98, 1.0)] == [1, 2, 3, 3, 4]


def test_nuclear_norm_has_a_derivative_at_repeated_and_zero_values():
    repeated = jnp.diag(jnp.array([2.0, 2.0, 0.0]))
    np.testing.assert_allclose(jax.grad(nuclear_norm)(repeated), jnp.diag(jnp.array([1.0, 1.0, 0.0])), atol=1e-6)
