"""Units are found again although what they read was rotated."""

import numpy as np
import pytest

from lineage_jax import symmetry


def test_rotation_order_sign_length_and_noise_do_not_hide_units():
    rng = np.random.default_rng(0)
    units, order = rng.normal(size=(128, 48)), rng.permutation(128)
    rotation = np.linalg.qr(rng.normal(size=(48, 48)))[0]
    child = units + 0.05 * rng.normal(size=units.shape)
    laundered = child @ rotation * np.exp(0.5 * rng.normal(size=(128, 1))) * rng.choice([-1, 1], size=(128, 1))
    assert (symmetry.match_by_inner_products(units[order], laundered) == order).all()


def test_strangers_are_matched_by_chance():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 128, 48))
    assert (symmetry.match_by_inner_products(a, b) == np.arange(128)).sum() < 10  # one of 128 is expected


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="expected as many units in both networks, got 3 and 4"):
        symmetry.match_by_inner_products(np.ones((3, 2)), np.ones((4, 2)))
    with pytest.raises(ValueError, match="expected finite weights"):
        symmetry.match_by_inner_products(np.full((3, 2), np.nan), np.ones((3, 2)))
