"""Pairs of feature matrices that the tests of every measure share."""

import jax
import jax.numpy as jnp
import jaxtyping
import pytest


@pytest.fixture(params=[(1, 3), (12, 1), (12, 5), (6, 20)], ids=lambda shape: f"{shape[0]}x{shape[1]}")
def pair(request, key):
    """Correlated features: few and many examples for their width, one example, one feature."""
    first, second = jax.random.normal(key, (2, *request.param))
    return first, first + 0.5 * second + 0.1


@pytest.fixture
def related(key):
    """One correlated pair of ordinary shape [12, 5]."""
    first, second = jax.random.normal(key, (2, 12, 5))
    return first, first + 0.5 * second + 0.1


@pytest.fixture
def rotation(key):
    """An orthogonal 5 x 5 matrix."""
    return jnp.linalg.qr(jax.random.normal(key, (5, 5)))[0]


@pytest.fixture
def unchecked_shapes():
    """Turns the tests' shape checking off, so that the library's own refusals are seen as a user sees them."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
