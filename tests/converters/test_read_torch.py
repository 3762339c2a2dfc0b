"""What torch saves, in either container, is read bit for bit as torch reads it."""

import numpy as np
import pytest

import converters
from tests.converters.bits import assert_same_bits

pytestmark = pytest.mark.torch

DTYPES = (
    *("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"),
    *("complex128", "complex64", "uint64", "uint32", "uint16"),
    *("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"),
)


@pytest.fixture(params=[True, False], ids=["zip", "legacy"])
def saved(request, tmp_path):
    """Saves with torch in one of its containers and reads."""
    import torch

    def save_and_read(value, **options):
        torch.save(value, tmp_path / "a.pth", _use_new_zipfile_serialization=request.param)
        return converters.read(tmp_path / "a.pth", **options)

    return save_and_read


def noise(shape, dtype, seed=0):
    """Every bit pattern alike: infinities, NaN payloads and denormals are among them."""
    import torch

    dtype = getattr(torch, dtype)
    count = int(np.prod(shape)) * dtype.itemsize
    data = np.random.default_rng(seed).integers(0, 2 if dtype is torch.bool else 256, count, np.uint8)
    return torch.from_numpy(data).view(dtype).reshape(shape)


def assert_same_state(checkpoint, state_dict):
    assert list(checkpoint.tensors) == list(state_dict)
    for name, tensor in state_dict.items():
        assert_same_bits(checkpoint.tensors[name], tensor)


def test_every_number_format_keeps_its_bits(saved):
    state = {dtype: noise((3, 5), dtype) for dtype in DTYPES}
    assert_same_state(saved(state), state)


def test_strides_offsets_empty_and_single_numbers_are_kept(saved):
    import torch

    base = noise((6, 8), "float32")
    state = {
        "transposed": base.T,
        "strided": base[1::2, ::3],
        "expanded": base[:1].expand(4, 8),
        "single": base[3, 4],
        "empty": base[:0],
        "channels_last": noise((2, 3, 4, 5), "float16").to(memory_format=torch.channels_last),
    }
    checkpoint = saved(state)
    assert_same_state(checkpoint, state)
    assert np.shares_memory(checkpoint.tensors["transposed"], checkpoint.tensors["strided"])


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
def test_quantised_tensors_are_what_dequantize_gives(saved):
    import torch

    values = noise((4, 6), "int8").to(torch.float32) / 7
    channels = (torch.tensor([0.1, 0.02, 0.3, 0.007], dtype=torch.float64), torch.tensor([0, 3, -5, 7]))
    state = {
        "qint8": torch.quantize_per_tensor(values, 0.037, 5, torch.qint8),
        "quint8": torch.quantize_per_tensor(values, 0.1, 128, torch.quint8),
        "qint32": torch.quantize_per_tensor(values * 1e6, 0.013, -9, torch.qint32),
        "channels": torch.quantize_per_channel(values, *channels, 0, torch.qint8),
        "second_axis": torch.quantize_per_channel(values.T, *channels, 1, torch.qint8),
    }
    assert_same_state(saved(state), {name: tensor.dequantize() for name, tensor in state.items()})


def test_parameters_buffers_and_tensors_with_attributes_are_tensors(saved):
    import torch

    tensor = noise((2, 2), "float32")
    marked, parameter = tensor.clone(), torch.nn.Parameter(tensor, requires_grad=False)
    marked.note = parameter.note = "seen"
    state = {"parameter": torch.nn.Parameter(tensor, requires_grad=False), "noted": parameter, "marked": marked}
    assert_same_state(saved({"model": state, "epoch": 3}), state)


def small_network():
    import torch

    torch.manual_seed(0)
    layers = (torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.Linear(16, 2, bias=False))
    network = torch.nn.Sequential(*layers)
    network.register_buffer("volatile", torch.ones(2), persistent=False)
    network.register_buffer("lasting", torch.ones(2))
    network[0].add_module("tied", network[3])
    return network


def test_a_whole_module_has_the_names_of_its_state_dict(saved):
    network = small_network()
    checkpoint = saved(network)
    assert_same_state(checkpoint, network.state_dict())
    assert "torch.nn.modules.conv.Conv2d" in checkpoint.placeholders


