"""Sweeps beside their cost model in smoke mode, and what was measured in full."""

import json

import ml_collections
import pytest
from PIL import Image

from experiments.scaling import accelerator
from experiments.scaling import run as scaling_run
from experiments.scaling import table as scaling_table
from experiments.scaling.config import get_config
from tests.experiments.test_tables import EXPERIMENTS


@pytest.mark.long
def test_the_experiment_resumes_and_draws(tmp_path, smoke):
    runs = smoke(scaling_run.main)["runs"]
    assert set(runs) == {"base", "mesh probes=2", "accelerator", "predictions"}
    for name in ("base", "mesh probes=2"):
        assert runs[name]["least"] <= runs[name]["pairs_a_second"] <= runs[name]["most"]
        assert runs[name]["read_bytes"] > 0
    with Image.open(tmp_path / "smoke.png") as figure:
        assert min(figure.size) > 100


def test_points_that_lie_on_several_axes_are_measured_once():
    config = get_config()
    points = scaling_run.points(config)
    assert len(points) == sum(map(len, config.axes.values())) - (len(config.axes) - 1)


def test_without_an_accelerator_nothing_is_measured_and_the_result_says_so():
    assert "no accelerator" in accelerator.record(get_config().accelerator)["skipped"]


def test_every_precision_is_measured_where_there_is_an_accelerator():
    tiny = ml_collections.ConfigDict(
        {
            "network": "fc",
            "arguments": {"widths": (16, 8, 4)},
            "layer": "relu2",
            "image": (4, 4, 1),
            "measures": ("l1",),
            "probes": 3,
            "parents": 2,
            "children": 3,
            "memory": 2**30,
            "rounds": 1,
            "product": 16,
        }
    )
    measured = accelerator.measured(tiny)
    for name, found in measured.items():
        assert found["least"] <= found["pairs_a_second"] <= found["most"], name
        assert found["products"] > 0
    shown = scaling_table.accelerated({"accelerator": {"device": "any", "precisions": measured}})
    assert [f"| any | {name} |" in shown for name in ("float32", "tf32", "bf16")] == [True] * 3


def test_the_readme_shows_the_tables():
    folder = EXPERIMENTS / "scaling"
    result = json.loads((folder / "results" / "full.json").read_text())
    readme = (folder / "README.md").read_text()
    for table in scaling_table.tables(result):
        assert table in readme
