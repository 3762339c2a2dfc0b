"""One comparison for all networks of the zoo: taps and outputs, with PyTorch's own weights converted."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import converters
from lineage_jax import linearize, models
from tests.oracles.torch_networks import channels_last, outputs_of, randomise


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """A network of the zoo and its oracle.

    Attributes:
        entry: name in `converters.ENTRIES`.
        build: makes the PyTorch network.
        taps: our feature layers and the modules whose output PyTorch has there.
        input_shape: of one image; odd and even sides show padding mistakes.
        outputs: from what PyTorch returns to arrays by name (`""` for a single output, channels last).
        settings: of the Flax network, where they are not what the entry says: fewer blocks, as the oracle has.
        tolerance: largest difference over largest value.
    """

    entry: str
    build: Callable[[], Any]
    taps: Mapping[str, str]
    input_shape: tuple[int, int, int] = (63, 64, 3)
    outputs: Callable[[Any], dict[str, np.ndarray]] = lambda output: {"": channels_last(output.numpy())}
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    tolerance: float = 1e-5


def check(case):
    """Compares one network with its oracle, and brings its weights there and back."""
    import torch

    torch.manual_seed(0)
    oracle = randomise(case.build())
    state_dict = {name: tensor.numpy() for name, tensor in oracle.state_dict().items()}
    entry = converters.ENTRIES[case.entry]
    shapes = {name: array.shape for name, array in state_dict.items()}
    network = models.build(entry.architecture, **entry.settings_of(shapes)).clone(**case.settings)
    target = models.shapes_of(network, entry.input_shape_of(shapes))

    converted = converters.to_flax(state_dict, target, entry)
    backwards = converters.to_flax(dict(reversed(state_dict.items())), target, entry)
    assert jax.tree.all(jax.tree.map(np.array_equal, converted.variables, backwards.variables))
    returned = converters.to_torch(converted.variables, shapes, entry, ignored=converted.ignored)
    assert list(returned) == list(state_dict)
    assert all(np.array_equal(returned[name], array) for name, array in state_dict.items())

    images = np.random.default_rng(0).normal(size=(2, *case.input_shape)).astype(np.float32)
    expected_taps, output = outputs_of(oracle, case.taps.values(), images)
    variables = jax.tree.map(jnp.asarray, converted.variables)
    taps, outputs = jax.jit(lambda variables, images: seen(network, tuple(case.taps), variables, images))(
        variables, jnp.asarray(images)
    )
    for ours, theirs in case.taps.items():
        assert_close(taps[ours], expected_taps[theirs], case.tolerance, f"tap {ours}")
    expected = case.outputs(output)
    found = outputs if isinstance(outputs, dict) else {"": outputs}
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert_close(found[name], array, case.tolerance, f"output {name}")


def seen(network, layers, variables, images):
    """Returns the taps and the output."""
    return linearize.features_of(network, layers)(variables, images), network.apply(variables, images)


def assert_close(found, expected, tolerance, what):
    """Compares by the largest difference over the largest value; axes of length 1 do not count."""
    found, expected = np.squeeze(np.asarray(found)), np.squeeze(expected)
    assert found.shape == expected.shape, f"{what}: {found.shape}, expected {expected.shape}"
    error = np.abs(found - expected).max() / np.abs(expected).max()
    assert np.isfinite(expected).all()
    assert expected.std() > 0
    assert error <= tolerance, f"{what}: largest difference over largest value {error:.1e}, allowed {tolerance:g}"
