"""Training: what it learns, what it must not be able to learn, and that a killed run ends as an uninterrupted one."""

import dataclasses
import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import detector, io, lineage
from lineage_jax.detector import Views, _fit, evaluate, fit, predict
from tests.detector.conftest import DETECTOR, TRAINING, family_of, look_at

ROOT = Path(__file__).parents[2]


def accuracy_on(fitted, *families):
    return evaluate(predict(fitted.detector, fitted.variables, families)).accuracy


def bits_of(tree):
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(tree)]


def with_labels(families, labels_of):
    return [dataclasses.replace(family, labels=labels_of(family.labels)) for family in families]


def test_it_names_the_parents_of_unseen_children(fitted, parts):
    assert accuracy_on(fitted, *parts.test) > 0.9  # chance is 0.25


@pytest.fixture(scope="module")
def wider(probes):
    """A family of fewer and wider networks than the detector learned from."""
    return look_at(family_of(seed=6, parents=3, children=10, widths=(24, 20)), probes)


def test_it_names_unseen_parents_of_another_width(fitted, wider):
    assert accuracy_on(fitted, wider) > 0.9


def test_it_names_unseen_parents_of_another_number(fitted, probes):
    assert accuracy_on(fitted, look_at(family_of(seed=5, parents=12, children=4), probes)) > 0.9


def test_shuffled_labels_leave_it_at_chance(examples):
    numbers = np.random.default_rng(0)
    shuffled = detector.split(with_labels([examples], numbers.permutation), seed=0)
    learned = fit(DETECTOR, shuffled.train, shuffled.validation, training=TRAINING)
    assert evaluate(predict(DETECTOR, learned.variables, shuffled.test)).loss > np.log(4) - 0.3
    assert accuracy_on(learned, *shuffled.test) < 0.65  # 13 children at chance 0.25: four deviations are 0.73


def test_who_learned_nothing_is_told(examples, parts, caplog):
    """All children look alike here, so there is nothing to be learned."""
    alike = dataclasses.replace(examples, children=jax.tree.map(lambda leaf: leaf[:1].repeat(64, 0), examples.children))
    split = detector.split([alike], seed=0)
    fit(DETECTOR, split.train, split.validation, training=TRAINING)
    (said,) = [record.message for record in caplog.records if record.name.startswith("lineage_jax")]
    assert said.startswith("the detector has learned nothing: its validation loss, 1.")
    caplog.clear()
    fit(DETECTOR, parts.train, parts.validation, training=TRAINING)
    assert not [record for record in caplog.records if record.name.startswith("lineage_jax")]


def test_noise_in_place_of_the_child_leaves_it_at_chance(fitted, examples, key):
    def noise(leaf):
        return leaf.mean() + leaf.std() * np.asarray(jax.random.normal(key, leaf.shape), np.float32)

    drowned = dataclasses.replace(examples, children=jax.tree.map(noise, examples.children))
    assert accuracy_on(fitted, examples) > 0.9
    assert abs(accuracy_on(fitted, drowned) - 0.25) < 0.22  # 64 children: four deviations


def test_probabilities_are_shares_that_the_decision_takes_for_scores(fitted, parts):
    (test,) = parts.test
    shares = detector.probabilities(fitted, test)
    np.testing.assert_allclose(shares.sum("parent"), 1.0, atol=1e-6)  # float32 sums of four shares
    truth = {child: test.parent_names[label] for child, label in zip(test.child_names, test.labels, strict=True)}
    assert lineage.accuracy(lineage.decide(shares), truth) == accuracy_on(fitted, test)


def test_several_families_of_different_sizes_are_learned_together(parts, wider):
    other = detector.split([wider], seed=0)
    together = fit(DETECTOR, [*parts.train, *other.train], [*parts.validation, *other.validation], training=TRAINING)
    assert accuracy_on(together, *parts.test) > 0.9
    assert accuracy_on(together, *other.test) > 0.9
    predictions = predict(DETECTOR, together.variables, [*parts.test, *other.test])
    assert predictions.logits.shape[1] == 4
    assert np.isneginf(predictions.logits[len(parts.test[0]) :, 3]).all()


