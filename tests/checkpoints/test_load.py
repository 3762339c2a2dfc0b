"""Networks from files, folders and memory: what is known of each, and that many are read when they are asked for."""

import hashlib

import jax
import numpy as np
import pytest

import converters
from lineage_jax import checkpoints, io, lineage, linearize, models, similarity
from lineage_jax.leaves import leaf_paths
from tests.cli.test_files import ENTRY, resnet20

NETWORK = models.fc(5, widths=(8,))
SHAPE = (4, 4, 1)


@pytest.fixture(scope="module")
def trees():
    return {name: models.init(NETWORK, jax.random.key(seed), SHAPE) for seed, name in enumerate(("anna", "bert"))}


@pytest.fixture(scope="module")
def folder(trees, tmp_path_factory):
    """Two networks as checkpoint folders, and the second as a PyTorch file."""
    place = tmp_path_factory.mktemp("networks")
    for name, tree in trees.items():
        models.save_network(place / "own" / name, NETWORK, tree, input_shape=SHAPE)
    (place / "files").mkdir()
    converters.write(place / "files" / "resnet.pth", resnet20(0))
    return place


def test_a_folder_of_ours_is_a_network_with_its_module(folder, trees):
    loaded = checkpoints.load(folder / "own" / "anna")
    assert (loaded.name, loaded.network, loaded.input_shape, loaded.source) == ("anna", NETWORK, SHAPE, None)
    jax.tree.map(np.testing.assert_array_equal, loaded.variables, trees["anna"])
    assert loaded.sha256 == io.sha256(folder / "own" / "anna")
    assert repr(loaded).startswith("LoadedNetwork('anna', FC, ")


def test_a_file_is_a_network_with_its_source_and_its_sum(folder):
    path = folder / "files" / "resnet.pth"
    loaded = checkpoints.load(str(path), ENTRY)
    assert (loaded.source, loaded.input_shape) == (ENTRY, (32, 32, 3))
    assert checkpoints.same_architecture(loaded.network, models.cifar_resnet20())
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    shapes = {path: leaf.shape for path, leaf in leaf_paths(loaded.variables).items()}
    assert shapes == models.shapes_of(loaded.network, loaded.input_shape)
    assert loaded.variables is loaded.variables  # brought to Flax's names once


def test_a_network_in_memory_is_checked_as_one_on_disk(trees):
    loaded = checkpoints.from_variables(trees["anna"], name="anna", network=NETWORK, input_shape=SHAPE)
    assert (loaded.path, loaded.sha256, loaded.label) == (None, None, "anna")
    assert loaded.variables is trees["anna"]
    broken = {"params": {"fc1": {"kernel": np.full((2, 2), np.nan)}}}
    with pytest.raises(ValueError, match="expected finite weights, but of carl 4 of 4 values of 'params/fc1/kernel'"):
        checkpoints.from_variables(broken, name="carl")


def count_reads(monkeypatch):
    """Returns a list that grows by the folder of every checkpoint that is read."""
    read, load = [], io.load
    monkeypatch.setattr(io, "load", lambda path: (read.append(path), load(path))[1])
    return read


def test_many_networks_are_read_when_they_are_asked_for(folder, monkeypatch):
    read = count_reads(monkeypatch)
    networks = checkpoints.load_many(folder / "own")
    assert list(networks) == ["anna", "bert"]
    assert (len(networks), "bert" in networks, repr(networks)) == (2, True, "LazyNetworks(anna, bert)")
    assert read == []
    assert networks["bert"].name == "bert"
    assert read == [folder / "own" / "bert"]
    assert checkpoints.load_many({"mine": folder / "own" / "anna"})["mine"].name == "mine"
    assert list(checkpoints.load_many([folder / "own" / "bert", folder / "files" / "resnet.pth"])) == ["bert", "resnet"]
    assert list(checkpoints.load_many(folder / "files" / "resnet.pth")) == ["resnet"]


def test_scores_read_each_of_many_networks_once(folder, trees, monkeypatch):
    read = count_reads(monkeypatch)
    networks = checkpoints.load_many(folder / "own")
    probes = np.random.default_rng(0).normal(size=(6, *SHAPE)).astype(np.float32)
    settings = {"measures": {"l2": similarity.l2}, "alphas": (0.1,)}
    features = linearize.features_of(NETWORK, ("relu1",))
    scores = lineage.score(features, networks.variables, {"child": trees["bert"]}, probes, **settings)
    assert sorted(read) == [folder / "own" / "anna", folder / "own" / "bert"]
    expected = lineage.score(features, trees, {"child": trees["bert"]}, probes, **settings)
    np.testing.assert_array_equal(scores, expected)


def test_what_cannot_be_read_raises_when_it_is_asked_for(folder, tmp_path):
    (tmp_path / "notes.pt").write_text("no network")
    networks = checkpoints.load_many([folder / "own" / "anna", tmp_path / "notes.pt", tmp_path / "gone.pt"])
    with pytest.raises(ValueError, match=r"notes\.pt"):
        networks["notes"]
    loaded, skipped = checkpoints.load_readable(networks)
    assert (list(loaded), list(skipped)) == (["anna"], ["notes", "gone"])
    with pytest.raises(FileNotFoundError, match="where there is nothing"):
        checkpoints.load_many(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="got an empty folder"):
        checkpoints.load_many(tmp_path / "empty")
