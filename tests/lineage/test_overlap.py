"""Weights of networks that share a part, and which part that is."""

import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import lineage


def backbone(seed):
    rng = np.random.default_rng(seed)
    convolution = {"kernel": rng.normal(size=(3, 3, 4, 8)), "bias": rng.normal(size=8)}
    return {"conv": convolution, "block": {"0": {"kernel": rng.normal(size=(3, 3, 8, 8))}}}


def classifier(seed):
    return {"params": {**backbone(seed), "fc": {"kernel": np.random.default_rng(seed + 1).normal(size=(8, 10))}}}


def detector(seed, body):
    head = {"kernel": np.random.default_rng(seed).normal(size=(3, 3, 8, 6))}
    return {"params": {"backbone": {"body": body}, "head": head}, "batch_stats": {"mean": np.ones(3)}}


def flat(tree, *names):
    for name in names:
        tree = tree[name]
    return np.concatenate([np.ravel(leaf) for _, leaf in sorted(leaves(tree))])


def leaves(tree, prefix=""):
    for key, value in tree.items():
        yield from leaves(value, f"{prefix}/{key}") if isinstance(value, dict) else [(f"{prefix}/{key}", value)]


def near(body):
    return {key: near(value) if isinstance(value, dict) else value + 0.1 for key, value in body.items()}


def test_a_detector_finds_the_classifier_that_its_backbone_is_from():
    parents = {"other": classifier(1), "own": classifier(2), "detector": detector(3, backbone(4))}
    child = detector(5, near(backbone(2)))
    found = lineage.overlap(parents, child)
    assert lineage.decide(found.centred_kernel_cosine).prediction.item() == "own"
    own = found.sel(parent="own")
    assert (own.parent_module.item(), own.child_module.item()) == ("", "backbone/body")
    assert own.tensors.item() == 3
    assert own.parameters.item() == 3 * 3 * 4 * 8 + 8 + 3 * 3 * 8 * 8
    whole = found.sel(parent="detector")
    assert (whole.tensors.item(), whole.parameters.item()) == (found.attrs["tensors"], found.attrs["parameters"])
    assert (whole.parent_module.item(), whole.child_module.item()) == ("", "")


def test_what_a_parent_lacks_counts_as_zeros():
    child = detector(5, near(backbone(2)))
    found = lineage.overlap({"own": classifier(2)}, child).sel(parent="own")
    c, p = flat(child, "params"), np.zeros(flat(child, "params").size)
    shared = flat(backbone(2))
    p[: shared.size] = shared  # 'backbone' comes before 'head'
    np.testing.assert_allclose(found.overlap_cosine, c @ p / np.linalg.norm(c) / np.linalg.norm(p), rtol=1e-12)
    np.testing.assert_allclose(found.overlap_distance, -np.linalg.norm(c - p) / np.linalg.norm(c), rtol=1e-12)
    biases = np.ones(c.size, bool)
    biases[[i for i, value in enumerate(c) if value in child["params"]["backbone"]["body"]["conv"]["bias"]]] = False
    c, p = c[biases], p[biases]
    np.testing.assert_allclose(found.kernel_cosine, c @ p / np.linalg.norm(c) / np.linalg.norm(p), rtol=1e-12)


def test_a_parent_that_shares_little_does_not_win_by_it():
    child = classifier(2)["params"]
    little = {"conv": {"bias": child["conv"]["bias"]}, "fc": {"kernel": child["fc"]["kernel"]}}
    much = near(child)
    found = lineage.overlap({"little": little, "much": much}, child)
    for name in lineage.OVERLAP_SCORES:
        assert lineage.decide(found[name]).prediction.item() == "much"


def test_a_copy_scores_one_and_a_stranger_nothing():
    child = classifier(2)
    found = lineage.overlap({"copy": child, "stranger": {"w": np.ones(3)}}, child)
    np.testing.assert_allclose(found.centred_kernel_cosine, [1, 0], rtol=1e-12)
    np.testing.assert_allclose(found.kernel_cosine, [1, 0], rtol=1e-12)
    np.testing.assert_allclose(found.overlap_cosine, [1, 0], rtol=1e-12)
    np.testing.assert_allclose(found.overlap_distance, [0, -1], rtol=1e-12)
    assert found.tensors.values.tolist() == found["identical"].values.tolist() == [4, 0]
    assert found.compared.values.tolist() == [1, 0]


def test_a_parent_that_shares_nothing_is_no_error_and_nothing_was_compared():
    found = lineage.overlap({"stranger": {"w": np.ones((3, 2))}}, classifier(2))
    row = {name: found[name].item() for name in (*lineage.OVERLAP_SCORES, *lineage.SHARES)}
    assert row.pop("overlap_distance") == -1
    assert (row.pop("parent_module"), row.pop("child_module")) == ("", "")
    assert set(row.values()) == {0}


def test_a_network_without_weights_cannot_be_compared():
    with pytest.raises(ValueError, match="expected a child with weights"):
        lineage.overlap({"a": classifier(2)}, {"steps": np.ones(3, np.int32)})
    with pytest.raises(ValueError, match="expected at least one parent"):
        lineage.overlap({}, classifier(2))


def test_integers_and_batch_statistics_take_no_part_and_half_precision_is_summed_in_full():
    child = {"kernel": jnp.full((300, 300), 300.0, jnp.bfloat16), "steps": np.ones(3, np.int32)}
    found = lineage.overlap({"a": {**child, "batch_stats": {"mean": np.ones(2)}}}, child)
    assert found.attrs == {"tensors": 1, "parameters": 90_000}
    np.testing.assert_allclose(found.kernel_cosine, 1)


def test_a_network_without_kernels_is_compared_by_all_it_has():
    child = {"scale": np.array([1.0, 2.0])}
    found = lineage.overlap({"a": child}, child)
    assert found.kernel_cosine.item() == found.centred_kernel_cosine.item() == pytest.approx(1)
    assert found.compared.item() == 1


def test_modules_correspond_under_prefixes_on_both_sides():
    shapes = {"conv/kernel": (3, 3, 4, 8), "block/0/kernel": (3, 3, 8, 8)}
    inside = lambda module: {f"{module}/{path}": shape for path, shape in shapes.items()}
    found = lineage.counterparts(inside("backbone"), {**inside("backbone/body"), "head/kernel": (8, 2)})
    assert (found.parent_module, found.child_module) == ("backbone", "backbone/body")
    assert found.pairs == {f"backbone/body/{path}": f"backbone/{path}" for path in shapes}


def test_networks_of_one_architecture_are_compared_as_they_are():
    shapes = {f"layer/{block}/conv/kernel": (3, 3, 8, 8) for block in range(4)}
    found = lineage.counterparts(shapes, shapes)
    assert (found.parent_module, found.child_module) == ("", "")
    assert found.pairs == {path: path for path in shapes}


def test_layers_of_equal_shape_but_other_name_do_not_correspond():
    assert lineage.counterparts({"conv1/kernel": (3, 3)}, {"conv2/kernel": (3, 3)}).pairs == {}
