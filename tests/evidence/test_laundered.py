"""`evidence.detect` on a child whose units were permuted, rescaled and flipped: it names whom it named before."""

import jax
import numpy as np
import pytest

from experiments.evidence import laundering
from lineage_jax import evidence, models, symmetry
from lineage_jax.lineage import UNRELATED

NETWORK = models.fc(5, widths=(40, 40, 40))
SHAPE = (8, 8, 1)


def moved_on(variables, seed, size):
    """Returns a network whose hidden kernels have learned noise, some units far more of it than others."""
    rng = np.random.default_rng(seed)
    params = dict(variables["params"])
    for layer in ("fc1", "fc2", "fc3"):
        kernel = params[layer]["kernel"]
        lengths = np.exp(rng.normal(size=kernel.shape[1]))
        noise = size * lengths * np.std(kernel) * rng.normal(size=kernel.shape)
        params[layer] = params[layer] | {"kernel": np.asarray(kernel + noise, np.float32)}
    return {"params": params}


@pytest.fixture(scope="module")
def checkpoints():
    """Four of one run, each some steps after the one before."""
    found = [models.init(NETWORK, jax.random.key(0), SHAPE)]
    for seed in range(3):
        found.append(moved_on(found[-1], seed, 0.05))
    return {f"checkpoint {number}": variables for number, variables in enumerate(found)}


def names_of(checkpoints, children):
    settings = {"weights_only": True, "network": NETWORK, "input_shape": SHAPE}
    return [evidence.detect(checkpoints, child, **settings) for child in children]


def test_of_several_relatives_the_same_one_is_named_after_laundering(checkpoints):
    children = [moved_on(each, 100 + n, 0.5) for n, each in enumerate(checkpoints.values())]
    image = jax.ShapeDtypeStruct((1, *SHAPE), np.float32)
    groups = symmetry.groups(NETWORK.apply, children[0], image)
    laundered = [
        symmetry.apply(child, groups, symmetry.random(jax.random.key(n), groups, spread=1.0))
        for n, child in enumerate(children)
    ]
    before, after = names_of(checkpoints, children), names_of(checkpoints, laundered)
    assert [answer.prediction for answer in before] == list(checkpoints)
    assert [answer.prediction for answer in after] == list(checkpoints)
    for answer in after:
        assert set(answer.measured.matched) == set(checkpoints)
        assert answer.weights.centred_kernel_cosine.min() > UNRELATED


def test_the_same_relative_is_named_although_the_stream_of_the_child_was_turned():
    network, shape = models.ViT(num_classes=3, patch=4, width=24, depth=3, heads=3), (8, 8, 1)
    start = models.init(network, jax.random.key(0), shape)
    learned = lambda variables, seed, size: jax.tree.map(
        lambda leaf, other: leaf + size * other, variables, models.init(network, jax.random.key(seed), shape)
    )
    relatives = {f"twin {n}": learned(start, n, 0.5) for n in range(1, 4)}
    child = learned(relatives["twin 2"], 9, 0.5)
    turned = laundering.launder(child, network, (1, *shape), jax.random.key(5), continuous=True)
    settings = {"weights_only": True, "network": network, "input_shape": shape}
    found = evidence.detect(relatives, turned, **settings)
    assert found.prediction == evidence.detect(relatives, child, **settings).prediction == "twin 2"
    assert set(found.measured.matched) == set(relatives)
    compared = found.weights.compared.sel(parent="twin 2").item()
    assert 0.5 < compared < 0.8  # hidden layers alone
    stranger = {"stranger": models.init(network, jax.random.key(77), shape)}
    assert evidence.detect(stranger, turned, **settings).prediction is None
