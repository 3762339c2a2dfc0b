"""The Taylor form is the exact form to first order in alpha: halving alpha quarters their difference."""

import jax
import numpy as np
import pytest

from lineage_jax import lineage, linearize, models, similarity

ALPHA = 1e-3
"""Small enough that no ReLU difference changes its sign on the way, large enough for float64 to see its square."""

MEASURES = {
    "l2": similarity.l2,
    "cka": similarity.linear_cka,
    "dc": similarity.distance_correlation,
    "cosine": similarity.cosine,
    "lse": similarity.lse,
}


@pytest.fixture(scope="module")
def differences():
    """Exact minus Taylor form by measure, at ALPHA and at half of it, for one pair of related networks."""
    network = models.fc(widths=(16, 12, 8))
    with jax.enable_x64(True):
        first, second, third = jax.random.split(jax.random.key(0), 3)
        probes = jax.random.normal(first, (20, 6, 6, 1))
        parent, noise = (models.init(network, key, (6, 6, 1)) for key in (second, third))
        child = jax.tree.map(lambda p, e: p + 0.3 * e, parent, noise)
        scores = lineage.score(
            linearize.features_of(network, ("relu3",)),
            {"parent": parent},
            {"child": child},
            probes,
            measures=MEASURES,
            alphas=(ALPHA, ALPHA / 2),
            forms=("exact", "taylor"),
        ).squeeze()
    # the l2 norm is expanded before its root is taken: compare the powers
    scores.loc[{"measure": "l2"}] = -(scores.sel(measure="l2") ** 2)
    return scores.sel(form="exact") - scores.sel(form="taylor")


@pytest.mark.parametrize("measure", MEASURES)
def test_exact_and_taylor_form_differ_in_second_order_of_alpha(differences, measure):
    whole, half = np.abs(differences.sel(measure=measure).values)
    np.testing.assert_allclose(np.log2(whole / half), 2.0, atol=0.05)
