"""Networks put together from the children of two parents: layer by layer, and block by block."""

import numpy as np
import pytest

from lineage_jax import data, lineage, linearize, models, population, similarity

MEASURES = {"debiased_cka": similarity.debiased_cka, "cosine": similarity.cosine}
NETWORK = models.fc(num_classes=10, widths=(64, 32, 16))


@pytest.fixture(scope="module")
def family():
    train, test = data.digits()
    settings = population.FamilySettings(
        num_parents=2,
        children_per_parent=1,
        pretraining=population.TrainingSettings(steps=200),
        finetuning=population.TrainingSettings(steps=50, learning_rate=0.02),
    )
    return population.make_family(NETWORK, train, test, settings=settings), test.images[:128]


@pytest.fixture(scope="module")
def hybrid(family):
    """The first layer comes from the child of parent-0, all others from the child of parent-1."""
    children = family[0].children
    first, second = children["child-00"]["params"], children["child-01"]["params"]
    return {"params": second | {"fc1": first["fc1"]}}


def named(scores, measure, layer):
    decisions = lineage.decide(scores.sel(form="taylor", measure=measure, alpha=0.1, layer=layer))
    return decisions.prediction.values.tolist()


@pytest.mark.parametrize("measure", MEASURES)
def test_every_layer_of_an_ordinary_child_names_its_parent(family, measure):
    made, probes = family
    features = linearize.features_of(NETWORK, NETWORK.taps)
    scores = lineage.score(features, made.parents, made.children, probes, measures=MEASURES)
    assert scores.layer.values.tolist() == list(NETWORK.taps)
    for layer in NETWORK.taps:
        assert named(scores, measure, layer) == ["parent-0", "parent-1"]


@pytest.mark.parametrize("measure", MEASURES)
def test_a_prefix_and_a_block_of_a_hybrid_have_different_parents(family, hybrid, measure):
    made, probes = family
    prefix = linearize.features_of(NETWORK, ("relu1",))
    scores = lineage.score(prefix, made.parents, {"hybrid": hybrid}, probes, measures=MEASURES)
    assert named(scores, measure, "relu1") == ["parent-0"]
    block = linearize.block_of(NETWORK, "relu1", ("relu2", "relu3"), input_shape=probes.shape[1:])
    scores = lineage.score_block(block, made.parents, {"hybrid": hybrid}, probes, measures=MEASURES)
    assert named(scores, measure, "relu2") == named(scores, measure, "relu3") == ["parent-1"]


def test_a_prefix_needs_only_the_leaves_it_reads(family, hybrid):
    made, probes = family
    trunk = {"params": {"fc1": hybrid["params"]["fc1"]}}
    prefix = linearize.features_of(NETWORK, ("relu1",))
    scores = lineage.score(prefix, made.parents, {"trunk": trunk}, probes, measures=MEASURES)
    assert named(scores, "cosine", "relu1") == ["parent-0"]


def test_scores_of_a_block_are_those_of_each_parent_on_its_own_activations(family, hybrid):
    made, probes = family
    block = linearize.block_of(NETWORK, "relu1", ("relu3",), input_shape=probes.shape[1:])
    seen = []
    scores = lineage.score_block(
        block,
        made.parents,
        {"hybrid": hybrid},
        probes,
        measures=MEASURES,
        alphas=np.array([0.1]),
        progress=lambda *pairs: seen.append(pairs),
    )
    assert scores.form.values.tolist() == list(lineage.FORMS)
    assert scores.not_shared == []
    assert scores.dims == ("parent", "child", "layer", "measure", "form", "alpha")
    assert scores.parent.values.tolist() == ["parent-0", "parent-1"]
    assert seen == [(1, 2), (2, 2)]
    for name in made.parents.names:
        activations = block.entry(made.parents[name], probes)
        pair = (block(made.parents[name], activations), block(hybrid, activations))
        expected = similarity.cosine(*(features["relu3"] for features in pair))
        ours = scores.sel(parent=name, measure="cosine", form="direct", layer="relu3").values.ravel()
        np.testing.assert_allclose(ours, expected, rtol=1e-5)  # float32, another program


def test_all_parents_of_a_block_share_one_program(family, hybrid):
    made, probes = family
    block = linearize.block_of(NETWORK, "relu1", ("relu2",), input_shape=probes.shape[1:])
    traced = []

    def noticed(a, b):
        traced.append(a.shape)
        return similarity.cosine(a, b)

    def traces(*names):
        traced.clear()
        lineage.score_block(
            block, made.parents.select(names), {"hybrid": hybrid}, probes, measures={"noticed": noticed}
        )
        return len(traced)

    assert traces("parent-0") > 0
    assert traces("parent-1") == 0
