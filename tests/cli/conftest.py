"""One family small enough to learn from in seconds, on disk in both forms, and a detector that learned from each."""

import contextlib
import dataclasses
import io
import json
from pathlib import Path

import jax
import numpy as np
import pytest

import converters
from lineage_jax import cli, data, detector, models, population
from lineage_jax.typing import Networks

NETWORK = models.fc(5, widths=(12, 8))
SHAPE = (8, 8, 1)
PARENTS, CHILDREN = 3, 10
SETTINGS = {"weights": ["fc2"], "nobody": True, "epochs": 6}


@dataclasses.dataclass(frozen=True)
class Learned:
    """A detector on disk, and what was said when it was learned."""

    folder: Path
    out: str
    err: str


def learn(folder, **options):
    """Calls the command as a function."""
    defaults = {
        "probes": None,
        "weights": None,
        "features": None,
        "nobody": False,
        "epochs": 4,
        "seed": 0,
        "arch": None,
    }
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        cli._train_detector.train_detector(**defaults | {"folder": folder} | options)
    return Learned(folder=folder, out=out.getvalue(), err=err.getvalue())


def random(rng):
    """Returns random weights of the network."""
    shapes = models.shapes_of(NETWORK, SHAPE)
    leaves = {path.split("/")[1]: {} for path in shapes}
    for path, shape in shapes.items():
        _, layer, leaf = path.split("/")
        leaves[layer][leaf] = rng.normal(size=shape).astype(np.float32) / shape[0] ** 0.5
    return {"params": leaves}


def moved(tree, rng):
    """Returns a network with every weight about a tenth of its layer's away."""
    step = lambda leaf: 0.1 * np.std(leaf) * rng.normal(size=leaf.shape).astype(np.float32)
    return jax.tree.map(lambda leaf: leaf + step(leaf), tree)


def as_tensors(tree, kind):
    """Returns the arrays as PyTorch names them; without biases they are of no known architecture."""
    layers = tree["params"].items()
    kernels = {f"{name}.weight": layer["kernel"].T for name, layer in layers}
    return kernels | ({f"{name}.bias": layer["bias"] for name, layer in layers} if kind == "known" else {})


@pytest.fixture(scope="session")
def networks():
    """Five parents and the children of the first four; the last child's parent takes no part in the family."""
    rng = np.random.default_rng(0)
    parents = {f"parent-{place}": random(rng) for place in range(PARENTS + 2)}
    children = {
        f"child-{place}{number}": moved(parents[f"parent-{place}"], rng)
        for place in range(PARENTS)
        for number in range(CHILDREN)
    }
    return parents, children, moved(parents["parent-3"], rng)


@pytest.fixture(scope="session")
def folder(networks, tmp_path_factory):
    """The family as one checkpoint and as folders of files, of a known and an unknown architecture; and what is new."""
    folder = tmp_path_factory.mktemp("networks")
    parents, children, suspect = networks
    family = {name: parents[name] for name in list(parents)[:PARENTS]}
    population.save_family(folder / "family", as_family(family, children))
    for kind in ("known", "unknown"):
        for part, some in (("parents", family), ("children", children)):
            (folder / kind / part).mkdir(parents=True)
            for name, tree in some.items():
                converters.write(folder / kind / part / f"{name}.pth", as_tensors(tree, kind))
        for name, tree in (parents | {"suspect": suspect}).items():
            converters.write(folder / f"{kind}-{name}.safetensors", as_tensors(tree, kind))
        truth = {f"{name}.pth": f"parent-{name[6]}" for name in children}
        (folder / kind / "truth.json").write_text(json.dumps(truth))
    np.save(folder / "probes.npy", data.probes(data.digits()[1], 16, seed=0))
    return folder


def as_family(parents, children):
    stacked = map(Networks.stack, (parents, children))
    trained = (
        population.Trained(**vars(some), loss=np.zeros(len(some)), accuracy=np.ones(len(some))) for some in stacked
    )
    return population.Family(
        **dict(zip(("parents", "children"), trained, strict=True)),
        network=NETWORK,
        truth={name: f"parent-{name[6]}" for name in children},
        settings=population.FamilySettings(num_parents=PARENTS, children_per_parent=CHILDREN),
    )


@pytest.fixture(scope="session")
def learned(folder, tmp_path_factory):
    """A detector of weights that knows "none of these", learned from files of no known architecture."""
    return learn(tmp_path_factory.mktemp("learned") / "detector", family=[folder / "unknown"], **SETTINGS)


@pytest.fixture(scope="session")
def of_features(tmp_path_factory):
    """A detector of weights and features that has learned nothing: what it says is no matter here."""
    module = detector.Detector(weights=("fc2",), features=("relu2",))
    words = {"temperature": 1.0, "training": detector.DetectorTraining(), "history": ()}
    at = tmp_path_factory.mktemp("features") / "detector"
    detector.save_detector(at, detector.Fitted(detector=module, variables=detector.init(module, 0), **words))
    return at
