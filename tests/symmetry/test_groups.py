"""Groups are right: outputs stay under random elements, and there are as many families as there must be."""

import collections

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import models, symmetry
from lineage_jax.models._vit import ViT
from tests.symmetry.constructs import CONSTRUCTS, IMAGES
from tests.symmetry.drawn import drawn, drawn_images


def families_by_size(groups):
    return dict(collections.Counter(family.size for family in groups.families))


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_outputs_stay_and_nothing_that_is_free_is_missed(name, key):
    fn, shapes, expected = CONSTRUCTS[name]
    with jax.enable_x64(True):
        variables, images = drawn(shapes), drawn_images(IMAGES)
        groups = symmetry.groups(fn, variables, images)
        change = symmetry.check(jax.jit(fn), variables, images, groups, key)
        orders = symmetry.groups(fn, variables, images, factors=False)
    assert [family.slots.tolist() for family in orders.families] == [
        family.slots.tolist() for family in groups.families
    ]
    assert orders.sizes.count == orders.signs.count == 0
    assert change < 1e-9  # float64 rounds to 1e-15; a wrong rule changes outputs by percents
    if expected is not None:
        assert families_by_size(groups) == expected


def test_a_family_is_counted_by_hand_in_fully_connected_networks():
    network = models.fc(num_classes=3, widths=(7, 5))
    groups = symmetry.groups(network.apply, models.init(network, jax.random.key(0), (4, 4, 1)), jnp.ones((1, 4, 4, 1)))
    assert families_by_size(groups) == {7: 1, 5: 1}  # one a hidden layer
    assert groups.sizes.count == 12  # ReLU: a positive factor a hidden unit
    assert groups.signs.count == 0
    assert not groups.unknown


def test_a_family_is_counted_by_hand_in_a_residual_network():
    network = models.cifar_resnet20()
    shapes = jax.eval_shape(lambda: network.init(jax.random.key(0), jnp.ones((1, 8, 8, 3))))
    groups = symmetry.groups(network.apply, shapes, jax.ShapeDtypeStruct((1, 8, 8, 3), jnp.float32))
    # inside of each of 3 * 3 blocks one; the stream has 64 channels at last, of which shortcuts pad 32 around the 32 of
    # the second stage, and those are 16 around the 16 of the first
    assert families_by_size(groups) == {16: 3 + 2, 32: 3 + 1, 64: 3}
    # before each of 19 normalisations a factor a channel, of any sign; after ReLU positive ones: 9 inside, 64 of the
    # stream
    convolutions = 16 + 6 * (16 + 32 + 64)
    assert groups.signs.count == convolutions
    assert groups.sizes.count == convolutions + 3 * (16 + 32 + 64) + 64


def test_a_family_is_counted_by_hand_in_a_vision_transformer():
    network = ViT(num_classes=5, patch=4, width=12, depth=2, heads=3)
    shapes = jax.eval_shape(lambda: network.init(jax.random.key(0), jnp.ones((1, 8, 8, 3))))
    groups = symmetry.groups(network.apply, shapes, jax.ShapeDtypeStruct((1, 8, 8, 3), jnp.float32))
    # the stream; a block: 48 hidden units, 3 heads, and in each head 4 pairs of queries and keys, and 4 of values and
    # outputs
    assert families_by_size(groups) == {12: 1, 48: 2, 3: 2, 4: 2 * 3 * 2}
    # of any sign: after each of 5 normalisations of the stream; a block: queries and keys, values and outputs
    assert groups.sizes.count == groups.signs.count == 5 * 12 + 2 * (12 + 12)


def test_no_values_are_needed():
    fn, shapes, _ = CONSTRUCTS["dense"]
    shapes = {path: jax.ShapeDtypeStruct(shape, jnp.bfloat16) for path, shape in shapes.items()}
    assert families_by_size(symmetry.groups(fn, shapes, jax.ShapeDtypeStruct(IMAGES, jnp.bfloat16))) == {6: 1}


def test_primitives_without_a_rule_are_named():
    fn, shapes, _ = CONSTRUCTS["largest"]
    shapes = {path: jax.ShapeDtypeStruct(shape, jnp.float32) for path, shape in shapes.items()}
    assert symmetry.groups(fn, shapes, jax.ShapeDtypeStruct(IMAGES, jnp.float32)).unknown == {"top_k": 1}


@pytest.mark.parametrize(
    "network",
    [models.CifarResNet(num_classes=3, depth=1, width=4), ViT(num_classes=3, patch=4, width=12, depth=1, heads=3)],
    ids=["residual", "transformer"],
)
def test_outputs_of_a_small_network_of_the_zoo_stay(network, key):
    shapes = jax.eval_shape(lambda: network.init(jax.random.key(0), jnp.ones((1, 8, 8, 3))))
    with jax.enable_x64(True):
        variables, images = drawn(shapes), drawn_images((1, 8, 8, 3))
        groups = symmetry.groups(network.apply, variables, images)
        assert symmetry.check(jax.jit(network.apply), variables, images, groups, key) < 1e-9


def test_check_sees_a_wrong_symmetry(key):
    fn, shapes, _ = CONSTRUCTS["dense"]
    variables, images = drawn(shapes), drawn_images(IMAGES)
    groups = symmetry.groups(fn, variables, images)
    with pytest.raises(
        ValueError, match=r"expected outputs to stay within 0.001 under a random symmetry, got a change of"
    ):
        symmetry.check(lambda p, x: jnp.tanh(x[:, 0, 0] @ p["a"]) @ p["head"], variables, images, groups, key)
    with pytest.raises(ValueError, match="not finite"):
        symmetry.check(fn, variables | {"a": variables["a"].at[0, 0].set(jnp.nan)}, images, groups, key)


def test_families_do_not_depend_on_sizes_of_images_or_batches():
    fn, shapes, expected = CONSTRUCTS["squeeze_and_excitation"]
    shapes = {path: jax.ShapeDtypeStruct(shape, jnp.float32) for path, shape in shapes.items()}
    for size in ((1, 2, 3, 3), (5, 9, 9, 3)):
        assert families_by_size(symmetry.groups(fn, shapes, jax.ShapeDtypeStruct(size, jnp.float32))) == expected


def test_slots_of_members_are_alike():
    fn, shapes, _ = CONSTRUCTS["grouped"]
    shapes = {path: jax.ShapeDtypeStruct(shape, jnp.float32) for path, shape in shapes.items()}
    groups = symmetry.groups(fn, shapes, jax.ShapeDtypeStruct(IMAGES, jnp.float32))
    of_slot = np.concatenate([np.full(axis.groups * axis.size, number) for number, axis in enumerate(groups.axes)])
    for family in groups.families:
        assert (of_slot[family.slots] == of_slot[family.slots[:1]]).all()
