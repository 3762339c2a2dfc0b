"""Units are matched by each half of what they read, and neither half knows of the other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import models, symmetry
from lineage_jax.symmetry._orient import settled_signs
from tests.symmetry.drawn import drawn

NETWORKS = {
    "convolutional": (models.outlier_exposure_convnet(num_classes=3), (1, 32, 32, 3)),
    "residual": (models.CifarResNet(num_classes=3, depth=1, width=8), (1, 8, 8, 3)),
    "transformer": (models.ViT(num_classes=3, patch=4, width=24, depth=2, heads=3), (1, 8, 8, 3)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_both_halves_find_every_unit_of_a_laundered_network(name):
    network, shape = NETWORKS[name]
    shapes = jax.eval_shape(lambda: network.init(jax.random.key(0), jnp.zeros(shape)))
    variables = drawn(shapes)
    groups = symmetry.groups(network.apply, shapes, jax.ShapeDtypeStruct(shape, jnp.float32))
    laundered = jax.jit(lambda v, e: symmetry.apply(v, groups, e))(
        variables, symmetry.random(jax.random.key(5), groups)
    )
    found = [halves for halves in symmetry.match_in_halves(variables, laundered, groups) if halves.paths]
    assert len(found) > 1
    for halves in found:
        first, second = (halves.alike(half).argmax(1) for half in (0, 1))
        np.testing.assert_array_equal(first, second)
        assert sorted(first) == list(range(halves.units))


def layers(kernels):
    return {f"fc{number}": jnp.asarray(kernel) for number, kernel in enumerate(kernels)}


def fully_connected(variables, x):
    for number in range(len(variables) - 1):
        x = jax.nn.relu(x @ variables[f"fc{number}"])
    return x @ variables[f"fc{len(variables) - 1}"]


@pytest.fixture(scope="module")
def dense():
    """Kernels of 4, 16, 16 and 3 units, and their groups."""
    rng = np.random.default_rng(0)
    kernels = [rng.normal(size=shape).astype(np.float32) for shape in ((5, 16), (16, 16), (16, 3))]
    return kernels, symmetry.groups(fully_connected, layers(kernels), jnp.ones((1, 5)))


def test_a_half_says_nothing_of_the_other_half(dense):
    kernels, groups = dense
    other = np.random.default_rng(1).normal(size=(16, 16)).astype(np.float32)
    odd = [kernels[0], np.where(np.arange(16)[:, None] % 2, other, kernels[1]), kernels[2]]
    (_, one), (_, two) = (list(symmetry.match_in_halves(layers(kernels), layers(b), groups)) for b in (kernels, odd))
    np.testing.assert_array_equal(one.parts[0][0], two.parts[0][0])
    assert np.abs(one.parts[0][1] - two.parts[0][1]).max() > 0.5


def test_what_reads_pixels_is_an_anchor_and_outputs_keep_their_places(dense):
    kernels, groups = dense
    first, second = symmetry.match_in_halves(layers(kernels), layers(kernels), groups)
    assert (first.paths, first.anchors) == ((), ("fc0",))
    assert (second.paths, second.anchors, second.units, second.numbers) == (("fc1",), (), 16, 256)


def test_factors_of_units_do_not_matter(dense):
    kernels, groups = dense
    scaled = symmetry.rescale(layers(kernels), groups, np.exp(np.random.default_rng(2).normal(size=groups.sizes.count)))
    (_, one), (_, two) = (list(symmetry.match_in_halves(layers(kernels), b, groups)) for b in (layers(kernels), scaled))
    np.testing.assert_allclose(one.parts[0], two.parts[0], atol=0.02)  # ten turns of scaling rows and columns


def test_a_vector_that_keeps_its_sign_settles_it():
    def fn(p, x):
        return jax.nn.relu((x @ p["kernel"]) * p["scale"]) @ p["head"]

    rng = np.random.default_rng(0)
    p = {
        "kernel": rng.normal(size=(4, 20)),
        "scale": np.exp(0.3 * rng.normal(size=20)),
        "head": rng.normal(size=(20, 2)),
    }
    groups = symmetry.groups(fn, p, jnp.ones((1, 4)))
    signs = tuple(frozenset(groups.signs.free[groups.signs.slots == slot].tolist()) for slot in range(groups.slots))
    flipped = p | {"scale": p["scale"] * np.where(np.arange(20) < 5, -1, 1)}
    settled, mine, other = settled_signs(p, flipped, groups, signs)
    assert (len(settled), len(mine), len(other)) == (20, 0, 5)
    around_zero = p | {"scale": rng.normal(size=20)}
    assert settled_signs(p, around_zero, groups, signs) == (set(), set(), set())


def test_misfits_are_refused_at_once(dense):
    kernels, groups = dense
    with pytest.raises(ValueError, match="expected finite weights in network b, got NaN or infinity at 'fc1'"):
        symmetry.match_in_halves(layers(kernels), layers([kernels[0], kernels[1] * np.nan, kernels[2]]), groups)
