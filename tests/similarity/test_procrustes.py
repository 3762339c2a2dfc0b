import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax.similarity import _procrustes
from tests.oracles import factorisations as oracle

procrustes, squared_procrustes, angular_procrustes = map(
    jax.jit, (_procrustes.procrustes, _procrustes.squared_procrustes, _procrustes.angular_procrustes)
)

FORMS = {"procrustes": procrustes, "squared_procrustes": squared_procrustes, "angular_procrustes": angular_procrustes}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("size", [1e-1, 1e-2, 1e-3, 1e-4])
def test_near_features_are_told_apart_in_single_precision(name, size, key):
    first, second = jax.random.normal(key, (2, 200, 16))
    a, b = first, first + size * second
    expected = getattr(oracle, name)(np.asarray(a), np.asarray(b))
    # entries rounded at eps against a difference of `size`, averaged over 3200 of them; 2 - 2s would lose all at 1e-4
    np.testing.assert_allclose(FORMS[name](a, b), expected, rtol=1e-4)


@pytest.mark.parametrize("metric", [procrustes, angular_procrustes])
def test_the_triangle_inequality_holds(metric, key):
    a, b, c = jax.random.normal(key, (3, 10, 4))
    for near in (b, a + 0.1 * b, a[:, :2]):
        assert -metric(a, c) <= -metric(a, near) - metric(near, c) + 1e-6  # rounding of the sum


def test_the_residual_is_two_minus_twice_the_nuclear_norm(related):
    with jax.enable_x64(True):
        a, b = (oracle.centred(x) / np.linalg.norm(oracle.centred(x)) for x in related)
        similarity = np.linalg.svd(a.T @ b)[1].sum()
        double = [x.astype(jnp.float64) for x in related]
        # float64 rounding
        np.testing.assert_allclose(squared_procrustes(*double), 2 * similarity - 2, rtol=1e-10)
        np.testing.assert_allclose(angular_procrustes(*double), -np.arccos(similarity), rtol=1e-10)


def test_features_of_zeros_change_nothing(related):
    a, b = related
    padded = jnp.pad(b, ((0, 0), (0, 3)))
    np.testing.assert_allclose(procrustes(a, padded), procrustes(a, b), rtol=1e-6)  # rounding


def test_orthogonal_features_are_furthest():
    a = jnp.array([[1.0], [-1.0], [1.0], [-1.0]])
    b = jnp.array([[1.0], [1.0], [-1.0], [-1.0]])
    np.testing.assert_allclose(squared_procrustes(a, b), -2.0, rtol=1e-6)  # rounding


def test_invertible_maps_that_are_no_rotation_are_noticed(related):
    a, _ = related
    assert procrustes(a, a * jnp.array([10.0, 1.0, 1.0, 1.0, 1.0])) < -0.1