def test_whole_modules_in_wrappers_and_beside_an_optimizer_are_found(saved):
    import torch

    network = small_network()
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 3, 4, 4)).sum().backward()
    optimizer.step()
    checkpoint = saved({"epoch": 1, "model": torch.nn.DataParallel(network), "optimizer": optimizer.state_dict()})
    assert_same_state(checkpoint, network.state_dict())
    assert (checkpoint.nesting, checkpoint.prefix) == ("model", "module.")
    assert checkpoint.others == {"epoch": "1", "optimizer": "15 tensors"}
    assert_same_state(saved([network, optimizer]), network.state_dict())


def test_whole_networks_of_torchvision_are_read(saved):
    from tests.oracles.torch_networks import torchvision

    convolutional, transformer = torchvision().models.mobilenet_v3_small, torchvision().models.VisionTransformer
    small = {"image_size": 32, "patch_size": 16, "num_layers": 2, "num_heads": 2, "hidden_dim": 8, "mlp_dim": 16}
    for network in (convolutional(weights=None), transformer(**small)):
        assert_same_state(saved(network), network.state_dict())


def test_a_traced_graph_module_is_read(saved):
    import torch

    traced = torch.fx.symbolic_trace(small_network())
    assert_same_state(saved(traced), traced.state_dict())


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_torchscript_is_read(tmp_path):
    import torch

    network = small_network().eval()
    torch.jit.save(torch.jit.trace(network, torch.ones(1, 3, 4, 4)), tmp_path / "a.pt")
    checkpoint = converters.read(tmp_path / "a.pt")
    expected = torch.jit.load(tmp_path / "a.pt").state_dict()
    assert checkpoint.tensors.keys() >= expected.keys()
    for name, tensor in expected.items():
        assert_same_bits(checkpoint.tensors[name], tensor)


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning", "ignore:.*quantized:DeprecationWarning")
def test_quantised_modules_are_read(saved):
    import torch

    state = torch.ao.nn.quantized.Linear(3, 2).state_dict()
    weight, bias = state["_packed_params._packed_params"]
    checkpoint = saved(state)
    assert checkpoint.others == {"_packed_params.dtype": "torch.qint8"}
    assert_same_bits(checkpoint.tensors["scale"], state["scale"])
    assert_same_bits(checkpoint.tensors["weight"], weight.dequantize())
    assert_same_bits(checkpoint.tensors["bias"], bias)


def test_sparse_tensors_and_lazy_views_are_refused(saved):
    import torch

    with pytest.raises(
        converters.UnreadableFile, match=r"expected dense tensors, got torch._utils._rebuild_sparse_tensor"
    ):
        saved({"a": torch.ones(3), "b": torch.eye(3).to_sparse()})
    with pytest.raises(converters.UnreadableFile, match=r"expected stored values, got a lazy view"):
        saved({"a": torch.ones(3, dtype=torch.complex64).conj()})


def test_safetensors_are_read_as_torch_reads_them(tmp_path):
    import safetensors.torch

    state = {dtype: noise((3, 5), dtype) for dtype in DTYPES if dtype != "complex128"}
    safetensors.torch.save_file(state, tmp_path / "a.safetensors", metadata={"format": "pt"})
    checkpoint = converters.read(tmp_path / "a.safetensors")
    assert checkpoint.tensors.keys() == state.keys()
    for name, tensor in state.items():
        assert_same_bits(checkpoint.tensors[name], tensor)


def test_the_container_before_0_1_12_is_what_torch_reads(tmp_path):
    import torch

    from tests.converters.handmade import Reference, ordered, tar_file

    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3), np.arange(4)]
    names = {"a": Reference("0"), "b": Reference("1"), "row": Reference("2")}
    (tmp_path / "a.pth").write_bytes(tar_file(ordered(names), arrays, views=[(0, 3, 3)]))
    expected = torch.load(tmp_path / "a.pth", weights_only=False)
    assert_same_state(converters.read(tmp_path / "a.pth"), expected)
