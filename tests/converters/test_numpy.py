"""Networks as numpy, pickle and JAX leave them: every array bit for bit, nothing run, elements left in the file."""

import pickle
import tracemalloc

import ml_dtypes
import numpy as np
import pytest

import converters

NETWORK = {
    "conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "fc.weight": np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3)),
    "fc.bias": np.array([1, -2], ">f4"),
    "half": np.array([0.5, -0.0], np.float16),
    "brain": np.array([1.5, -2.0], ml_dtypes.bfloat16),
    "steps": np.array(7, np.int64),
    "flags": np.array([True, False]),
    "none": np.zeros((0, 3), np.float32),
    "long": np.arange(5000, dtype=np.int16),
}


@pytest.fixture
def read(tmp_path):
    def read_bytes(content, name="a.pkl", **options):
        (tmp_path / name).write_bytes(content)
        return converters.read(tmp_path / name, **options)

    return read_bytes


def refused(read, content, match, **options):
    with pytest.raises(converters.UnreadableFile, match=match) as caught:
        read(content, **options)
    assert "\n" not in str(caught.value)
    assert "cut short" not in str(caught.value)


def assert_network(checkpoint, network=NETWORK):
    assert list(checkpoint.tensors) == list(network)
    for name, array in network.items():
        assert checkpoint.tensors[name].shape == array.shape
        assert checkpoint.tensors[name].dtype == array.dtype.newbyteorder("=")
        assert np.array_equal(checkpoint.tensors[name], array), name


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickled_arrays_are_read_and_stay_where_they_lie(read, protocol):
    checkpoint = read(pickle.dumps(NETWORK, protocol))
    assert_network(checkpoint)
    assert (checkpoint.container, checkpoint.layout, checkpoint.placeholders) == ("pickle", "torch", ())
    assert not checkpoint.tensors["long"].flags.writeable


def test_a_file_of_detectron2_is_read_with_what_lies_beside(read):
    value = {"model": NETWORK, "__author__": "someone", "matching_heuristics": True, "best": np.float64(0.5)}
    checkpoint = read(pickle.dumps(value))
    assert_network(checkpoint)
    assert checkpoint.others == {"__author__": "someone", "matching_heuristics": "True", "best": "0.5"}
    assert_network(read(pickle.dumps({"blobs": NETWORK}, 2)))


def test_axes_in_another_order_and_scalars_keep_their_values(read):
    value = {"a": np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1), "b": np.arange(12.0).reshape(3, 4)[:, ::2]}
    for protocol in (2, 4, 5):
        assert_network(read(pickle.dumps(value, protocol)), value)


def test_pickled_variables_of_jax_and_flax_are_read_as_they_are_laid_out(read):
    import flax.core
    import jax.numpy as jnp

    params = {"Dense_0": {"kernel": jnp.ones((3, 2)), "bias": jnp.zeros(2)}, "mu": {"kernel": jnp.ones((4, 4))}}
    statistics = {"BatchNorm_0": {"mean": jnp.ones(2), "var": jnp.ones(2)}}
    state = {"params": flax.core.freeze(params), "batch_stats": statistics, "opt_state": [params], "step": 3}
    checkpoint = read(pickle.dumps(state))
    assert checkpoint.tensors.keys() == {
        *("params/Dense_0/kernel", "params/Dense_0/bias", "params/mu/kernel"),
        *("batch_stats/BatchNorm_0/mean", "batch_stats/BatchNorm_0/var"),
    }
    assert (checkpoint.layout, checkpoint.nesting) == ("flax", "params")
    assert checkpoint.others == {"opt_state": "3 tensors", "step": "3"}
    tree = converters.as_tree(checkpoint.tensors)
    assert tree["params"]["Dense_0"]["kernel"].shape == (3, 2)
    assert tree["batch_stats"]["BatchNorm_0"]["mean"].shape == (2,)


@pytest.mark.parametrize(
    "value", [np.array([{"a": 1}, None], object), np.zeros(2, [("a", "f4")]), np.array([1.0], np.longdouble)]
)
def test_arrays_of_other_than_numbers_are_refused_by_name(read, value):
    refused(read, pickle.dumps({"fc": np.ones(2), "odd": value}), "got objects or records at odd: leave it out")


