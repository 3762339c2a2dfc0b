"""Weights in other forms and arrays that are no weights, told from arrays by name alone."""

import ml_dtypes
import numpy as np
import pytest

from converters import UnreadableFile
from converters._buffers import buffers_of
from converters._forms import plain
from converters._unreadable import Budget

RNG = np.random.default_rng(0)
KERNEL = RNG.normal(size=(6, 4)).astype(np.float32)
INTS = RNG.integers(-127, 128, (6, 4)).astype(np.int8)


def brought(arrays, limit=1 << 20):
    return plain(arrays, Budget(limit))


def test_plain_arrays_stay_the_views_they_were():
    arrays = {
        "a.weight": KERNEL,
        "a.bias": KERNEL[0],
        "n.running_mean": KERNEL[1],
        "n.num_batches_tracked": np.array(3),
    }
    found = brought(arrays)
    assert list(found.tensors) == list(arrays)
    assert all(found.tensors[name] is array for name, array in arrays.items())
    assert (found.notes, found.unresolved) == ((), {})
    assert found.buffers == {"n.num_batches_tracked": "counter of batches"}


def test_a_plain_weight_takes_the_place_of_its_first_part():
    norm = np.full((6, 1), 2.0, np.float32)
    found = brought({"a.bias": KERNEL[0], "b.weight_g": norm, "z": KERNEL[1], "b.weight_v": KERNEL})
    assert list(found.tensors) == ["a.bias", "b.weight", "z"]
    np.testing.assert_allclose(np.linalg.norm(found.tensors["b.weight"], axis=1), 2, rtol=1e-6)


def test_names_that_only_look_like_a_form_are_left_alone():
    arrays = {"proj_g": KERNEL, "proj_v": KERNEL.T.copy(), "x_orig": KERNEL[0], "y_mask_weight": KERNEL}
    found = brought(arrays)
    assert list(found.tensors) == list(arrays)
    assert (found.notes, found.unresolved, found.buffers) == ((), {}, {})


def test_an_original_without_what_turns_it_into_a_weight_is_named():
    found = brought({"a.weight_orig": KERNEL, "a.bias": KERNEL[0]})
    assert list(found.unresolved) == ["a.weight_orig"]
    assert found.notes == (
        "not compared: 'a.weight_orig': reparametrisation: what turns the original into the weight is not in the file",
    )


def test_spectral_norm_of_old_without_the_right_vector():
    u = np.linalg.svd(KERNEL.astype(np.float64))[0][:, 0].astype(np.float32)
    found = brought({"a.weight_orig": 3 * KERNEL, "a.weight_u": u, "a.weight": KERNEL})
    assert list(found.tensors) == ["a.weight"]
    assert np.linalg.svd(found.tensors["a.weight"])[1][0] == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize(
    ("beside", "scale", "expected"),
    [
        ("weight_scale", np.array(0.5), INTS * 0.5),
        ("weight_scale", np.arange(1.0, 7), INTS * np.arange(1.0, 7)[:, None]),
        ("scales", np.arange(1.0, 7)[:, None], INTS * np.arange(1.0, 7)[:, None]),
        ("scale", np.arange(1.0, 5), INTS * np.arange(1.0, 5)),
        ("scale", np.arange(1.0, 5)[None], INTS * np.arange(1.0, 5)),
        ("SCB", np.arange(1.0, 7), INTS * np.arange(1.0, 7)[:, None] / 127),
        ("weight_scale", np.arange(1.0, 13).reshape(6, 2), INTS * np.arange(1.0, 13).reshape(6, 2).repeat(2, 1)),
    ],
)
def test_int8_with_a_scale_for_all_a_row_a_column_or_a_block(beside, scale, expected):
    found = brought({"a.weight": INTS, f"a.{beside}": scale.astype(np.float32), "a.bias": KERNEL[0]})
    assert list(found.tensors) == ["a.weight", "a.bias"]
    assert found.tensors["a.weight"].dtype == np.float32
    np.testing.assert_allclose(found.tensors["a.weight"], expected, rtol=1e-6)
    assert found.notes == ("1 weight was brought to its plain form: int8 with a scale 'a.weight'",)


