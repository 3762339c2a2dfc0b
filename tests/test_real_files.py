"""Whose child is it? The command on checkpoints as their authors published them, where the truth is known."""

import itertools
import json

import numpy as np
import pytest

import converters
from experiments.lab import published
from lineage_jax import lineage
from tests.cli.test_commands import run

pytestmark = pytest.mark.data

DISTILLER = {
    "checkpoint_trained_4D_regularized_5Lremoved_finetuned": "checkpoint_trained_4D_regularized_5Lremoved",
    "checkpoint_trained_channel_regularized_resnet20_finetuned": "checkpoint_trained_channel_regularized_resnet20",
}
OUTLIER_EXPOSURE = {
    "oe_tune_epoch_4": "baseline_epoch_9",
    "calib_oe_tune_epoch_4": "calib_baseline_epoch_9",
}
UNTUNED = ["baseline_epoch_9", "calib_baseline_epoch_9", "calib_oe_scratch_epoch_9", "oe_scratch_epoch_9"]
EPOCHS = [0, 20, 100, 200, 300, 400, 499]


@pytest.fixture
def detect(data_folder, capsys, monkeypatch):
    """Returns the answer of `lineage-jax detect`, on networks named by folder and stem."""

    def answer(folder, parents, child, *options):
        files = {path.name.partition(".")[0]: path for path in sorted((data_folder / "checkpoints" / folder).iterdir())}
        given = "--parents", *(files[name] for name in parents), "--child", files[child]
        status, out, _ = run(capsys, monkeypatch, "detect", *given, "--json", *options)
        assert status == 0
        return json.loads(out)

    return answer


def by_kernels(answer):
    return next(row for row in answer["scores"] if row["score"] == "centred kernel cosine")


@pytest.mark.parametrize(("child", "parent"), DISTILLER.items())
def test_pruned_networks_that_were_tuned_find_what_was_pruned(detect, data_folder, child, parent):
    folder = data_folder / "checkpoints" / "distiller_resnet"
    candidates = sorted({path.name.partition(".")[0] for path in folder.glob("*.tar")} - DISTILLER.keys())
    assert len(candidates) == 5
    answer = detect("distiller_resnet", candidates, child)
    assert answer["prediction"] == parent
    scores = by_kernels(answer)["by parent"]
    assert scores.pop(parent) > 0.7
    assert max(scores.values()) < lineage.UNRELATED / 2


def test_thinner_candidates_share_less_and_that_is_said(detect):
    child, parent = next(iter(DISTILLER.items()))
    answer = detect("distiller_resnet", list(DISTILLER.values()), child)
    shared = {
        name: row["parameters"] / answer["shared"]["of"]["parameters"]
        for name, row in answer["shared"]["by parent"].items()
    }
    assert shared.pop(parent) == 1
    assert 0.3 < next(iter(shared.values())) < 0.5


@pytest.mark.parametrize(("child", "parent"), OUTLIER_EXPOSURE.items())
def test_tuned_networks_find_their_baseline_among_networks_of_one_initialisation(detect, child, parent):
    answer = detect("outlier_exposure_mnist", UNTUNED, child, "--weights-only")
    assert answer["prediction"] == parent
    assert all(row["prediction"] == parent for row in answer["scores"])
    scores = by_kernels(answer)["by parent"]
    assert scores[parent] > 0.96
    assert all(0.75 < score < 0.9 for name, score in scores.items() if name != parent)  # relatives, no parents


def test_features_on_images_agree_with_the_weights(detect, data_folder, tmp_path):
    child, parent = next(iter(OUTLIER_EXPOSURE.items()))
    with np.load(data_folder / "images" / "mnist.npz") as mnist:
        np.save(tmp_path / "probes.npy", mnist["x_test"][:256, :, :, None].astype(np.float32) / 255)
    answer = detect("outlier_exposure_mnist", UNTUNED, child, "--probes", str(tmp_path / "probes.npy"))
    assert answer["prediction"] == parent
    assert answer["named by"]["decided by"] == "detector"
    assert (answer["named by"]["scores"], answer["named by"]["of"]) == (10, 10)