def test_texts_among_the_arrays_stay_beside_the_network(read):
    checkpoint = read(pickle.dumps({"fc": np.ones(2), "classes": np.array(["cat", "dog"])}))
    assert list(checkpoint.tensors) == ["fc"]
    assert checkpoint.others["classes"] == "texts of shape (2,)"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_is_read_by_name_in_the_layout_that_names_tell(read, tmp_path, save):
    save(tmp_path / "a.npz", **NETWORK)
    checkpoint = converters.read(tmp_path / "a.npz")
    assert_network(checkpoint)
    assert (checkpoint.container, checkpoint.layout) == ("npz", "torch")
    transformer = {
        "Transformer/encoderblock_0/Dense_0/kernel": np.ones((2, 3)),
        "embedding/kernel": np.ones((4, 4, 3, 2)),
    }
    save(tmp_path / "vit.npz", **transformer)
    checkpoint = converters.read(tmp_path / "vit.npz")
    assert_network(checkpoint, transformer)
    assert checkpoint.layout == "flax"
    assert converters.as_tree(checkpoint.tensors)["params"]["embedding"]["kernel"].shape == (4, 4, 3, 2)


def test_a_training_state_in_npz_is_read_without_its_moments(tmp_path):
    kernel = np.ones((2, 3), np.float32)
    state = {"params/a/kernel": kernel, "opt/0/mu/params/a/kernel": kernel, "opt/0/count": np.array(1)}
    np.savez(tmp_path / "a.npz", **state)
    checkpoint = converters.read(tmp_path / "a.npz")
    assert list(checkpoint.tensors) == ["params/a/kernel"]
    assert checkpoint.others == {"opt": "2 tensors"}


def test_a_lone_array_is_no_network_but_a_dictionary_in_one_is(read, tmp_path):
    np.save(tmp_path / "a.npy", np.ones((2, 3)))
    with pytest.raises(converters.UnreadableFile, match=r"a single array of shape \(2, 3\): save all of them"):
        converters.read(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", NETWORK, allow_pickle=True)
    assert_network(converters.read(tmp_path / "b.npy"))
    np.savez(tmp_path / "c.npz", params=np.array(NETWORK, object))
    checkpoint = converters.read(tmp_path / "c.npz")
    assert [name.removeprefix("params/") for name in checkpoint.tensors] == list(NETWORK)


def test_a_cut_array_is_said_to_be_cut(read, tmp_path):
    content = pickle.dumps(NETWORK, 4)
    with pytest.raises(converters.UnreadableFile, match="cut short or altered"):
        read(content[:-3000])
    np.save(tmp_path / "a.npy", np.ones(3))
    with pytest.raises(converters.UnreadableFile, match="cut short or altered"):
        read((tmp_path / "a.npy").read_bytes()[:40], "b.npy")


def test_paddle_is_named_where_its_files_are_read(read):
    value = {"fc.weight": np.ones((3, 2), np.float32), "StructuredToParameterName@@": {"fc.weight": "linear_0.w_0"}}
    checkpoint = read(pickle.dumps(value, 2), "a.pdparams")
    assert list(checkpoint.tensors) == ["fc.weight"]
    assert "Paddle, where dense weights lie [in, out]" in checkpoint.notes[0]


@pytest.mark.parametrize("save", [pickle.dumps, None])
def test_arrays_of_30_mb_are_not_copied(read, tmp_path, save):
    array = {"fc.weight": np.zeros((8, 1 << 20), np.float32)}
    if save is None:
        np.savez(tmp_path / "a.npz", **array)
    else:
        (tmp_path / "a.npz").write_bytes(save(array))
    del array
    tracemalloc.start()
    checkpoint = converters.read(tmp_path / "a.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert checkpoint.tensors["fc.weight"].nbytes > 30 * 10**6
    assert peak < 2 * 10**6


@pytest.mark.torch
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickled_state_dict_equals_its_own_in_torch(read, protocol):
    torch = pytest.importorskip("torch")
    layer = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 2), torch.nn.BatchNorm2d(4), torch.nn.Linear(3, 2))
    state = layer.state_dict()
    shared = torch.arange(6.0)
    state["tail"], state["all"], state["brain"] = shared[3:], shared, torch.ones(2, dtype=torch.bfloat16)
    checkpoint = read(pickle.dumps(state, protocol))
    assert list(checkpoint.tensors) == list(state)
    for name, tensor in state.items():
        assert np.array_equal(checkpoint.tensors[name].astype(np.float64), tensor.double().numpy())
    assert list(read(pickle.dumps(layer, protocol)).tensors) == list(layer.state_dict())


@pytest.mark.torch
def test_arrays_saved_by_torch_are_read(tmp_path):
    torch = pytest.importorskip("torch")
    for number, zipped in enumerate((True, False)):
        torch.save({"state_dict": NETWORK}, tmp_path / f"{number}.pth", _use_new_zipfile_serialization=zipped)
        assert_network(converters.read(tmp_path / f"{number}.pth"))