def test_zero_points_are_taken_off():
    zeros, scale = np.arange(6, dtype=np.int8)[:, None], np.full((6, 1), 0.25, np.float32)
    found = brought({"a.weight": INTS, "a.weight_scale": scale, "a.weight_zero_point": zeros})
    np.testing.assert_array_equal(found.tensors["a.weight"], (INTS.astype(np.float32) - zeros) * 0.25)


def test_float8_with_scales_of_blocks_whose_last_is_cut():
    weight = RNG.normal(size=(200, 256)).astype(ml_dtypes.float8_e4m3fn)
    scale = np.array([[1, 2], [3, 4]], np.float32)
    found = brought({"a.weight": weight, "a.weight_scale_inv": scale})
    spread = scale.repeat(128, 0)[:200].repeat(128, 1)
    np.testing.assert_array_equal(found.tensors["a.weight"], weight.astype(np.float32) * spread)
    assert brought({"a.weight": weight}).tensors["a.weight"] is weight


def test_an_object_of_numbers_and_scales_is_one_weight():
    found = brought({"a.weight._data": INTS, "a.weight._scale": np.full((6, 1), 0.5, np.float32)})
    np.testing.assert_array_equal(found.tensors["a.weight"], INTS * np.float32(0.5))


def test_whole_numbers_that_stay_are_no_weights():
    found = brought({"a.weight": INTS, "b.weight": INTS, "b.scale": np.ones(5, np.float32), "c": INTS})
    assert found.unresolved == {
        "a.weight": "whole numbers (int8) without a scale",
        "b.weight": "int8 with a scale: a scale of shape (5,) does not fit a weight of shape (6, 4)",
        "b.scale": "int8 with a scale: a scale of shape (5,) does not fit a weight of shape (6, 4)",
    }
    assert found.buffers == {"c": "whole numbers"}


def test_weights_packed_in_bits_are_named_and_their_bias_stays():
    packed = {"a.qweight": INTS.astype(np.int32), "a.qzeros": INTS.astype(np.int32), "a.scales": KERNEL}
    found = brought({**packed, "a.g_idx": np.arange(6), "a.bias": KERNEL[0]})
    assert found.unresolved.keys() == {*packed, "a.g_idx"}
    assert "a.bias" not in found.unresolved | found.buffers
    nf4 = {"b.weight": INTS.view(np.uint8), "b.weight.absmax": KERNEL[0], "b.weight.quant_map": KERNEL[1]}
    assert brought(nf4).unresolved.keys() == nf4.keys()


def test_adapters_are_left_out_and_their_base_gets_its_own_names():
    low = {
        "base_model.model.q.lora_A.default.weight": KERNEL,
        "base_model.model.q.lora_B.default.weight": KERNEL,
        "base_model.model.e.lora_embedding_A.default": KERNEL,
        "base_model.model.q.lora_magnitude_vector.default.weight": KERNEL[0],
    }
    found = brought(
        {
            "base_model.model.q.base_layer.weight": KERNEL,
            "base_model.model.q.base_layer.bias": KERNEL[0],
            **low,
            "base_model.model.e.base_layer.weight": KERNEL,
            "base_model.model.head.original_module.weight": KERNEL,
            "base_model.model.head.modules_to_save.default.weight": KERNEL + 1,
            "base_model.model.norm.weight": KERNEL[0],
        }
    )
    weights = {name: array for name, array in found.tensors.items() if name not in found.unresolved}
    assert list(weights) == ["q.weight", "q.bias", "e.weight", "head.weight", "norm.weight"]
    assert weights["q.weight"] is KERNEL
    np.testing.assert_array_equal(weights["head.weight"], KERNEL + 1)
    assert found.unresolved.keys() == {*low, "base_model.model.head.original_module.weight"}
    assert any("lora_A.default.weight' and 3 more: adapter: an adapter" in note for note in found.notes)


def test_low_rank_leaves_beside_a_weight_are_left_out_and_alone_they_are_what_they_are():
    beside = {"q.weight": KERNEL, "q.lora_A": KERNEL, "q.lora_B": KERNEL}
    assert brought(beside).unresolved.keys() == {"q.lora_A", "q.lora_B"}
    alone = {"q.lora_A": KERNEL, "q.lora_B": KERNEL}
    assert brought(alone).unresolved == {}


