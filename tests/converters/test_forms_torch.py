"""Weights in PyTorch's own forms, against the weights that its modules compute with."""

import numpy as np
import pytest

import converters

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning", "ignore:.*quant.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*quant.*:UserWarning", "ignore:.*TypedStorage.*:UserWarning"),
]

CLOSE = 1e-6
"""Largest difference over the largest value: float64 sums here, float32 sums there."""


@pytest.fixture
def read(tmp_path):
    """Saves what torch.save takes, and reads it."""
    import torch

    def save_and_read(value):
        torch.save(value, tmp_path / "a.pth")
        return converters.read(tmp_path / "a.pth")

    return save_and_read


def layers():
    """Layers of every kind, the square transposed convolution among them, whose axes only the vectors tell apart."""
    import torch

    torch.manual_seed(0)
    return {
        "linear": torch.nn.Linear(5, 7),
        "conv": torch.nn.Conv2d(3, 4, 3),
        "depthwise": torch.nn.Conv1d(4, 4, 3, groups=4),
        "transposed": torch.nn.ConvTranspose2d(6, 6, 3),
        "wide": torch.nn.ConvTranspose2d(3, 8, 2),
    }


def assert_close(found, expected):
    expected = expected.detach().numpy()
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= CLOSE * np.abs(expected).max()


@pytest.mark.parametrize("dim", [0, 1, -1, None])
def test_weight_norm_along_any_axis_is_undone(read, dim):
    import torch

    for function in (torch.nn.utils.weight_norm, torch.nn.utils.parametrizations.weight_norm):
        modules = {name: function(module, dim=dim) for name, module in layers().items()}
        for module in modules.values():
            norm = module.weight_g if hasattr(module, "weight_g") else module.parametrizations.weight.original0
            norm.data *= torch.rand_like(norm) + 0.5
        check(read, modules)


def check(read, modules):
    """Compares every layer's plain weight with the one that it computes with, and looks for what is left over."""
    import torch

    network = torch.nn.ModuleDict(modules).eval()
    checkpoint = read(network.state_dict())
    assert checkpoint.tensors.keys() == {f"{name}.{leaf}" for name in modules for leaf in ("bias", "weight")}
    assert checkpoint.weights.keys() == checkpoint.tensors.keys()
    for name, module in modules.items():
        module(inputs(module))  # older hooks compute the weight only then
        assert_close(checkpoint.tensors[f"{name}.weight"], module.weight)
        assert_close(checkpoint.tensors[f"{name}.bias"], module.bias)
    (note,) = checkpoint.notes
    assert note.startswith(f"{len(modules)} weights were brought to their plain form: ")


def inputs(module):
    """An input that a layer takes."""
    import torch

    match module:
        case torch.nn.Linear():
            return torch.ones(2, module.in_features)
        case torch.nn.Conv1d():
            return torch.ones(2, module.in_channels, 8)
    return torch.ones(2, module.in_channels, 8, 8)


def test_spectral_norm_is_undone_along_either_axis(read):
    import torch

    for function in (torch.nn.utils.spectral_norm, torch.nn.utils.parametrizations.spectral_norm):
        modules = {name: function(module) for name, module in layers().items()}
        for module in modules.values():
            for _ in range(20):  # the vectors have found the largest value, as after training
                module(inputs(module))
        check(read, modules)


def test_pruned_weights_and_biases_are_masked(read):
    import torch
    from torch.nn.utils import prune

    modules = layers()
    for module in modules.values():
        prune.random_unstructured(module, "weight", amount=0.4)
        prune.random_unstructured(module, "bias", amount=0.3)
    network = torch.nn.ModuleDict(modules)
    checkpoint = read(network.state_dict())
    assert checkpoint.tensors.keys() == {f"{name}.{leaf}" for name in modules for leaf in ("bias", "weight")}
    for name, module in modules.items():
        for leaf in ("weight", "bias"):
            expected = getattr(module, leaf).detach().numpy()
            np.testing.assert_array_equal(checkpoint.tensors[f"{name}.{leaf}"], expected)
            assert (expected == 0).any()


def test_a_pruned_layer_with_weight_norm_is_brought_through_both(read):
    import torch
    from torch.nn.utils import prune

    layer = torch.nn.utils.weight_norm(torch.nn.Linear(5, 7))
    prune.random_unstructured(layer, "weight_v", amount=0.4)
    checkpoint = read(layer.state_dict())
    layer(torch.ones(1, 5))
    assert checkpoint.tensors.keys() == {"weight", "bias"}
    assert_close(checkpoint.tensors["weight"], layer.weight)


