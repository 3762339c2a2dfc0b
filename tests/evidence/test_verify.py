"""`evidence.verify`: what may be claimed of a child and its candidates, and what may not."""

import json
import math

import jax
import numpy as np
import pytest

import converters
from lineage_jax import evidence, models

NETWORK = models.fc(7, widths=(48, 40, 32))
SHAPE = (6, 6, 1)
KNOWN = {"network": NETWORK, "input_shape": SHAPE}


def drawn(seed):
    return jax.tree.map(np.array, models.init(NETWORK, jax.random.key(seed), SHAPE))


def moved(tree, seed, share=0.3):
    """Returns a network that has gone a share of the way of its norm in a direction of its own."""
    rng = np.random.default_rng(seed)
    step = lambda leaf: share * leaf.std() * rng.normal(size=leaf.shape).astype(np.float32)
    return jax.tree.map(lambda leaf: leaf + step(leaf), tree)


@pytest.fixture(scope="module")
def networks():
    """A parent, its child, and three strangers."""
    strangers = {f"stranger-{seed}": drawn(seed) for seed in range(1, 4)}
    return {"parent": drawn(0), **strangers}, moved(drawn(0), 9)


def written(place, tree):
    """Writes a network as a file of no known architecture."""
    layers = tree["params"].items()
    converters.write(place, {f"{name}.weight": layer["kernel"].T for name, layer in layers})
    return place


def test_a_relative_is_found_among_strangers_and_nobody_else_is(networks):
    candidates, child = networks
    found = evidence.verify(child, candidates, **KNOWN)
    relations = {name: finding.relation for name, finding in found.findings.items()}
    assert relations == {"parent": "related"} | dict.fromkeys(relations.keys() - {"parent"}, "unrelated")
    assert found.status == 0
    parent, stranger = found.findings["parent"], found.findings["stranger-1"]
    assert parent.p_holm == pytest.approx(4 * parent.p) == 12 * parent.evidence[0].p
    assert parent.cosine > 0.9
    assert stranger.limit <= 0.35
    assert json.loads(json.dumps(found.as_dict())) == found.as_dict()
    assert str(found).splitlines() == [found.sentence, *found.notes]
    assert found.sentence.startswith("child is related to parent: centred kernel cosine 0.9")
    assert ". It is unrelated to stranger-" in found.sentence


def test_strangers_alone_are_unrelated_and_that_says_down_to_which_cosine(networks):
    candidates, child = networks
    strangers = {name: tree for name, tree in candidates.items() if name != "parent"}
    found = evidence.verify(child, strangers, **KNOWN)
    assert found.status == 3
    assert "relatives down to a centred kernel cosine of 0." in found.sentence


@pytest.mark.parametrize("fpr", [0.0, 1.0, -0.1, math.nan])
def test_a_rate_outside_of_0_to_1_is_refused(networks, fpr):
    with pytest.raises(ValueError, match=f"expected a rate of false accusations .* got {fpr:g}"):
        evidence.verify(networks[1], networks[0], fpr=fpr)
