"""Blocks that are handed in: networks are brought to a tree one by one, stacked on the host, and compared as ever."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import lineage, pairs, similarity

PROBES = np.random.default_rng(9).normal(size=(96, 4)).astype(np.float32)
MEASURES = {"l1": similarity.l1, "l2": similarity.l2}
ALPHAS = (0.1, 0.5)
FORMS = ("direct", "exact")


def features(params, x):
    return jnp.tanh(x @ params["w"])[:, params["order"]]


def network(seed, *, heads=3, **more):
    numbers = np.random.default_rng(seed)
    leaves = {"w": (4, 4), "head": (4, heads)}
    drawn = {name: numbers.normal(size=shape).astype(np.float32) for name, shape in leaves.items()}
    return drawn | {"order": np.array([2, 0, 1, 3])} | more


PARENTS = {str(seed): network(seed) for seed in range(2)}
CHILDREN = {str(seed): network(seed, heads=seed) for seed in range(5, 10)}


def comparison(children=CHILDREN, feature_fn=features, blocks=None, memory=None):
    first = {"0": PARENTS["0"]}, {"5": children["5"]}
    reading = dataclasses.replace(pairs.first_look(*first, held=()), parents=PARENTS, children=children)
    scoring = pairs.Scoring(feature_fn, tuple(MEASURES.values()), FORMS, ())
    return pairs.feature_comparison(
        reading,
        scoring,
        measures=tuple(MEASURES),
        probes=jnp.asarray(PROBES),
        alphas=ALPHAS,
        memory=memory,
        blocks=blocks,
    )


def prepared(found, role, networks):
    plan = found.plan
    leaves = (pairs.brought(network, plan.shared, plan.used) for network in networks.values())
    block = pairs.stacked(leaves, plan.shared, size=len(found.here(role)))
    return found.prepare(role, tuple(networks), found.place(role, block))


def brought(network, **options):
    plan = comparison().plan
    return pairs.brought(network, plan.shared, plan.used, **options)


def test_blocks_that_are_handed_in_have_the_scores_of_networks_at_hand_whatever_their_heads():
    found = comparison(blocks=pairs.AtATime(2, 3))
    parents = prepared(found, "parent", PARENTS)
    names = list(CHILDREN)
    of_blocks = [
        found.compare(parents, prepared(found, "child", {name: CHILDREN[name] for name in block}))
        for block in (names[:3], names[3:])
    ]
    at_hand = lineage.score(features, PARENTS, CHILDREN, PROBES, measures=MEASURES, alphas=ALPHAS, forms=FORMS)
    assert at_hand.not_shared == ["head"]
    # blocks of another length are another program, which may sum in another order: a last bit, on some processors
    np.testing.assert_allclose(np.concatenate(of_blocks, axis=1), at_hand, rtol=4 * np.finfo(np.float32).eps)


def test_all_blocks_of_one_size_run_one_program():
    found = comparison(blocks=pairs.AtATime(2, 3))
    run = lambda names: found.compare(
        prepared(found, "parent", PARENTS), prepared(found, "child", {name: CHILDREN[name] for name in names})
    )
    run(["5", "6", "7"])
    with jax.no_tracing():
        run(["8", "9"])


@pytest.mark.parametrize("block", [1, 3, 7])
def test_the_block_that_is_given_stands_whatever_the_memory(block):
    with pytest.warns(UserWarning, match="memory=1000 is less than one block needs"):
        found = comparison(blocks=pairs.AtATime(2, block), memory=1000)
    assert found.at_a_time == (2, block)
    assert len(found.here("child")) == block


def test_what_layers_depend_on_is_used_and_nothing_else():
    plan = comparison().plan
    assert plan.used == ("order", "w")
    assert plan.constant == ("order",)


def test_a_network_that_lacks_what_a_layer_depends_on_is_refused_with_its_path():
    lacking = {name: leaf for name, leaf in network(1).items() if name != "w"}
    with pytest.raises(ValueError, match=r"expected \(4, 4\) at 'w', on which a layer depends, got no such leaf"):
        brought(lacking)
    with pytest.raises(ValueError, match=r"expected \(4, 4\) at 'w', .* got \(4, 5\): .* another architecture"):
        brought(network(1, w=np.ones((4, 5), np.float32)))


def test_numbers_of_another_sort_or_precision_are_refused_and_fewer_bits_are_widened():
    with pytest.raises(ValueError, match="numbers of one sort at 'w', got float32 in networks before, int8 in this"):
        brought(network(1, w=np.ones((4, 4), np.int8)))
    half = network(1, w=jnp.ones((4, 4), jnp.bfloat16))
    plan = comparison(children={"5": half}).plan
    assert pairs.stacked([pairs.brought(half, plan.shared, plan.used)], plan.shared, size=1)["w"].dtype == np.float32
    narrow, *_ = pairs.shared_by(pairs.first_look({"p": half}, {"c": half}, held=()).kinds, held=())
    with pytest.raises(ValueError, match="expected bfloat16 or fewer bits at 'w', got float32: let a network of that"):
        pairs.brought(network(1), narrow, ("w",))


def test_integers_must_be_those_of_the_first_network():
    first = brought(network(1))
    assert brought(network(2), like=first)["order"].tolist() == [2, 0, 1, 3]
    with pytest.raises(ValueError, match="expected integers at 'order' to be equal in all networks"):
        brought(network(2, order=np.arange(4)), like=first)


@pytest.mark.parametrize("memory", [None, 80_000])
def test_features_that_overflow_are_said_of_blocks_that_are_handed_in_and_raised_of_others(memory):
    wide = lambda params, x: jnp.exp(x @ params["w"]) @ jnp.ones((4, 64))
    children = CHILDREN | {"7": network(7, w=np.full((4, 4), 1e4, np.float32))}
    found = comparison(children, wide, pairs.AtATime(2, 3), memory)
    assert (found.plan.pieces.rows == len(PROBES)) == (memory is None)
    three = {name: children[name] for name in ("5", "7", "9")}
    block = prepared(found, "child", three)
    assert list(found.faults(block)) == ["7"]
    assert "features that are not finite at layer 'output'" in found.faults(block)["7"]
    scores = found.compare(prepared(found, "parent", PARENTS), block)
    sound = lineage.score(wide, PARENTS, {"9": children["9"]}, PROBES, measures=MEASURES, alphas=ALPHAS, forms=FORMS)
    np.testing.assert_allclose(scores[:, 2:], sound, rtol=1e-5)  # float32 sums of exponentials, in pieces or whole
    with pytest.raises(ValueError, match="child '7' has features that are not finite at layer 'output'"):
        lineage.score(wide, PARENTS, three, PROBES, measures=MEASURES, alphas=ALPHAS, forms=FORMS, memory=memory)