def test_a_parametrisation_that_is_not_known_is_named(read):
    import torch

    layer = torch.nn.utils.parametrizations.orthogonal(torch.nn.Linear(4, 4))
    checkpoint = read(layer.state_dict())
    assert list(checkpoint.weights) == ["bias"]
    assert set(checkpoint.unresolved) == {name for name in layer.state_dict() if "parametrizations" in name}
    assert set(checkpoint.unresolved.values()) == {"parametrisation: its function is not in the file"}


def test_dynamic_int8_has_the_names_and_values_of_the_layers(read):
    import torch

    network = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3, bias=False))
    quantised = torch.ao.quantization.quantize_dynamic(network, {torch.nn.Linear}, dtype=torch.qint8)
    checkpoint = read(quantised.state_dict())
    assert list(checkpoint.weights) == ["0.weight", "0.bias", "2.weight"]
    for place in (0, 2):
        np.testing.assert_array_equal(
            checkpoint.tensors[f"{place}.weight"], quantised[place].weight().dequantize().numpy()
        )
        step = np.abs(network[place].weight.detach().numpy()).max() / 127
        assert np.abs(checkpoint.tensors[f"{place}.weight"] - network[place].weight.detach().numpy()).max() <= step
    assert set(checkpoint.buffers) == {"0.scale", "0.zero_point", "2.scale", "2.zero_point"}


def test_static_int8_leaves_only_weights_and_biases(read):
    import torch

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.quant = torch.ao.quantization.QuantStub()
            self.conv = torch.nn.Conv2d(3, 4, 3)
            self.fc = torch.nn.Linear(4, 2)
            self.dequant = torch.ao.quantization.DeQuantStub()

        def forward(self, x):
            return self.dequant(self.fc(self.conv(self.quant(x)).mean((2, 3))))

    network = Net().eval()
    network.qconfig = torch.ao.quantization.get_default_qconfig("x86" if "x86" in engines() else "qnnpack")
    torch.backends.quantized.engine = "x86" if "x86" in engines() else "qnnpack"
    observed = torch.ao.quantization.prepare(network)
    observed(torch.randn(4, 3, 8, 8))
    seen = read(observed.state_dict())
    names = ["conv.weight", "conv.bias", "fc.weight", "fc.bias"]
    assert list(seen.weights) == names
    quantised = torch.ao.quantization.convert(observed)
    checkpoint = read(quantised.state_dict())
    assert sorted(checkpoint.weights) == sorted(names)
    for layer in ("conv", "fc"):
        expected = getattr(quantised, layer).weight().dequantize().numpy()
        np.testing.assert_array_equal(checkpoint.tensors[f"{layer}.weight"], expected)


def engines():
    import torch

    return torch.backends.quantized.supported_engines


def test_fake_quantisation_in_training_leaves_the_weights(read):
    import torch

    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU())
    network.qconfig = torch.ao.quantization.get_default_qat_qconfig("x86")
    prepared = torch.ao.quantization.prepare_qat(network.train())
    prepared(torch.randn(2, 3, 8, 8))
    checkpoint = read(prepared.state_dict())
    assert list(checkpoint.weights) == ["0.weight", "0.bias"]
    assert len(checkpoint.buffers) == len(prepared.state_dict()) - 2


def test_a_state_dict_of_every_usual_kind_of_layer_has_no_buffers_but_its_counters(read):
    import torch

    network = torch.nn.ModuleDict(
        {
            "embed": torch.nn.Embedding(5, 4),
            "block": torch.nn.TransformerEncoderLayer(4, 2, 8),
            "lstm": torch.nn.LSTM(4, 3),
            "bn": torch.nn.BatchNorm2d(3),
            "prelu": torch.nn.PReLU(),
        }
    )
    network.register_parameter("cls_token", torch.nn.Parameter(torch.zeros(1, 1, 4)))
    network.register_parameter("pos_embed", torch.nn.Parameter(torch.randn(1, 9, 4)))
    network.register_parameter("logit_scale", torch.nn.Parameter(torch.tensor(2.6592)))
    network.register_parameter("rel_pos_h", torch.nn.Parameter(torch.zeros(13, 4)))
    checkpoint = read(network.state_dict())
    assert checkpoint.buffers == {"bn.num_batches_tracked": "counter of batches"}
    assert checkpoint.unresolved == {}
    assert checkpoint.notes == ()