def test_what_is_computed_is_paid_for():
    arrays = {"a.weight_g": np.ones((600, 1), np.float32), "a.weight_v": np.ones((600, 400), np.float32)}
    with pytest.raises(UnreadableFile, match="at most 1048576 bytes"):
        brought(arrays)
    assert "a.weight" in brought(arrays, 1 << 24).tensors


def sines(count, width):
    angles = np.arange(count)[:, None] / 100 ** (np.arange(width // 2) / width)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)[None]


BUFFERS = {
    "queue": KERNEL,
    "module.queue_ptr": np.array([3]),
    "layers.0.grid": np.linspace(-1, 1, 12, dtype=np.float32).reshape(1, 12).repeat(4, 0),
    "model.24.anchors": np.abs(KERNEL),
    "model.24.anchor_grid": np.abs(KERNEL),
    "model.24.stride": np.array([8.0, 16.0, 32.0]),
    "layers.0.attn.relative_position_index": np.arange(16).reshape(4, 4),
    "layers.0.attn.relative_coords_table": KERNEL,
    "layers.0.attn_mask": np.where(np.eye(4), 0, -100).astype(np.float32),
    "h.0.attn.bias": np.tri(4, dtype=np.float32)[None, None],
    "pos_embed": sines(10, 8),
    "mae.pos_embed": np.concatenate([np.zeros((1, 1, 8), np.float32), sines(9, 8)], axis=1),
    "pos_encoder.pe": sines(12, 6).transpose(1, 0, 2),
    "embed_positions.weight": sines(12, 6)[0],
    "rotary_emb.inv_freq": np.array([1.0, 0.1, 0.01]),
    "conv.activation_post_process.min_val": np.array(0.5),
    "weight_fake_quant.scale": np.array([0.1]),
    "total_ops": np.array([1e9]),
    "layer1.total_params": np.array([5.0]),
    "criterion.weight": np.array([0.2, 0.8]),
    "dino_loss.center": KERNEL,
    "val_acc.correct": np.array(3.5),
    "pixel_mean": np.array([[[123.7]], [[116.3]], [[103.5]]]),
    "std": np.array([0.2, 0.3, 0.25]),
    "model_ema.decay": np.array(0.9999),
    "num_updates": np.array(7.0),
    "alphas_cumprod": np.cumprod(np.full(9, 0.9)),
    "convs.0.conv.blur.kernel": np.outer([1, 3, 3, 1], [1, 3, 3, 1]).astype(np.float32) / 64,
    "any_name": np.linspace(0.1, 0.9, 20, dtype=np.float32),
    "codes": RNG.integers(0, 9, 30).astype(np.float32),
    "freqs_cis": np.exp(1j * np.arange(8)).astype(np.complex64),
    "quant.zero_point": np.array([3]),
    "quant.scale": np.array([0.1], np.float32),
}

WEIGHTS = {
    "conv.weight": np.arange(24.0).reshape(6, 4),
    "bn.weight": np.ones(16, np.float32),
    "bn.bias": np.zeros(16, np.float32),
    "bn.running_mean": np.zeros(3, np.float32),
    "bn.running_var": np.ones(3, np.float32),
    "pos_embed": RNG.normal(size=(1, 10, 8)),
    "relative_position_bias_table": KERNEL,
    "grid": RNG.normal(size=(1, 4, 5, 5)),
    "cls_token": np.zeros((1, 1, 16), np.float32),
    "mask_token": RNG.normal(size=(1, 1, 16)),
    "logit_scale": np.array(2.6592),
    "in_proj_weight": KERNEL,
    "query": KERNEL,
    "latents": np.zeros((4, 4), np.float32),
    "step_embed": RNG.normal(size=(4, 4)),
    "weights1": (KERNEL + 1j * KERNEL).astype(np.complex64),
}


@pytest.mark.parametrize("name", BUFFERS)
def test_what_was_not_learned_is_a_buffer(name):
    beside = {other: array for other, array in BUFFERS.items() if other.startswith("quant.")}
    assert name in buffers_of({name: BUFFERS[name], **beside})


@pytest.mark.parametrize("name", WEIGHTS)
def test_what_was_learned_is_none(name):
    assert buffers_of({name: WEIGHTS[name]}) == {}
