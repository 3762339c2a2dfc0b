"""Laws of `lineage_jax.io`: bit for bit, completely or not at all, and no damage goes unnoticed."""

import os
import shutil
import signal
import subprocess
import sys
import types

import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
import pytest
from flax import nnx
from flax.training import train_state

from lineage_jax import io

TREE = {
    "params": {"fc1": {"kernel": np.linspace(-1, 1, 600, dtype=np.float32).reshape(20, 30), "bias": np.zeros(30)}},
    "batch_stats": {},
    "step": np.array(7, np.int64),
}


@pytest.fixture
def checkpoint(tmp_path):
    io.save(tmp_path / "checkpoint", TREE, description={"architecture": "fc", "widths": (3, 2)})
    return tmp_path / "checkpoint"


def assert_same_bits(tree, expected):
    assert jax.tree.structure(tree) == jax.tree.structure(expected)
    for leaf, other in zip(jax.tree.leaves(tree), jax.tree.leaves(expected), strict=True):
        assert (leaf.dtype, leaf.shape, leaf.tobytes()) == (other.dtype, other.shape, np.asarray(other).tobytes())


def files_of(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_tree_and_description_come_back_as_they_were(checkpoint):
    tree, description = io.load(checkpoint)
    assert_same_bits(tree, TREE)
    assert description == {"architecture": "fc", "widths": [3, 2]}


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64", "int8", "int32", "uint64", "bool", "complex64"])
def test_every_kind_of_number_comes_back_bit_for_bit(tmp_path, dtype):
    leaf = np.array([[0, 1, 2], [3, 100, 1]]).astype(jnp.dtype(dtype))
    io.save(tmp_path / "a", {"x": leaf, "scalar": leaf[1, 1]}, description={})
    tree, _ = io.load(tmp_path / "a")
    assert_same_bits(tree, {"x": leaf, "scalar": np.asarray(leaf[1, 1])})


def test_values_that_are_not_numbers_keep_their_bits(tmp_path):
    leaf = np.array([np.nan, -0.0, np.inf, 1e-45], np.float32)
    io.save(tmp_path / "a", {"x": leaf}, description={})
    assert_same_bits(io.load(tmp_path / "a")[0], {"x": leaf})


def test_integer_keys_become_strings_and_empty_dictionaries_stay(tmp_path):
    io.save(tmp_path / "a", {0: {1: jnp.ones(2)}, "a/b": {"": 1, "c": {}}}, description={"x": None})
    tree, description = io.load(tmp_path / "a")
    assert_same_bits(tree, {"0": {"1": np.ones(2, np.float32)}, "a/b": {"": np.asarray(1), "c": {}}})
    assert tree["a/b"]["c"] == {}
    assert description == {"x": None}


def test_missing_folders_above_are_made_and_nothing_else_is_left(tmp_path):
    io.save(tmp_path / "new" / "a", TREE, description={})
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a"]


def test_standard_tools_can_verify_a_checkpoint(checkpoint):
    if shutil.which("sha256sum") is None:
        pytest.skip("needs the sha256sum command")
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=checkpoint, check=True, capture_output=True)


@pytest.mark.parametrize("kind", ["checkpoint", "file", "folder", "dangling link"])
def test_an_existing_path_is_refused_and_left_untouched(tmp_path, checkpoint, kind):
    path = checkpoint if kind == "checkpoint" else tmp_path / "taken"
    if kind == "file":
        path.write_text("mine")
    elif kind == "folder":
        path.mkdir()
    elif kind == "dangling link":
        path.symlink_to(tmp_path / "nowhere")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FileExistsError, match="which exists: choose another"):
        io.save(path, {"x": np.ones(1)}, description={})
    assert sorted(tmp_path.rglob("*")) == before
    assert_same_bits(io.load(checkpoint)[0], TREE)


