"""The first experiment: real data, real training, seconds; and its README."""

import json

import pytest
from PIL import Image

from experiments.fc_mnist_fmnist import config as fc_config
from experiments.fc_mnist_fmnist import run as fc_run
from experiments.fc_mnist_fmnist import table as fc_table
from lineage_jax import similarity


@pytest.mark.data
def test_fc_mnist_fmnist_smoke_writes_results_and_figure(tmp_path, monkeypatch, data_folder):
    monkeypatch.setenv("LINEAGE_DATA", str(data_folder))
    monkeypatch.setattr("sys.argv", ["run", "--mode", "smoke", "--out", str(tmp_path)])
    fc_run.main()
    result = json.loads((tmp_path / "smoke.json").read_text())
    assert set(result["variants"]) == set(fc_config.get_config("full").variants)
    for variant in result["variants"].values():
        assert variant["accuracy"].keys() == similarity.MEASURES.keys()
        for row in variant["accuracy"].values():
            assert all(0 <= value <= 1 for value in [row["direct"], *row["taylor"].values(), *row["exact"].values()])
    with Image.open(tmp_path / "smoke.png") as figure:
        assert min(figure.size) > 500


def test_configurations_are_locked():
    with pytest.raises(AttributeError, match="locked"):
        fc_config.get_config("full").new_setting = 1


def test_the_readme_shows_the_tables_of_the_results():
    variants = json.loads(fc_table.RESULTS.read_text())["variants"]
    readme = (fc_table.RESULTS.parents[1] / "README.md").read_text()
    assert fc_table.summary(variants) in readme
    assert fc_table.grid(variants) in readme
