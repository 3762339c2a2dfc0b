"""Evidence against an oracle, the detector that starts as a distance, and its file."""

import numpy as np
import pytest

from lineage_jax import detector, leaves
from lineage_jax.detector._evidence import NUMBERS as NAMES
from lineage_jax.detector._evidence_detector import first_learned, logits_of_evidence

EVERYONE = detector.Draw(whole=1.0, struck=0.0, strange=0.0, dropped=0.0)


def network(rng, scale=1.0):
    return {
        "fc1/kernel": scale * rng.normal(size=(5, 7)).astype(np.float32),
        "fc1/bias": scale * rng.normal(size=7).astype(np.float32),
    }


def moved(weights, rng, step):
    return {
        path: leaf + np.float32(step) * rng.normal(size=leaf.shape).astype(np.float32) for path, leaf in weights.items()
    }


def run_of(rng, *, count, step):
    """Checkpoints of one run that drifts at random, and a child of each: few of its numbers moved far."""
    networks = [network(rng)]
    for _ in range(count - 1):
        networks.append(moved(networks[-1], rng, step))
    children = [
        {
            path: leaf
            + (rng.random(leaf.shape) < 0.3) * np.float32(5 * step) * rng.normal(size=leaf.shape).astype("f4")
            for path, leaf in each.items()
        }
        for each in networks
    ]
    return networks, children


@pytest.fixture(scope="module")
def cases():
    rng, found = np.random.default_rng(0), []
    for _ in range(12):
        networks, children = run_of(rng, count=4, step=0.05)
        strangers = [network(rng)]
        roles = np.array([False] * 4 + [True])
        for place, child in enumerate(children):
            evidence = detector.evidence_of([*networks, *strangers], child)
            found.append(detector.Case(evidence=evidence, label=place, strangers=roles, rivals=np.zeros(5, bool)))
    return found


@pytest.fixture(scope="module")
def fitted(cases):
    training = detector.EvidenceTraining(looks=4, steps=150, batch_size=16, members=2, width=8)
    return detector.fit_evidence(cases[:32], cases[32:40], training=training)


def test_numbers_are_those_of_float64_sums():
    rng = np.random.default_rng(0)
    child = network(rng)
    parents = [moved(child, rng, 0.1), network(rng)]
    found = detector.evidence_of(parents, child)
    for place, parent in enumerate(parents):
        c, p = (each["fc1/kernel"].astype(np.float64) for each in (child, parent))
        scaled = c - leaves.best_factor(parent["fc1/kernel"], child["fc1/kernel"]) * p
        step, centred = c - p, [each - each.mean(axis=1, keepdims=True) for each in (c, p)]
        expected = {
            "code length": -leaves.information(parent["fc1/kernel"], child["fc1/kernel"])[0],
            "l2": np.log(np.linalg.norm(step) / np.linalg.norm(c)),
            "l1": np.log(np.abs(step).sum() / np.abs(c).sum()),
            "half": 2 * np.log(np.sqrt(np.abs(step)).sum() / np.sqrt(np.abs(c)).sum()),
            "quarter": 4 * np.log((np.abs(step) ** 0.25).sum() / (np.abs(c) ** 0.25).sum()),
            "median": np.log(np.median(np.abs(step)) / np.sqrt((c**2).mean())),
            "scaled l2": np.log(np.linalg.norm(scaled) / np.linalg.norm(c)),
            "scaled l1": np.log(np.abs(scaled).sum() / np.abs(c).sum()),
            "scaled half": 2 * np.log(np.sqrt(np.abs(scaled)).sum() / np.sqrt(np.abs(c)).sum()),
            "scaled quarter": 4 * np.log((np.abs(scaled) ** 0.25).sum() / (np.abs(c) ** 0.25).sum()),
            "cosine": (c * p).sum() / np.linalg.norm(c) / np.linalg.norm(p),
            "centred cosine": np.prod(centred, axis=0).sum() / np.prod([np.linalg.norm(each) for each in centred]),
            "norm": np.log(np.linalg.norm(p) / np.linalg.norm(c)),
        }
        for name, value in expected.items():
            # float32 holds what float64 computed
            np.testing.assert_allclose(found.numbers[0, place, NAMES.index(name)], value, rtol=1e-5, atol=1e-6)
    best = [{path: leaves.best_factor(each[path], child[path]) * each[path] for path in child} for each in parents]
    towards = np.concatenate([(best[1][path] - best[0][path]).ravel() for path in child])
    step = np.concatenate([(child[path] - best[0][path]).ravel() for path in child])
    np.testing.assert_allclose(found.ratios[-2, 0, 1], step @ towards / (towards @ towards), rtol=1e-5)