def test_on_noise_the_weights_decide(detect):
    child, parent = list(OUTLIER_EXPOSURE.items())[-1]
    answer = detect("outlier_exposure_mnist", UNTUNED, child)
    assert answer["prediction"] == parent
    assert answer["named by"]["decided by"] == "detector"
    assert answer["named by"]["without the detector"]["prediction"] == parent
    assert answer["detector"]["file"] == "shipped"
    assert answer["probabilities"].keys() == set(UNTUNED)
    assert answer["probabilities"][parent] > 0.99


def test_epochs_of_a_run_come_in_order_and_before_independent_runs(detect):
    names = {epoch: f"rfb-epoch-{epoch}" for epoch in EPOCHS}
    released = {"version-RFB-320", "version-RFB-640"}

    def ranking(child):
        others = [name for epoch, name in names.items() if epoch != child]
        answer = detect("face_detector_rfb", [*others, *released], names[child])
        return by_kernels(answer)["ranking"]

    for child in (EPOCHS[3], EPOCHS[-1]):  # one between others, the last
        ranked = ranking(child)
        assert set(ranked[-2:]) == released
        epochs = [int(name.rpartition("-")[2]) for name in ranked[:-2]]
        earlier = [epoch for epoch in epochs if epoch < child]
        later = [epoch for epoch in epochs if epoch > child]
        assert earlier == sorted(earlier, reverse=True)
        assert later == sorted(later)
    assert ranked[:-2] == [f"rfb-epoch-{epoch}" for epoch in (400, 300, 200, 100, 20, 0)]


def test_distances_alone_would_take_strangers_for_relatives(detect):
    """Why kernels decide: the norm of the weights has changed so much that independent runs are nearer to the last."""
    answer = detect("face_detector_rfb", ["rfb-epoch-0", "version-RFB-320", "version-RFB-640"], "rfb-epoch-499")
    ranked = {row["score"]: row["ranking"] for row in answer["scores"]}
    assert ranked["kernel cosine"][0] == ranked["overlap cosine"][0] == "rfb-epoch-0"
    assert ranked["overlap distance"][-1] == "rfb-epoch-0"


def test_unrelated_networks_are_told_apart_from_relatives(detect):
    for folder, child, *others in (
        ("convex_adversarial", "fashion_mnist", "mnist", "svhn"),
        ("cifar_resnet", "resnet20-12fca82f", "resnet32-d509ac18", "resnet44-014dd654", "resnet56-4bfd9763"),
    ):
        answer = detect(folder, others, child, "--weights-only")
        assert answer["named by"]["kernel cosine"] < lineage.UNRELATED / 2


@pytest.mark.parametrize("folder", published.FOLDERS)
def test_every_pair_of_files_lies_on_its_side_of_the_threshold(data_folder, folder):
    """Relatives are runs, their tuned networks, and networks of one initialisation; any others are strangers."""
    files = [path for path in sorted((data_folder / "checkpoints" / folder).iterdir()) if "LICENSE" not in path.name]
    trees = {path.name.partition(".")[0]: converters.as_tree(converters.read(path).tensors) for path in files}
    starts = {name: published.group_of(f"{folder}/{name}") or name for name in trees}
    found = {}
    for place, (child, tree) in enumerate(trees.items()):
        earlier = dict(itertools.islice(trees.items(), place))
        if earlier:
            rows = lineage.overlap(earlier, tree)
            assert rows.turned.max() == 0
            found |= {(parent, child): rows.sel(parent=parent) for parent in earlier}
    for (parent, child), row in found.items():
        cosine = row.centred_kernel_cosine.item()
        if starts[parent] == starts[child]:
            assert cosine > 0.5, (parent, child)
        elif row.compared >= lineage.LEAST_COMPARED:
            assert abs(cosine) < lineage.UNRELATED / 2, (parent, child)
    assert len(found) == len(trees) * (len(trees) - 1) / 2


def test_an_epoch_between_two_others_is_no_merge_of_them(data_folder):
    folder = data_folder / "checkpoints" / "face_detector_rfb"
    read = lambda epoch: converters.as_tree(converters.read(next(folder.glob(f"*poch-{epoch}.*"))).tensors)
    found = lineage.mixture({"earlier": read(200), "later": read(400)}, read(300))
    assert found.attrs["residual"] > 2 * lineage.MERGED * found.attrs["residual_alone"]
    np.testing.assert_allclose(found.weight, [0.25, 0.76], atol=0.01)  # weights alone look like those of a merge
