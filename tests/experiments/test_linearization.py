"""The study of linearisation in its smoke mode, its recommendation, its README."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from experiments.linearization import config as study_config
from experiments.linearization import parents as study_parents
from experiments.linearization import recommend as study_recommend
from experiments.linearization import run as study_run
from experiments.linearization import table as study_table
from lineage_jax import lineage, models, population


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
    more = config | {"networks": config["networks"] | {"fc": {"parents": 2, "axes": {"width": [4]}, "near": [{}]}}}
    assert study_run.done_before(path, more) == families


def test_every_family_of_the_study_has_its_place():
    """Names are what families are resumed by: two of one name would be one family."""
    config = study_config.get_config()
    points = study_run.points(config)
    assert len({point.name for point in points}) == len(points)
    for network in config.networks:
        for split in config.splits:
            kinds = [point.candidates for point in points if (point.network, point.split) == (network, split)]
            assert {kind: kinds.count(kind) for kind in study_parents.KINDS[1:]} == {
                "shared-init": 1,
                "checkpoints": 2,
                "one percent apart": 2,
            }


@pytest.mark.parametrize("name", study_config.get_config().networks)
def test_every_network_of_the_study_is_built_at_its_width(name):
    width = study_config.get_config().networks[name].base.width
    point = study_run.Point(network=name, split="test", length=1, learning_rate=0.1, width=width)
    network = study_run.build(point, num_classes=3)
    first, *_ = (shape for path, shape in models.shapes_of(network, (14, 14, 1)).items() if path.endswith("1/kernel"))
    assert first[-1] == width
    assert network.num_classes == 3


def test_copies_that_are_moved_are_as_far_apart_as_asked_for(key):
    network = models.fc(num_classes=3, widths=(64, 32))
    variables = jax.tree.map(lambda leaf: leaf[None], network.init(key, jnp.zeros((1, 4, 4, 1))))
    one = population.Trained(names=("one",), variables=variables, loss=jnp.ones(1), accuracy=jnp.ones(1))
    copies = study_parents.moved(one, 4, by=0.01 / 2**0.5, key=key)
    assert copies.names == ("parent-0", "parent-1", "parent-2", "parent-3")
    # any two random directions of thousands of weights are orthogonal to a few percent
    np.testing.assert_allclose(study_parents.apart(copies, head=network.head), 0.01, rtol=0.05)
    for name in copies.names:
        bias = copies[name]["params"]["fc1"]["bias"]
        np.testing.assert_array_equal(bias, variables["params"]["fc1"]["bias"][0])


def family(split, candidates, direct, *taylor):
    row = {"direct": direct, "taylor": list(taylor), "exact": list(taylor[::-1])}
    return {
        "network": "fc",
        "split": split,
        "candidates": candidates,
        "accuracy": {"features": {"l1": row, "cka": row}},
    }


def test_the_smallest_of_the_best_alphas_is_recommended():
    families = {
        "a": family("validation", "independent", 0.2, 0.5, 0.9, 0.9, 0.9),
        "b": family("test", "independent", 0.3, 0.2, 0.8, 0.6, 0.4),
    }
    rows = study_recommend.recommend(families, alphas=(0.1, 0.3, 0.5, 0.9))
    assert rows["taylor"]["l1"]["alpha"] == 0.3
    assert rows["taylor"]["l1"]["validation"]["independent"]["accuracy"] == 0.9
    assert rows["taylor"]["l1"]["test"] == {
        "independent": {
            "families": 1,
            "direct": 0.3,
            "accuracy": 0.8,
            "worst family": 0.8,
            "families with fewer than direct": 0,
        }
    }
    assert rows["exact"]["l1"]["alpha"] == 0.1


def test_an_alpha_is_as_good_as_the_best_within_a_standard_error():
    better_by_chance, better = np.array([[0.8, 1.0], [0.8, 0.7]]), np.array([[0.8, 1.0], [0.8, 0.9]])
    assert study_recommend.smallest_as_good(better_by_chance) == 0  # by 0.05, with a standard error of 0.15
    assert study_recommend.smallest_as_good(better) == 1  # by 0.15, 0.05
    assert study_recommend.smallest_as_good(better[:, ::-1]) == 0


def test_no_alpha_at_or_beyond_the_limit_is_recommended_however_good_on_average():
    families = {"a": family("validation", "independent", 0.2, 0.3, 0.4, 0.9, 1.0)}
    rows = study_recommend.recommend(families, alphas=(0.1, 0.3, 0.5, 1.0))
    assert rows["taylor"]["cka"]["alpha"] == 0.3  # the limit is 0.5
    assert rows["taylor"]["l1"]["alpha"] == 0.5  # 1


def test_near_families_choose_with_the_others():
    families = {
        "a": family("validation", "independent", 0.2, 0.6, 0.8),
        "b": family("validation", "checkpoints", 1.0, 1.0, 0.5),
    }
    row = study_recommend.recommend(families, alphas=(0.1, 0.3))["taylor"]["cka"]
    assert row["alpha"] == 0.1
    assert row["validation"]["near"]["direct"] == 1.0
    beyond = {"b": family("validation", "checkpoints", 1.0, 0.5, 0.4)}
    near = study_recommend.recommend(beyond, alphas=(0.1, 0.3))["taylor"]["cka"]["validation"]["near"]
    assert near["families with fewer than direct"] == 1


def test_the_readme_of_the_study_shows_the_tables_of_its_results():
    result = json.loads(study_table.RESULTS.read_text())
    readme = (study_table.RESULTS.parents[1] / "README.md").read_text()
    for table in study_table.TABLES:
        assert table(result) in readme


def test_the_recommendation_is_made_from_the_families_on_record():
    result = json.loads(study_table.RESULTS.read_text())
    assert set(result["families"]) == {point.name for point in study_run.points(study_config.get_config())}
    again = study_recommend.recommend(result["families"], alphas=tuple(result["config"]["alphas"]))
    assert again == result["recommended"]


def test_the_library_recommends_what_the_study_found():
    forms = json.loads(study_table.RESULTS.read_text())["recommended"]
    for form, alphas in (("taylor", lineage.RECOMMENDED_ALPHA), ("exact", lineage.RECOMMENDED_EXACT_ALPHA)):
        assert alphas == {measure: row["alpha"] for measure, row in forms[form].items()}
