"""Matching: random elements are undone, children are brought back to their parents, misfits are refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import data, leaves, linearize, models, population, similarity, symmetry
from lineage_jax.models._vit import ViT
from tests.symmetry.drawn import drawn

NETWORKS = {
    "fully_connected": (models.fc(num_classes=3, widths=(20, 10)), (1, 4, 4, 1)),
    "convolutional": (models.outlier_exposure_convnet(num_classes=3), (1, 32, 32, 3)),
    "residual": (models.CifarResNet(num_classes=3, depth=1, width=8), (1, 8, 8, 3)),
    "transformer": (ViT(num_classes=3, patch=4, width=24, depth=2, heads=3), (1, 8, 8, 3)),
}


@pytest.fixture(params=NETWORKS, scope="module")
def case(request):
    network, shape = NETWORKS[request.param]
    shapes = jax.eval_shape(lambda: network.init(jax.random.key(0), jnp.zeros(shape)))
    variables = drawn(shapes)
    return variables, symmetry.groups(network.apply, variables, jax.ShapeDtypeStruct(shape, jnp.float32))


def test_a_random_element_is_undone_exactly(case):
    variables, groups = case
    element = symmetry.random(jax.random.key(5), groups)
    laundered = jax.jit(lambda v, e: symmetry.apply(v, groups, e))(variables, element)
    found = symmetry.match(variables, laundered, groups)
    np.testing.assert_array_equal(symmetry.compose(element, found).order, np.arange(groups.slots))
    # float32 laundered once and least squares of its logarithms
    np.testing.assert_allclose(symmetry.compose(element, found).factor, 1.0, rtol=1e-4)


def test_a_network_matches_itself_as_it_stands(case):
    variables, groups = case
    found = symmetry.match(variables, variables, groups)
    np.testing.assert_array_equal(found.order, np.arange(groups.slots))
    np.testing.assert_allclose(found.factor, 1.0, rtol=1e-6)


@pytest.fixture(scope="module")
def parent_and_child():
    """A convnet of all digits, and its child of the odd ones, which has a head of its own."""
    images = data.digits()[0]
    training = population.TrainingSettings(steps=20, batch_size=16)
    network, of_child = models.convnet(10, widths=(8, 8)), models.convnet(5, widths=(8, 8))
    parents = population.pretrain(network, images, num_parents=1, seed=0, training=training)
    odd = data.select_classes(images, (1, 3, 5, 7, 9))
    children, _ = population.finetune(parents, of_child, odd, children_per_parent=1, seed=0, training=training)
    probes = jnp.asarray(images.images[:64])
    child = jax.tree.map(jnp.asarray, children[children.names[0]])
    groups = symmetry.groups(of_child.apply, child, probes)
    return network, parents[parents.names[0]], of_child, child, probes, groups


def cosine(a, b, head):
    one, two = (
        np.concatenate([np.ravel(leaf) for path, leaf in leaves.leaf_paths(tree).items() if head not in path])
        for tree in (a, b)
    )
    return float(one @ two / np.linalg.norm(one) / np.linalg.norm(two))


def test_a_laundered_child_compares_with_its_parent_as_before(parent_and_child):
    _, parent, of_child, child, probes, groups = parent_and_child
    head = f"params/{of_child.head}"
    laundered = symmetry.apply(child, groups, symmetry.random(jax.random.key(3), groups))
    back = symmetry.apply(laundered, groups, symmetry.match(parent, laundered, groups, without=(head,)))
    as_it_was = cosine(parent, child, head)
    assert cosine(parent, laundered, head) < 0.5 * as_it_was
    np.testing.assert_allclose(cosine(parent, back, head), as_it_was, atol=0.02)  # factors are fitted to the parent's
    np.testing.assert_allclose(of_child.apply(back, probes), of_child.apply(child, probes), rtol=1e-3, atol=1e-3)


def test_features_of_a_laundered_child_compare_again(parent_and_child):
    network, parent, of_child, child, probes, groups = parent_and_child
    head = f"params/{of_child.head}"

    def features(module, variables):
        return linearize.features_of(module, layers=("relu1",))(variables, probes)["relu1"].reshape(len(probes), -1)

    laundered = symmetry.apply(child, groups, symmetry.random(jax.random.key(3), groups))
    back = symmetry.apply(laundered, groups, symmetry.match(parent, laundered, groups, without=(head,)))
    before, lost, found = (
        float(similarity.cosine(features(network, parent), features(of_child, v))) for v in (child, laundered, back)
    )
    assert lost < 0.9 * before
    np.testing.assert_allclose(found, before, atol=0.02)


def test_trees_that_do_not_fit_are_refused(parent_and_child):
    _, parent, of_child, child, _, groups = parent_and_child
    with pytest.raises(
        ValueError, match=r"expected network a with the leaves that groups were read off: .* at 'params/"
    ):
        symmetry.match(parent, child, groups)
    head = f"params/{of_child.head}"
    lacking = {"params": {name: layer for name, layer in parent["params"].items() if name != "conv1"}}
    with pytest.raises(ValueError, match=r"expected network a .* at 'params/conv1/bias', got nothing"):
        symmetry.match(lacking, child, groups, without=(head,))
    bad = jax.tree.map(lambda leaf: leaf.at[(0,) * leaf.ndim].set(jnp.nan), child)
    with pytest.raises(
        ValueError, match="expected finite weights in network b, got NaN or infinity at 'params/conv1/bias'"
    ):
        symmetry.match(parent, bad, groups, without=(head,))
    with pytest.raises(ValueError, match="expected a leaf that is compared, got none without params"):
        symmetry.match(parent, child, groups, without=("params",))


def test_dead_units_are_not_matched_as_they_stand():
    def fn(p, x):
        return jax.nn.relu(x @ p["a"]) @ p["b"]

    dead = {"a": jnp.zeros((4, 30)).at[:, :3].set(jnp.eye(4)[:, :3]), "b": jnp.zeros((30, 2)).at[:3].set(1.0)}
    groups = symmetry.groups(fn, dead, jnp.ones((1, 4)))
    (units,) = [axis for axis in groups.axes if axis.name == "a[1]"]
    order = symmetry.match(dead, dead, groups).order[units.slots] - units.start
    np.testing.assert_array_equal(order[:3], np.arange(3))
    assert (order[3:] == np.arange(3, 30)).sum() < 5  # by chance one of 27 stays


def test_biases_near_zero_do_not_decide_how_units_are_scaled():
    rng = np.random.default_rng(0)
    draw = lambda *shape: rng.normal(size=shape).astype(np.float32)
    parent = {"a": draw(40, 16), "b": 1e-3 * draw(16), "c": draw(16, 10)}
    fn = lambda p, x: jax.nn.relu(x @ p["a"] + p["b"]) @ p["c"]
    groups = symmetry.groups(fn, parent, jnp.ones((1, 40)))
    child = parent | {"b": 1e-3 * draw(16)}
    laundered = symmetry.apply_on_host(child, groups, symmetry.random(jax.random.key(1), groups))
    back = symmetry.apply_on_host(laundered, groups, symmetry.match(parent, laundered, groups))
    np.testing.assert_allclose(back["a"], parent["a"], rtol=0.2)  # a bias counts for one number in 51
