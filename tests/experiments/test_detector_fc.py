"""The detector beside learning-free scores, in its smoke mode."""

import json

import pytest
from PIL import Image

from experiments.detector_fc import config as detector_config
from experiments.detector_fc import run as detector_run
from lineage_jax import lineage


@pytest.mark.data
def test_the_detector_experiment_resumes_and_draws(tmp_path, monkeypatch, data_folder, capsys):
    monkeypatch.setenv("LINEAGE_DATA", str(data_folder))
    monkeypatch.setattr("sys.argv", ["run", "--mode", "smoke", "--out", str(tmp_path)])
    detector_run.main()
    result = json.loads((tmp_path / "smoke.json").read_text())
    config = detector_config.get_config("smoke")
    assert set(result["runs"]) == {f"{variant} 0" for variant in config.variants}
    for record in result["runs"].values():
        assert record["accuracy"].keys() == {"test", *config.unseen}
        for accuracy in record["accuracy"].values():
            assert accuracy.keys() == {*lineage.FORMS, "weights, all", "weights, fc3", "detector"}
            assert all(0 <= share <= 1 for share in accuracy.values())
    with Image.open(tmp_path / "smoke.png") as figure:
        assert min(figure.size) > 300
    capsys.readouterr()
    detector_run.main()
    assert "checkpoints 0" not in capsys.readouterr().out
    assert json.loads((tmp_path / "smoke.json").read_text()) == result