@pytest.mark.parametrize(
    ("tree", "error", "message"),
    [
        ([np.ones(1)], TypeError, "nested dictionaries of arrays, got list"),
        ({"a": [np.ones(1)]}, TypeError, "got list at 'a'"),
        ({"a": None, "b": np.ones(1)}, TypeError, "got NoneType at 'a'"),
        ({"a": {"b": "text"}}, TypeError, "arrays of numbers, got dtype <U4 at 'a.b'"),
        ({"a": jax.random.key(0)}, TypeError, "random.key_data"),
        ({}, ValueError, "at least one array"),
        ({"a": {"b": {}}}, ValueError, "at least one array"),
        ({"a": np.ones((0, 2))}, ValueError, r"got shape \(0, 2\) at 'a'"),
        ({1: np.ones(1), "1": np.ones(1)}, ValueError, "keys that differ as strings"),
        ({"a.b": np.ones(1), "a": {"b": np.ones(1)}}, ValueError, "'a.b' twice"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_anything_is_written(tmp_path, tree, error, message):
    with pytest.raises(error, match=message):
        io.save(tmp_path / "a", tree, description={})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("description", [{"a": {1, 2}}, {"a": np.ones(1)}, {"a": {(1, 2): 3}}])
def test_a_description_that_json_cannot_hold_is_refused(tmp_path, description):
    with pytest.raises(TypeError, match="description that JSON can hold"):
        io.save(tmp_path / "a", TREE, description=description)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_checkpoint_is_a_file_not_found(tmp_path):
    with pytest.raises(FileNotFoundError, match="where there is nothing"):
        io.load(tmp_path / "a")


@pytest.mark.parametrize("kind", ["file", "empty folder", "folder of something else"])
def test_what_is_no_checkpoint_is_refused(tmp_path, kind):
    path = tmp_path / "a"
    if kind == "file":
        path.write_text("not a folder")
    else:
        path.mkdir()
    if kind == "folder of something else":
        (path / "SHA256SUMS").write_text("no sums\n")
    with pytest.raises(ValueError, match=r"written by lineage_jax|cut short or altered"):
        io.load(path)


def test_the_loss_of_any_file_is_noticed(tmp_path, checkpoint):
    for name in files_of(checkpoint):
        damaged = shutil.copytree(checkpoint, tmp_path / "damaged")
        (damaged / name).unlink()
        with pytest.raises(ValueError, match="SHA256SUMS"):
            io.load(damaged)
        shutil.rmtree(damaged)


def test_the_truncation_of_any_file_is_noticed(tmp_path, checkpoint):
    for name in files_of(checkpoint):
        damaged = shutil.copytree(checkpoint, tmp_path / "damaged")
        size = (damaged / name).stat().st_size
        os.truncate(damaged / name, size // 2)
        if size:
            with pytest.raises(ValueError, match="cut short or altered"):
                io.load(damaged)
        shutil.rmtree(damaged)


def test_a_flipped_bit_anywhere_is_noticed_and_its_file_named(checkpoint):
    generator = np.random.default_rng(0)
    for name in files_of(checkpoint):
        whole = (checkpoint / name).read_bytes()
        for position in generator.integers(len(whole), size=5) if whole else ():
            flipped = bytearray(whole)
            flipped[position] ^= 1 << int(generator.integers(8))
            (checkpoint / name).write_bytes(flipped)
            with pytest.raises(ValueError, match="is not what SHA256SUMS says" if name == "SHA256SUMS" else name):
                io.load(checkpoint)
        (checkpoint / name).write_bytes(whole)
    assert_same_bits(io.load(checkpoint)[0], TREE)


KILLED_SAVE = """
import os, signal, sys
import numpy as np
from lineage_jax import io

path, event, ending = sys.argv[1:]

def kill(name, args):
    if name == event and str(args[0]).endswith(ending):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(kill)
io.save(path, {"kernel": np.ones((500, 500)), "bias": np.ones(500)}, description={"a": 1})
"""


@pytest.mark.parametrize(
    ("event", "ending"),
    [
        ("open", "/tree.orbax-checkpoint-tmp/_METADATA"),  # while orbax writes the arrays
        ("os.rename", "/checkpoint.orbax-checkpoint-tmp"),  # before orbax commits
        ("open", "/SHA256SUMS"),  # before the sums
        ("os.rename", "/checkpoint"),  # before the folder gets its name
    ],
)
def test_a_process_killed_while_saving_leaves_nothing_that_loads(tmp_path, event, ending):
    path = tmp_path / "a"
    process = subprocess.run([sys.executable, "-c", KILLED_SAVE, path, event, ending], check=False)
    assert process.returncode == -signal.SIGKILL
    assert not path.exists()
    for left in tmp_path.iterdir():
        with pytest.raises(ValueError, match="written by lineage_jax"):
            io.load(left)
    io.save(path, TREE, description={})
    assert_same_bits(io.load(path)[0], TREE)


def test_a_full_disk_is_an_error_of_the_system_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: types.SimpleNamespace(free=1000))
    with pytest.raises(OSError, match=r"No space left on device: the arrays take .* bytes, 1000 are free") as caught:
        io.save(tmp_path / "a", TREE, description={})
    assert caught.value.filename == str(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """A training state and variables, as other trainers leave them through orbax."""
    folder = tmp_path_factory.mktemp("foreign")
    variables = {"params": {"fc": {"kernel": jnp.ones((3, 2)), "bias": jnp.zeros(2, jnp.bfloat16)}}}
    state = train_state.TrainState.create(apply_fn=None, tx=optax.adam(0.1), **variables)
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(folder / "standard", state)
        checkpointer.wait_until_finished()
        checkpointer.save(folder / "nnx", nnx.state(nnx.Linear(3, 2, rngs=nnx.Rngs(0))))
        checkpointer.wait_until_finished()
    with ocp.PyTreeCheckpointer() as checkpointer:
        checkpointer.save(folder / "pytree", {"model": state, "config": {"name": "a"}})
    with ocp.CheckpointManager(folder / "manager") as manager:
        for step in (2, 10):
            items = {"state": ocp.args.StandardSave(state.replace(step=step)), "notes": ocp.args.JsonSave({"a": 1})}
            manager.save(step, args=ocp.args.Composite(**items))
            manager.wait_until_finished()
    return folder


@pytest.mark.parametrize("place", ["standard", "manager", "manager/2"])
def test_a_training_state_of_any_program_is_read_without_its_moments(foreign, place):
    tree = io.load_tree(foreign / place)
    assert_same_bits(tree["params"], {"fc": {"bias": np.zeros(2, jnp.bfloat16), "kernel": np.ones((3, 2), np.float32)}})
    assert tree.keys() == {"params", "step"}
    assert tree["step"] == {"standard": 0, "manager": 10, "manager/2": 2}[place]


def test_texts_are_left_out_and_nnx_keeps_its_own_names(foreign):
    tree = io.load_tree(foreign / "pytree")
    assert (tree.keys(), tree["model"].keys()) == ({"model"}, {"params", "step"})
    assert io.load_tree(foreign / "nnx")["kernel"]["value"].shape == (3, 2)


def test_of_several_trees_one_must_be_named(foreign, tmp_path):
    for name in ("generator", "critic"):
        shutil.copytree(foreign / "standard", tmp_path / "a" / name)
    with pytest.raises(
        ValueError, match=r"expected one tree of arrays in .*, got critic, generator: give one of these"
    ):
        io.load_tree(tmp_path / "a")
    assert "params" in io.load_tree(tmp_path / "a" / "critic")


def test_what_is_no_checkpoint_of_orbax_is_refused_in_one_line(foreign, tmp_path):
    with pytest.raises(ValueError, match=r"expected a checkpoint of orbax, got .*, which has no _METADATA"):
        io.load_tree(tmp_path)
    with pytest.raises(FileNotFoundError, match="where there is nothing"):
        io.load_tree(tmp_path / "none")
    shutil.copytree(foreign / "standard", tmp_path / "broken")
    (tmp_path / "broken" / "_METADATA").write_text("{}")
    with pytest.raises(ValueError, match="expected a checkpoint that orbax reads, got") as caught:
        io.load_tree(tmp_path / "broken")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8", "bool"])
def test_what_is_read_without_orbax_is_what_orbax_reads(tmp_path, dtype):
    leaf = np.arange(600).reshape(20, 30).astype(jnp.dtype(dtype))
    io.save(
        tmp_path / "a", {"params": {"fc.1/x": {"kernel": leaf, "bias": leaf[0]}, "step": leaf[1, 1]}}, description={}
    )
    assert_same_bits(io.load(tmp_path / "a")[0], io.load_tree(tmp_path / "a" / "tree"))
