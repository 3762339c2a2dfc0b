"""A polynomial is its own Taylor expansion."""

import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import linearize

CUBIC = lambda w, x: x * w**3


def test_a_cubic_is_reproduced_by_three_orders():
    parent, child, x = jnp.full(1, 1.0), jnp.full(1, 3.0), jnp.ones((2, 1))
    terms = linearize.taylor_terms(CUBIC, parent, child, x, degree=3)
    np.testing.assert_allclose([t[0, 0] for t in terms], [1, 6, 12, 8], rtol=1e-6)  # float32 rounding
    second = linearize.predict_second_order(CUBIC, parent, child, x, alpha=0.5)
    np.testing.assert_allclose(second, 1 + 3 + 3, rtol=1e-6)  # float32 rounding


def test_a_negative_degree_is_refused():
    with pytest.raises(ValueError, match="expected degree of at least 0, got -1"):
        linearize.taylor_terms(CUBIC, jnp.ones(1), jnp.ones(1), jnp.ones((1, 1)), degree=-1)
