"""`evidence.verify`: what may be claimed of a child and its candidates, and what may not."""

import gc
import itertools
import json
import math
import shutil
import weakref

import jax
import numpy as np
import pytest

import converters
from lineage_jax import checkpoints, evidence, lineage, models, symmetry

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


def tuned(tree, seed, share, decay):
    """Returns a network that has gone a share of the way, while its weights faded as weight decay has it."""
    return jax.tree.map(lambda leaf, there: there - (1 - decay) * leaf, tree, moved(tree, seed, share))


def mlp(seed, sizes=(36, 48, 40, 32, 7)):
    """Returns a network of no known architecture."""
    rng = np.random.default_rng(seed)
    shapes = itertools.pairwise(sizes)
    return {f"body{n}": {"kernel": rng.normal(size=shape).astype(np.float32)} for n, shape in enumerate(shapes)}


def renumbered(tree, seed=5):
    """Returns a network of `mlp` with its hidden units in another order."""
    rng, layers = np.random.default_rng(seed), list(tree)
    found = {name: layer["kernel"] for name, layer in tree.items()}
    for name, following in itertools.pairwise(layers):
        order = rng.permutation(found[name].shape[1])
        found[name], found[following] = found[name][:, order], found[following][order]
    return {name: {"kernel": kernel} for name, kernel in found.items()}


def written(place, tree):
    """Writes a network of `mlp` as a file."""
    converters.write(place, {f"{name}.weight": layer["kernel"].T for name, layer in tree.items()})
    return place


def relations(verification):
    return {name: finding.relation for name, finding in verification.findings.items()}


@pytest.fixture(scope="module")
def groups():
    return symmetry.groups(NETWORK.apply, drawn(0), jax.ShapeDtypeStruct((1, *SHAPE), np.float32))


@pytest.fixture(scope="module")
def laundered(groups):
    """The parent, its units permuted and rescaled."""
    return symmetry.apply(drawn(0), groups, symmetry.random(jax.random.key(3), groups))


def test_a_relative_is_found_among_strangers_and_nobody_else_is():
    candidates = {"parent": mlp(0), **{f"stranger-{seed}": mlp(seed) for seed in range(1, 4)}}
    found = evidence.verify(moved(mlp(0), 9), candidates)
    strangers = dict.fromkeys(candidates.keys() - {"parent"}, "unrelated")
    assert relations(found) == {"parent": "related"} | strangers
    assert found.status == 0
    parent, stranger = found.findings["parent"], found.findings["stranger-1"]
    assert parent.p_holm == pytest.approx(4 * parent.p, rel=1e-9)
    assert parent.p == pytest.approx(3 * parent.evidence[0].p, rel=1e-9)
    assert parent.cosine > 0.9
    assert (parent.shared, parent.tensors, parent.identical, parent.compared) == (4, 4, 0, 1.0)
    assert stranger.limit <= 0.35 <= stranger.limit_matched
    assert json.loads(json.dumps(found.as_dict())) == found.as_dict()
    assert str(found).splitlines() == [found.sentence, *found.notes]
    assert found.sentence.startswith("child is related to parent: centred kernel cosine 0.9")
    assert ". It is unrelated to stranger-" in found.sentence
    assert found.versions.keys() >= {"lineage_jax", "jax", "numpy"}
    alone = evidence.verify(moved(mlp(0), 9), {name: candidates[name] for name in strangers})
    assert (relations(alone), alone.status) == (strangers, 3)


def test_a_relative_whose_units_were_renumbered_and_rescaled_is_found_and_compared_as_if_they_were_not(
    laundered, groups
):
    child = moved(drawn(0), 9)
    found = evidence.verify(child, {"laundered": laundered, "plain": drawn(0), "stranger": drawn(1)}, **KNOWN)
    one, other = found.findings["laundered"], found.findings["plain"]
    assert relations(found) == {"laundered": "related", "plain": "related", "stranger": "unrelated"}
    assert (one.aligned, other.aligned) == (True, False)
    assert [each.kind for each in one.evidence] == ["in place", "matched"]
    assert one.evidence[0].p > 0.001 > one.p_holm
    np.testing.assert_allclose(one.cosine, other.cosine, atol=1e-3)  # units are brought to the child's sizes
    answer = evidence.detect({"laundered": laundered, "stranger": drawn(1)}, child, **KNOWN, measures=("l2",))
    assert (answer.prediction, answer.relation) == ("laundered", "related")
    # where several candidates are to be ordered, units of all are of one size
    even = [symmetry.apply_on_host(tree, groups, symmetry.equalise(tree, groups)) for tree in (drawn(0), child)]
    cosine = answer.weights.centred_kernel_cosine.sel(parent="laundered").item()
    assert cosine == pytest.approx(lineage.overlap({"plain": even[0]}, even[1]).centred_kernel_cosine.item(), abs=1e-3)
    assert f"centred kernel cosine {cosine:.3f}, its units matched (p = " in answer.sentence


