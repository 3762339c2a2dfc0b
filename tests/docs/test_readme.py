"""What README.md shows runs, and says what it says there."""

import re
from pathlib import Path

import jax
import numpy as np
import pytest

import converters
from lineage_jax import models

README = (Path(__file__).parent.parent.parent / "README.md").read_text()


@pytest.fixture
def blocks():
    return re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_there_are_two_examples(blocks):
    assert len(blocks) == 2


def test_detect_names_the_parent_of_a_file(blocks, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    anna, bert, step = ({"fc.weight": rng.normal(size=(32, 64)).astype(np.float32)} for _ in range(3))
    child = {"fc.weight": bert["fc.weight"] + 0.1 * step["fc.weight"]}
    for name, tensors in {"anna": anna, "bert": bert, "child": child}.items():
        converters.write(f"{name}.pth", tensors)
    names = {}
    exec(blocks[0], names)
    assert (names["answer"].prediction, names["answer"].relation) == ("bert", "related")


def test_scores_of_features_name_the_parent(blocks):
    network = models.fc(num_classes=10)
    keys = jax.random.split(jax.random.key(0), 3)
    anna, bert, step = (models.init(network, key, input_shape=(8, 8, 1)) for key in keys)
    names = {
        "parents": {"anna": anna, "bert": bert},
        "children": {"carl": jax.tree.map(lambda b, s: b + 0.1 * s, bert, step)},
        "probes": jax.random.normal(jax.random.key(1), (32, 8, 8, 1)),
    }
    exec(blocks[1], names)
    assert (names["decisions"].prediction == "bert").all()