def test_it_learns_to_say_that_none_of_the_candidates_is_the_parent(parts, probes):
    module = DETECTOR.clone(nobody=True)
    training = dataclasses.replace(TRAINING, orphans=0.3, epochs=10)
    fitted = fit(module, parts.train, parts.validation, training=training)
    strangers = with_labels(parts.test, lambda labels: np.full_like(labels, 4))
    apart = look_at(family_of(seed=5, parents=4, children=6), probes)
    swapped = dataclasses.replace(apart, parents=parts.test[0].parents, labels=np.full(len(apart), 4))
    assert accuracy_on(fitted, *parts.test) > 0.8
    assert accuracy_on(fitted, swapped) > 0.8
    assert accuracy_on(fitted, *strangers) < 0.2
    shares = detector.probabilities(fitted, parts.test[0])
    assert shares.parent.values.tolist() == [*parts.test[0].parent_names, detector.NOBODY]


def test_half_precision_learns_too(parts):
    half = fit(DETECTOR.clone(dtype=jnp.bfloat16), parts.train, parts.validation, training=TRAINING)
    assert accuracy_on(half, *parts.test) > 0.9


def test_training_ends_once_the_validation_loss_no_longer_falls(parts):
    training = dataclasses.replace(TRAINING, epochs=50, learning_rate=1e-12, patience=2)
    losses = [row["validation_loss"] for row in fit(DETECTOR, parts.train, parts.validation, training=training).history]
    assert len(losses) < 50
    assert losses.index(min(losses)) == len(losses) - 3


def steps_of(gradients, *, clip):
    """Returns the optimizer's steps along gradients of four equal entries, two steps an epoch."""
    optimizer = detector.Program.of(DETECTOR, dataclasses.replace(TRAINING, clip=clip), steps=2).optimizer()
    memory = optimizer.init({"w": jnp.zeros(4)})
    steps = []
    for gradient in gradients:
        update, memory = optimizer.update({"w": jnp.full(4, gradient)}, memory)
        steps.append(-float(update["w"][0]))
    return steps


def test_the_rate_falls_after_every_epoch():
    # Adam's steps are the rate itself where gradients do not change, up to its float32 corrections
    np.testing.assert_allclose(steps_of([0.1] * 5, clip=1.0), [0.01, 0.01, 0.007, 0.007, 0.0049], rtol=1e-4)


def test_gradients_are_clipped_to_a_greatest_norm():
    # four entries of 0.5 have norm 1; Adam does not see the size of all gradients, but that of one beside the next
    small = steps_of([0.5, 0.5], clip=1.0)
    np.testing.assert_allclose(steps_of([100.0, 0.5], clip=1.0), small, rtol=1e-6)
    assert steps_of([100.0, 0.5], clip=1e6)[1] < 0.8 * small[1]
    np.testing.assert_allclose(steps_of([0.5, 0.25], clip=1.0), steps_of([0.5, 0.25], clip=1e6), rtol=1e-6)


def test_a_step_is_compiled_once_for_all_batches(parts):
    program = detector.Program.of(DETECTOR, TRAINING, steps=6)
    state = program.start(0)
    drawn = [batch for _, batch in detector.batches(parts.train, batch_size=8, seed=0, epoch=0)]
    state, _ = detector.train_step(program, state, parts.train[0].parents, drawn[0])
    with jax.no_tracing():
        for batch in drawn[1:]:
            state, _ = detector.train_step(program, state, parts.train[0].parents, batch)


def test_children_that_only_fill_a_batch_do_not_count(parts):
    (batch,) = [batch for _, batch in detector.batches(parts.validation, batch_size=16, seed=0, epoch=0)]
    program = detector.Program.of(DETECTOR, TRAINING, steps=1)
    state = program.start(0)
    _, loss = detector.train_step(program, state, parts.train[0].parents, batch)
    evaluation = evaluate(predict(DETECTOR, state.variables, parts.validation))
    assert (batch.counts == 0).any()
    np.testing.assert_allclose(loss, evaluation.loss, rtol=1e-4)  # compiled in another order