def test_without_a_program_layers_are_matched_as_a_chain_and_that_is_said(tmp_path):
    child = written(tmp_path / "child.pt", moved(mlp(0), 9))
    files = [written(tmp_path / "laundered.pt", renumbered(mlp(0))), written(tmp_path / "stranger.pt", mlp(1))]
    found = evidence.verify(child, files)
    assert relations(found) == {"laundered": "related", "stranger": "unrelated"}
    assert found.findings["laundered"].aligned
    assert "laundered: units were matched as if layers were a chain in the order of the file" in found.notes[0]
    assert found.facts["child"]["sha256"] == checkpoints.load(child).sha256
    assert found.facts["child"]["container"] == "zip"
    answer = evidence.detect(files, child)
    assert (answer.prediction, answer.measured.matched.keys()) == ("laundered", {"laundered"})


def test_a_copy_is_a_copy_whatever_was_done_to_the_file_or_the_order_of_units(tmp_path):
    child = written(tmp_path / "child.pt", mlp(0))
    shutil.copy(child, tmp_path / "copied.pt")
    given = [child, tmp_path / "copied.pt", written(tmp_path / "resaved.safetensors", mlp(0))]
    given += [written(tmp_path / "renumbered.pt", renumbered(mlp(0)))]
    found = evidence.verify(child, given)
    assert relations(found) == dict.fromkeys(("child", "copied", "resaved", "renumbered"), "copy")
    said = {name: finding.notes[0] for name, finding in found.findings.items()}
    assert said["child"] == "the same place"
    assert said["copied"] == "an equal file"
    assert said["resaved"] == "all 4 tensors are bit for bit equal"
    assert said["renumbered"].startswith("its units were renumbered, rescaled or flipped, and but for rounding")
    assert found.status == 0
    assert evidence.verify(child, [child]).sentence == "child is a copy of child: the same place."


def test_what_shares_too_little_cannot_be_compared_and_says_how_little():
    other = mlp(0) | {f"body{n}": {"kernel": np.ones((3, 5), np.float32)} for n in (0, 1, 2)}
    found = evidence.verify(mlp(1), {"other": other})
    assert (relations(found), found.status) == ({"other": "cannot be compared"}, 4)
    assert found.sentence.startswith("child cannot be compared with other: 1 of its 4 tensors have a counterpart")
    assert "other: units were not matched: too few layers correspond" in found.notes
    nothing = evidence.verify(mlp(1), {"nothing": {"alien": {"kernel": np.eye(40, dtype=np.float32)}}})
    assert nothing.status == 4
    assert math.isnan(nothing.findings["nothing"].p)
    assert nothing.as_dict()["findings"]["nothing"]["p"] is None


def flat(tree):
    """Kernels of rank one: all units of a layer read alike, up to their size."""
    return {
        name: {"kernel": np.outer(k.mean(1), np.linspace(1, 2, k.shape[1])).astype(np.float32)}
        for name, k in kernels(tree)
    }


def kernels(tree):
    return [(name, layer["kernel"]) for name, layer in tree.items()]


SICK = {
    "rank one": flat(mlp(3)),
    "constant": {name: {"kernel": np.ones_like(kernel)} for name, kernel in kernels(mlp(3))},
    "dead": {name: {"kernel": np.zeros_like(kernel)} for name, kernel in kernels(mlp(3))},
    "a dead layer": mlp(3) | {"body1": {"kernel": np.zeros((48, 40), np.float32)}},
    "dead units": {name: {"kernel": kernel * (np.arange(kernel.shape[1]) % 3 > 0)} for name, kernel in kernels(mlp(3))},
    "an average": {
        name: {"kernel": np.mean([mlp(seed)[name]["kernel"] for seed in range(4, 40)], 0)} for name in mlp(0)
    },
    "one direction": {name: {"kernel": kernel + 30} for name, kernel in kernels(mlp(3))},
}


