"""Position embeddings at other image sizes are those of timm and of torchvision."""

import numpy as np
import pytest

import converters
from tests.oracles.torch_networks import timm, torchvision

RESAMPLERS = (converters.resample_positions, converters.interpolate_positions)
POSITIONS = np.random.default_rng(0).normal(size=(1, 1 + 14 * 14, 5)).astype(np.float32)


@pytest.mark.torch
@pytest.mark.parametrize("grid", [(24, 24), (7, 7), (10, 17), (1, 1)])
def test_areas_are_resampled_as_timm_does(grid):
    import torch

    expected = timm().layers.resample_abs_pos_embed(torch.from_numpy(POSITIONS), list(grid)).numpy()
    # timm works in float32, in which a place among 14 rows is known to 1e-6
    np.testing.assert_allclose(converters.resample_positions(POSITIONS, grid), expected, atol=1e-5)


@pytest.mark.torch
@pytest.mark.parametrize("side", [24, 15, 7, 1])
def test_corners_are_kept_as_torchvision_does(side):
    import torch

    positions = POSITIONS.astype(np.float64)
    state = {"encoder.pos_embedding": torch.from_numpy(positions)}
    resized = torchvision().models.vision_transformer.interpolate_embeddings(16 * side, 16, state)
    expected = resized["encoder.pos_embedding"].numpy()
    # float64 sums of sixteen products of order one
    np.testing.assert_allclose(converters.interpolate_positions(positions, (side, side)), expected, atol=1e-12)


@pytest.mark.parametrize("resample", RESAMPLERS)
def test_the_class_token_and_an_unchanged_grid_stay(resample):
    np.testing.assert_array_equal(resample(POSITIONS, (5, 6))[:, 0], POSITIONS[:, 0])
    # weights of one and zero, but for rounding in float64
    np.testing.assert_allclose(resample(POSITIONS, (14, 14)), POSITIONS, atol=1e-6)


@pytest.mark.parametrize("resample", RESAMPLERS)
@pytest.mark.parametrize("grid", [(30, 30), (3, 5)])
def test_constant_positions_stay_constant(resample, grid):
    # rows of weights sum to one
    np.testing.assert_allclose(resample(np.full((1, 17, 2), 3.0), grid), 3.0, rtol=1e-12)


@pytest.mark.parametrize("resample", RESAMPLERS)
@pytest.mark.parametrize("shape", [(1, 6, 3), (2, 5, 3), (5, 3), (1, 1, 3)])
def test_positions_without_class_token_or_square_grid_are_refused(resample, shape):
    with pytest.raises(ValueError, match=r"expected positions \[1, 1 \+ side \* side, d\] of a class token"):
        resample(np.zeros(shape), (2, 2))
