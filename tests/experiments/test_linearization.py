"""The study of linearisation in its smoke mode, its recommendation, its README."""

import json

import pytest
from PIL import Image

from experiments.linearization import config as study_config
from experiments.linearization import recommend as study_recommend
from experiments.linearization import run as study_run
from experiments.linearization import table as study_table
from lineage_jax import lineage


@pytest.mark.data
def test_the_linearisation_study_resumes_and_draws(tmp_path, monkeypatch, data_folder, capsys):
    monkeypatch.setenv("LINEAGE_DATA", str(data_folder))
    monkeypatch.setattr("sys.argv", ["run", "--mode", "smoke", "--out", str(tmp_path)])
    study_run.main()
    path = tmp_path / "smoke.json"
    result = json.loads(path.read_text())
    assert set(result["families"]) == {point.name for point in study_run.points(study_config.get_config("smoke"))}
    for family in result["families"].values():
        assert family["accuracy"]["features"].keys() == {"l2", "cosine", "cka", "dc"}
        assert family["error"].keys() == family["explained"].keys()
        assert all(error >= 0 for curve in family["error"].values() for error in curve)
    for name in ("layers", "axes", "alphas"):
        with Image.open(tmp_path / f"smoke-{name}.png") as figure:
            assert min(figure.size) > 300

    lost = next(iter(result["families"]))
    kept = {name: family for name, family in result["families"].items() if name != lost}
    path.write_text(json.dumps(result | {"families": kept}))
    capsys.readouterr()
    study_run.main()
    assert f"1/1 {lost}" in capsys.readouterr().out.replace("\n", " ")
    again = json.loads(path.read_text())["families"]
    assert again[lost] | {"seconds": 0} == result["families"][lost] | {"seconds": 0}
    assert {name: again[name] for name in kept} == kept


def test_families_of_other_settings_are_run_again(tmp_path):
    config = {"alphas": [1.0], "networks": {"fc": {"parents": 2}, "resnet20": {"parents": 3}}}
    families = {"a": {"network": "fc"}, "b": {"network": "resnet20"}}
    path = tmp_path / "full.json"
    assert study_run.done_before(path, config) == {}
    path.write_text(json.dumps({"config": config, "families": families}))
    assert study_run.done_before(path, config) == families
    other = config | {"networks": config["networks"] | {"fc": {"parents": 5}}}
    assert study_run.done_before(path, other) == {"b": families["b"]}
    assert study_run.done_before(path, config | {"alphas": [0.5]}) == {}


def test_the_middle_of_the_best_alphas_is_recommended():
    def family(split, direct, *taylor):
        row = {"direct": direct, "taylor": list(taylor), "exact": list(taylor[::-1])}
        return {"split": split, "accuracy": {"features": {"l1": row}}}

    families = {"a": family("validation", 0.2, 0.5, 0.9, 0.9, 0.9), "b": family("test", 0.3, 0.4, 0.6, 0.8, 0.2)}
    rows = study_recommend.recommend(families, alphas=(0.1, 0.3, 0.5, 1.0))
    assert rows["taylor"]["l1"]["alpha"] == 0.5
    assert rows["taylor"]["l1"]["validation"]["accuracy"] == 0.9
    assert rows["taylor"]["l1"]["test"] == {"direct": 0.3, "accuracy": 0.8, "worst family": 0.8}
    assert rows["exact"]["l1"]["alpha"] == 0.3


def test_the_readme_of_the_study_shows_the_tables_of_its_results():
    result = json.loads(study_table.RESULTS.read_text())
    readme = (study_table.RESULTS.parents[1] / "README.md").read_text()
    assert study_table.recommended(result["recommended"]) in readme
    assert study_table.families(result) in readme


def test_the_library_recommends_what_the_study_found():
    forms = json.loads(study_table.RESULTS.read_text())["recommended"]
    for form, alphas in (("taylor", lineage.RECOMMENDED_ALPHA), ("exact", lineage.RECOMMENDED_EXACT_ALPHA)):
        assert alphas == {measure: row["alpha"] for measure, row in forms[form].items()}