def test_candidates_that_resemble_everything_are_no_relatives_and_neither_are_they_as_the_child():
    found = evidence.verify(mlp(0), SICK)
    assert not any(finding.is_kin for finding in found.findings.values()), relations(found)
    assert relations(found)["dead"] == "cannot be compared"
    for name in ("rank one", "constant", "a dead layer"):
        assert not evidence.verify(SICK[name], {"stranger": mlp(0)}).findings["stranger"].is_kin


def test_one_unit_and_few_units_claim_nothing():
    for sizes in ((5, 1, 1, 3), (8, 4, 4, 3)):
        found = evidence.verify(mlp(0, sizes), {"other": mlp(1, sizes)})
        assert (relations(found), found.status) == ({"other": "cannot be compared"}, 4)


def test_a_weight_that_is_no_number_is_refused_in_the_child_and_skipped_in_a_candidate(tmp_path):
    broken = mlp(1)
    broken["body1"]["kernel"][3, 3] = np.nan
    with pytest.raises(ValueError, match="body1"):
        evidence.verify(broken, {"a": mlp(0)})
    found = evidence.verify(mlp(0), {"stranger": mlp(2), "broken": broken})
    assert found.skipped.keys() == {"broken"}
    assert (relations(found), found.status) == ({"stranger": "unrelated"}, 4)
    with pytest.raises(ValueError, match="body1"):
        evidence.verify(mlp(0), {"broken": broken})
    found = evidence.verify(mlp(0), [written(tmp_path / "stranger.pt", mlp(2)), tmp_path / "gone.pt"])
    assert found.skipped.keys() == {"gone"}
    assert found.notes[-1].startswith("gone could not be read: expected a")


def test_nobody_to_compare_with_and_rates_outside_of_0_to_1_are_refused():
    for nobody in ([], {}):
        with pytest.raises(ValueError, match="expected at least one parent, got none"):
            evidence.verify(mlp(0), nobody)
    for fpr in (0.0, 1.0, -0.1, math.nan):
        with pytest.raises(ValueError, match=f"expected a rate of false accusations .* got {fpr:g}"):
            evidence.verify(mlp(0), {"a": mlp(1)}, fpr=fpr)


def test_what_can_be_forged_is_told_and_claims_no_direction(tmp_path, monkeypatch):
    monkeypatch.setitem(lineage.MEASURED, "batch counters", (0, 300))
    files = {}
    for name, tree, count in (("parent", mlp(0), 100), ("child", moved(mlp(0), 9), 250)):
        tensors = {f"{layer}.weight": kernel.T for layer, kernel in kernels(tree)}
        tensors |= {"norm.running_mean": np.zeros(48, np.float32), "norm.num_batches_tracked": np.array(count)}
        converters.write(tmp_path / f"{name}.pt", tensors)
        files[name] = tmp_path / f"{name}.pt"
    found = evidence.verify(files["child"], [files["parent"]])
    (cue,) = found.findings["parent"].cues
    assert (cue.name, cue.first, cue.forgeable, relations(found)) == (
        "batch counters",
        "candidate",
        True,
        {"parent": "related"},
    )
    assert "which came first is not shown by anything to rely on: the candidate has counted 100" in found.sentence


def test_third_relatives_name_the_ancestor_from_which_the_other_has_faded(monkeypatch):
    monkeypatch.setitem(lineage.MEASURED, "outgroup", (0, 300))
    start = mlp(0)
    parent, uncle = tuned(start, 1, 0.3, 0.9), tuned(start, 2, 0.5, 0.9)
    child = tuned(parent, 3, 0.15, 0.85)
    found = evidence.verify(child, {"parent": parent, "uncle": uncle})
    assert relations(found) == {"parent": "descends", "uncle": "related"}
    assert found.sentence.startswith("child descends from parent: ")
    assert "the candidate lies between the child and uncle, and the child has faded from it" in found.sentence
    assert relations(evidence.verify(parent, {"child": child, "uncle": uncle}))["child"] == "ancestor"