def test_some_rows_of_a_large_tensor_stand_for_all_of_it():
    """Sums over the network weigh it by all of its weights, and say what float64 says of the whole."""
    rng = np.random.default_rng(4)
    child = {"large/kernel": rng.normal(size=(3000, 100)), "small/kernel": 3 * rng.normal(size=(40, 100))}
    parents = [{path: leaf + step * rng.normal(size=leaf.shape) for path, leaf in child.items()} for step in (0.1, 0.2)]
    parents[0]["large/kernel"][:2000] = child["large/kernel"][:2000]
    found = detector.evidence_of(parents, child)
    whole = [np.concatenate([leaf.ravel() for leaf in each.values()]) for each in (child, *parents)]
    for place, parent in enumerate(whole[1:]):
        step = parent - whole[0]
        expected = {
            "l2": np.log(np.linalg.norm(step) / np.linalg.norm(whole[0])),
            "l1": np.log(np.abs(step).sum() / np.abs(whole[0]).sum()),
            "equal": (step == 0).mean(),
            "cosine": parent @ whole[0] / np.linalg.norm(parent) / np.linalg.norm(whole[0]),
        }
        for name, value in expected.items():
            # a fifth of the rows: a deviation of half a percent
            np.testing.assert_allclose(found.numbers[-2, place, NAMES.index(name)], value, atol=0.02, err_msg=name)
    np.testing.assert_allclose(np.exp(found.about[:2, 0]), [75 / 76, 1 / 76], rtol=1e-6)


def test_ratios_are_around_nothing_for_the_parent_and_one_for_its_copy():
    rng = np.random.default_rng(1)
    networks, _ = run_of(rng, count=3, step=0.05)
    ratios = detector.evidence_of(networks, networks[1]).ratios[-2]
    assert np.abs(ratios[1]).max() < 1e-6
    np.testing.assert_allclose(ratios[[0, 2], 1], 1, rtol=1e-5)


def test_factors_and_what_a_candidate_lacks_are_seen():
    rng = np.random.default_rng(2)
    child = network(rng)
    scaled = {path: 2 * leaf for path, leaf in child.items()}
    found = detector.evidence_of([scaled, {}], child).numbers[-2]
    assert found[0, NAMES.index("scaled half")] < -10 < found[0, NAMES.index("half")]
    np.testing.assert_allclose(found[1, NAMES.index("l2")], 0, atol=1e-6)  # zeros are as far as the child is long


def test_before_anything_is_learned_the_detector_is_the_information(cases):
    learned, code = first_learned(0, width=8), detector.NUMBERS.index("code length")
    for case in cases[:8]:
        logits, _ = logits_of_evidence(learned, detector.features_of(case.evidence), np.ones(5))
        assert np.argsort(logits).tolist() == np.argsort(-case.evidence.numbers[-2, :, code]).tolist()


def test_candidates_have_no_order(cases, fitted):
    evidence, order = cases[0].evidence, np.array([3, 1, 0, 2, 4])
    found, of_turned = (detector.evidence_probabilities(fitted, each) for each in (evidence, evidence.select(order)))
    np.testing.assert_allclose(of_turned[:5], found[order], atol=1e-5)  # sums in another order
    np.testing.assert_allclose(found.sum(), 1, atol=1e-6)


def test_candidates_that_take_no_part_do_not_matter(cases, fitted):
    looks = detector.looks_at(cases[:4], EVERYONE, seed=0, candidates=9)
    logits = detector.logits_of_looks(fitted, looks)
    assert np.isneginf(logits[:, 4:9]).all()
    for case, row in zip(cases, logits, strict=False):
        alone = fitted.logits(detector.features_of(case.evidence.select(range(4))), np.ones(4))
        np.testing.assert_allclose(row[[0, 1, 2, 3, 9]], alone, rtol=1e-4, atol=1e-4)  # float32 sums of more terms