def test_progress_is_reported_and_metrics_are_lines_of_json(tmp_path, parts):
    rows = []
    training = dataclasses.replace(TRAINING, epochs=2)
    fitted = fit(DETECTOR, parts.train, parts.validation, training=training, folder=tmp_path, on_epoch=rows.append)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines == rows == list(fitted.history)
    assert [row["epoch"] for row in lines] == [0, 1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-000002", "metrics.jsonl"]


KILLED = """
import os, pickle, signal, sys
from pathlib import Path
from tests.detector.conftest import DETECTOR, TRAINING
from lineage_jax import detector
from lineage_jax.detector import _fit

folder, parts, steps = Path(sys.argv[1]), pickle.loads(Path(sys.argv[2]).read_bytes()), int(sys.argv[3])
train_step, done = _fit.train_step, 0

def counted(*arguments):
    global done
    if done == steps:
        os.kill(os.getpid(), signal.SIGKILL)
    done += 1
    return train_step(*arguments)

_fit.train_step = counted
detector.fit(DETECTOR, parts.train, parts.validation, training=TRAINING, folder=folder)
"""


def assert_it_ends_as_an_uninterrupted_one(run, parts, fitted):
    again = fit(DETECTOR, parts.train, parts.validation, training=TRAINING, folder=run)
    assert again.history == fitted.history
    assert again.temperature == fitted.temperature
    assert bits_of(again.variables) == bits_of(fitted.variables)


def test_a_killed_run_goes_on_and_ends_bit_for_bit_as_an_uninterrupted_one(tmp_path, parts, fitted):
    (tmp_path / "parts").write_bytes(pickle.dumps(parts))
    run = tmp_path / "run"
    command = [sys.executable, "-c", KILLED, run, tmp_path / "parts", "15"]
    killed = subprocess.run([str(word) for word in command], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(run.glob("epoch-*"))) == 1
    assert_it_ends_as_an_uninterrupted_one(run, parts, fitted)


def test_a_run_that_is_interrupted_in_its_first_epoch_starts_again(tmp_path, parts, fitted, monkeypatch):
    run, train_step = tmp_path / "run", _fit.train_step
    steps = iter(range(3))

    def counted(*arguments):
        if next(steps, None) is None:
            raise KeyboardInterrupt
        return train_step(*arguments)

    monkeypatch.setattr(_fit, "train_step", counted)
    with pytest.raises(KeyboardInterrupt):
        fit(DETECTOR, parts.train, parts.validation, training=TRAINING, folder=run)
    monkeypatch.undo()
    assert not list(run.glob("epoch-*"))
    assert_it_ends_as_an_uninterrupted_one(run, parts, fitted)


def test_a_run_of_other_settings_is_refused(tmp_path, parts):
    one = dataclasses.replace(TRAINING, epochs=1)
    fit(DETECTOR, parts.train, parts.validation, training=one, folder=tmp_path)
    with pytest.raises(ValueError, match=r"to go on with training .*'epochs': 1.* got .*'epochs': 6"):
        fit(DETECTOR, parts.train, parts.validation, training=TRAINING, folder=tmp_path)
    with pytest.raises(ValueError, match=r"to go on with detector"):
        fit(DETECTOR.clone(blocks=2), parts.train, parts.validation, training=one, folder=tmp_path)


ON_A_MESH = """
import dataclasses, pickle, sys
from pathlib import Path
import jax
import numpy as np
from tests.detector.conftest import DETECTOR, TRAINING
from lineage_jax import detector

parts = pickle.loads(Path(sys.argv[1]).read_bytes())
assert len(jax.devices()) == 8
mesh = jax.make_mesh((8,), ("children",), axis_types=(jax.sharding.AxisType.Auto,))
training = dataclasses.replace(TRAINING, epochs=1)
fitted = detector.fit(DETECTOR, parts.train, parts.validation, training=training, mesh=mesh)
print([[row["train_loss"], row["validation_loss"]] for row in fitted.history])
"""


def test_eight_devices_learn_what_one_does(tmp_path, parts, fitted):
    (tmp_path / "parts").write_bytes(pickle.dumps(parts))
    environment = {"XLA_FLAGS": f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count=8", "PATH": ""}
    command = [sys.executable, "-c", ON_A_MESH, str(tmp_path / "parts")]
    printed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    first = fitted.history[0]
    # by rounding alone; later epochs have learned from other roundings
    np.testing.assert_allclose(json.loads(printed), [[first["train_loss"], first["validation_loss"]]], rtol=1e-3)


def test_a_detector_comes_back_from_disk_bit_for_bit(tmp_path, fitted, parts):
    detector.save_detector(tmp_path / "detector", fitted)
    loaded = detector.load_detector(tmp_path / "detector")
    assert (loaded.detector, loaded.training) == (fitted.detector, fitted.training)
    assert (loaded.temperature, loaded.history) == (fitted.temperature, fitted.history)
    assert bits_of(loaded.variables) == bits_of(fitted.variables)
    assert detector.probabilities(loaded, parts.test[0]).equals(detector.probabilities(fitted, parts.test[0]))


def test_a_damaged_detector_is_refused(tmp_path, fitted):
    detector.save_detector(tmp_path / "detector", fitted)
    file = max((path for path in (tmp_path / "detector").rglob("*") if path.is_file()), key=lambda p: p.stat().st_size)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ValueError, match="cut short or altered"):
        detector.load_detector(tmp_path / "detector")


def test_checkpoints_of_something_else_or_of_another_version_are_refused(tmp_path, fitted):
    io.save(tmp_path / "other", {"x": np.ones(1)}, description={"network": "fc"})
    with pytest.raises(ValueError, match=r"checkpoint of a trained detector at .* got one of network"):
        detector.load_detector(tmp_path / "other")
    io.save(tmp_path / "old", {"x": np.ones(1)}, description={"version": 0})
    with pytest.raises(ValueError, match=r"of version 2 at .* got version 0: train it again"):
        detector.load_detector(tmp_path / "old")
    other = dataclasses.replace(fitted, detector=fitted.detector.clone(blocks=2))
    detector.save_detector(tmp_path / "thin", other)
    with pytest.raises(ValueError, match=r"at 'params/transformer_1/.*', got nothing"):
        detector.load_detector(tmp_path / "thin")


def test_other_layers_than_the_detectors_are_refused(fitted, examples):
    other = Views(weights={"fc1": examples.parents.weights["fc2"]}, features=examples.parents.features)
    with pytest.raises(ValueError, match="expected weights of the layers fc2, got fc1"):
        accuracy_on(fitted, dataclasses.replace(examples, parents=other))


def test_what_cannot_be_learned_is_refused_before_the_first_step(parts):
    train, validation = parts.train, parts.validation
    with pytest.raises(ValueError, match="children for training in every family, got none"):
        fit(DETECTOR, [], validation)
    with pytest.raises(ValueError, match="children for validation in every family, got none"):
        fit(DETECTOR, train, [validation[0].select(np.arange(0))])
    with pytest.raises(ValueError, match="set nobody=True"):
        fit(DETECTOR, with_labels(train, lambda labels: np.full_like(labels, 4)), validation)
    with pytest.raises(ValueError, match="orphans above 0 with nobody only"):
        fit(DETECTOR.clone(nobody=True), train, validation)


def test_a_rate_that_diverges_is_refused(parts):
    broken = dataclasses.replace(TRAINING, learning_rate=1e30, epochs=3)
    with pytest.raises(ValueError, match="loss is not finite in epoch"):
        fit(DETECTOR, parts.train, parts.validation, training=broken)


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"patience": 0},
        {"learning_rate": 0.0},
        {"decay": -1.0},
        {"clip": 0.0},
        {"orphans": 1.0},
    ],
)
def test_impossible_settings_are_refused(settings):
    (name,) = settings
    with pytest.raises(ValueError, match=f"expected .*{name}"):
        detector.DetectorTraining(**settings)