def test_siblings_share_a_start_where_both_have_faded_from_it(monkeypatch):
    monkeypatch.setitem(lineage.MEASURED, "outgroup", (0, 300))
    start = mlp(0)
    one, other = (tuned(start, seed, 0.2, 0.85) for seed in (1, 2))
    assert relations(evidence.verify(one, {"start": start, "other": other})) == {
        "start": "related",
        "other": "shares a start",
    }


def test_without_fading_nobody_is_named_and_what_the_place_shows_is_said():
    """The parent lies between the child and its uncle, as a child lies between its parent and its own child."""
    start = mlp(0)
    parent, uncle = moved(start, 1, 0.3), moved(start, 2, 0.5)
    found = evidence.verify(moved(parent, 3, 0.3), {"parent": parent, "uncle": uncle})
    assert relations(found) == {"parent": "related", "uncle": "related"}
    assert "parent: it lies between the child and uncle; one of these descends from it" in found.notes
    assert "uncle: between it and the child lies parent, from which one of them descends" in found.notes


def test_candidates_are_read_one_at_a_time(tmp_path, monkeypatch):
    files = [written(tmp_path / f"{seed}.pt", mlp(seed)) for seed in range(1, 5)]
    alive, most, read = weakref.WeakSet(), [], checkpoints._many.load

    def load(*given):
        gc.collect()
        most.append(len(alive))
        found = read(*given)
        alive.add(found)
        return found

    monkeypatch.setattr(checkpoints._many, "load", load)
    evidence.verify(written(tmp_path / "child.pt", mlp(0)), files)
    assert most == [0, 1, 1, 1, 1]  # the child alone, before each candidate


def test_a_stranger_lined_up_with_the_child_claims_nothing_in_any_order_and_is_warned_of_in_its_own(groups):
    child, stranger = drawn(0), drawn(1)
    lined_up = symmetry.apply(stranger, groups, symmetry.match(child, stranger, groups))
    found = evidence.verify(child, {"lined up": lined_up}, **KNOWN).findings["lined up"]
    assert found.is_kin
    assert any("order of units alone" in note for note in found.notes)
    strict = evidence.verify(child, {"lined up": lined_up}, any_order=True, **KNOWN).findings["lined up"]
    assert not strict.is_kin
    assert {each.kind for each in strict.evidence} == {"matched"}


def test_units_that_a_rule_has_sorted_in_both_networks_are_warned_of():
    def in_order(tree):
        layers, found = list(tree), {name: layer["kernel"] for name, layer in tree.items()}
        for name, following in itertools.pairwise(layers):
            order = np.argsort(np.linalg.norm(found[name], axis=0))
            found[name], found[following] = found[name][:, order], found[following][order]
        return {name: {"kernel": kernel} for name, kernel in found.items()}

    child = in_order(mlp(0))
    note = "units of both are sorted by their norm"
    for parent, warned in ((in_order(moved(child, 7, 0.1)), True), (mlp(0), False)):
        found = evidence.verify(child if warned else moved(parent, 7, 0.1), {"parent": parent}).findings["parent"]
        assert found.is_kin
        assert any(each.startswith(note) for each in found.notes) == warned


def test_near_relatives_are_found_in_any_order_and_not_warned_of():
    child = drawn(0)
    for any_order in (False, True):
        found = evidence.verify(moved(child, 7), {"parent": child}, any_order=any_order, **KNOWN)
        assert found.findings["parent"].is_kin
        assert not found.findings["parent"].notes


def test_a_candidate_that_was_put_together_from_the_childs_weights_is_not_placed_by_third_relatives():
    child, rng = drawn(0), np.random.default_rng(3)
    other = moved(child, 1, share=1.0)
    crossed = jax.tree.map(lambda a, b: np.where(rng.random(a.shape) < 0.2, b, a), child, other)
    found = evidence.verify(child, {"crossed": crossed, "other": other}, **KNOWN).findings["crossed"]
    assert found.relation == "related"
    assert any(note.startswith("80% of its single weights") or "of its single weights" in note for note in found.notes)
    assert not any(cue.name == "outgroup" for cue in found.cues)