def test_a_detector_learns_to_name_checkpoints_and_nobody(cases, fitted):
    looks = detector.looks_at(cases[40:], EVERYONE, seed=0, candidates=5)
    assert (detector.logits_of_looks(fitted, looks).argmax(axis=1) == looks.labels).all()
    strange = detector.Draw(strange=1.0)
    looks = detector.looks_at(cases[40:], strange, seed=0, candidates=5)
    assert (looks.labels == 5).all()
    assert (detector.logits_of_looks(fitted, looks).argmax(axis=1) == 5).all()


def test_a_copy_and_a_single_candidate_are_named(cases, fitted):
    rng = np.random.default_rng(4)
    child = network(rng)
    twice = detector.evidence_of([moved(child, rng, 0.1), child], child)
    assert detector.evidence_probabilities(fitted, twice).argmax() == 1
    alone = detector.evidence_probabilities(fitted, detector.evidence_of([moved(child, rng, 0.05)], child))
    assert alone.shape == (2,)
    assert alone.argmax() == 0


def test_a_file_is_what_was_written(fitted, tmp_path):
    path = tmp_path / "detector.safetensors"
    detector.save_evidence_detector(path, fitted)
    again = detector.load_evidence_detector(path)
    assert again.temperature == fitted.temperature
    assert again.learned.keys() == fitted.learned.keys()
    for name, leaf in again.learned.items():
        np.testing.assert_array_equal(leaf, fitted.learned[name])


def test_files_that_are_no_detector_are_refused_in_a_line(fitted, tmp_path):
    from safetensors.numpy import load_file, save_file

    path = tmp_path / "detector.safetensors"
    with pytest.raises(FileNotFoundError, match=r"no detector of evidence at .*detector\.safetensors"):
        detector.load_evidence_detector(path)
    detector.save_evidence_detector(path, fitted)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(ValueError, match=r"expected a whole detector of evidence at .*, got a damaged file"):
        detector.load_evidence_detector(path)
    path.write_bytes(whole.replace(b'"version":"2"', b'"version":"9"'))
    with pytest.raises(ValueError, match=r"of version 2 at .*, got version 9: train it again"):
        detector.load_evidence_detector(path)
    path.write_bytes(whole)
    save_file(load_file(path), path)
    with pytest.raises(ValueError, match=r"expected a detector of evidence at .*, got another file"):
        detector.load_evidence_detector(path)
    arrays = detector.FittedEvidence(learned={"a": np.zeros(2)}, temperature=1.0, about={})
    detector.save_evidence_detector(path, arrays)
    with pytest.raises(ValueError, match="arrays of the detector at"):
        detector.load_evidence_detector(path)
    spoilt = {name: leaf * np.float32(np.nan) for name, leaf in fitted.learned.items()}
    detector.save_evidence_detector(path, detector.FittedEvidence(learned=spoilt, temperature=1.0, about={}))
    with pytest.raises(ValueError, match=r"expected finite arrays of the detector at .*, got NaN or infinity"):
        detector.load_evidence_detector(path)


def test_bad_networks_are_refused_in_a_line():
    rng = np.random.default_rng(3)
    child = network(rng)
    with pytest.raises(ValueError, match="expected at least one candidate, got none"):
        detector.evidence_of([], child)
    with pytest.raises(ValueError, match="expected a child with weights, got none"):
        detector.evidence_of([child], {})
    with pytest.raises(ValueError, match="expected finite weights, got NaN or infinity"):
        detector.evidence_of([{**child, "fc1/bias": np.full(7, np.nan)}], child)
    large = {"kernel": np.ones((3000, 100))}
    with pytest.raises(ValueError, match="expected finite weights, got NaN or infinity"):
        detector.evidence_of([{"kernel": np.where(np.arange(300000).reshape(3000, 100) == 101, np.inf, 1.0)}], large)
    with pytest.raises(
        ValueError, match=r"expected 'fc1/bias' of candidate 0 with the shape \(7,\) as the child's, got"
    ):
        detector.evidence_of([{**child, "fc1/bias": np.ones(6)}], child)
    with pytest.raises(ValueError, match="expected weights that child 'c' shares with a candidate, got none"):
        detector.evidence_scores({"p": {"other": np.ones((3, 3))}}, {"c": {"fc": {"kernel": np.eye(4)}}})


def test_settings_and_parts_are_checked(cases):
    with pytest.raises(ValueError, match="expected a positive members, got 0"):
        detector.EvidenceTraining(members=0)
    with pytest.raises(ValueError, match="expected at least one case, got none"):
        detector.fit_evidence(cases, [])
