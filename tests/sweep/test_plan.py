"""A plan says what is compared in words that JSON holds, and is refused in one line where it does not."""

import json
import re

import pytest

from lineage_jax import sweep


def written(folder, text):
    path = folder / "plan.json"
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return path


def test_a_plan_comes_back_from_its_file(tmp_path):
    plan = sweep.Plan(
        parents="p",
        children={"a": "x.npz", "b": "y.npz"},
        probes={"noise": 3},
        layers=["fc1"],
        alphas=[0, 0.5],
        memory="1.5 GiB",
        catalogue={"index": "i", "top": 3},
    )
    read = sweep.Plan.read(written(tmp_path, plan.as_dict()))
    assert read == plan
    assert read.alphas == (0.0, 0.5)
    assert read.memory == 3 * 2**29


def test_paths_start_at_the_file_of_the_plan(tmp_path):
    plan = sweep.Plan.read(written(tmp_path, {"parents": "p"}))
    assert plan.place_of(plan.parents) == tmp_path / "p"
    assert plan.place_of("/q").as_posix() == "/q"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"measure": ["l1"]}, "unknown key 'measure': did you mean 'measures'?"),
        ({"measures": ["cosin"]}, "unknown measure 'cosin': did you mean 'cosine'?"),
        ({"measures": []}, "expected a list of at least 1 text at 'measures', got []"),
        ({"measures": ["l1", "l1"]}, "expected each of 'measures' once, got 'l1' 2 times"),
        ({"forms": ["tailor"]}, "unknown form 'tailor': did you mean 'taylor'?"),
        ({"precision": "fp32"}, "unknown precision 'fp32': did you mean 'tf32'?"),
        ({"alphas": [-1]}, "expected finite alphas >= 0, got [-1]"),
        ({"alphas": "0.1"}, "expected a list of numbers at 'alphas', got '0.1'"),
        ({"layers": "fc1"}, "expected a list of texts at 'layers', got 'fc1'"),
        ({"memory": "2 pounds"}, "expected bytes such as '2 GiB' at 'memory'"),
        ({"memory": 2}, "at least 1048576, got 2"),
        ({"probes": {"noise": 0}}, "expected a file or {'noise': n, 'seed': s} at 'probes', got {'noise': 0}"),
        ({"parents": []}, "expected a folder, a list of paths or paths by name at 'parents', got '[]'"),
        ({"children": {"a": 3}}, "expected a folder, a list of paths or paths by name at 'children'"),
        ({"catalogue": {"index": "i"}}, "expected {'index': path, 'top': k} with k >= 1, or null at 'catalogue'"),
        ({"arch": 3}, "expected text or null at 'arch', got 3"),
    ],
)
def test_what_is_no_plan_is_refused_in_one_line(tmp_path, settings, said):
    with pytest.raises(ValueError, match=re.escape(said)) as refused:
        sweep.Plan.read(written(tmp_path, settings))
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith(str(tmp_path / "plan.json"))


def test_a_name_that_comes_twice_is_refused(tmp_path):
    path = written(tmp_path, '{"children": {"a": "x", "a": "y"}}')
    with pytest.raises(ValueError, match=r"expected every name once in .*plan.json, got 'a' twice"):
        sweep.Plan.read(path)


def test_what_is_no_json_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"expected a plan in JSON in .*: Expecting"):
        sweep.Plan.read(written(tmp_path, "{parents"))
    with pytest.raises(ValueError, match="got the folder"):
        sweep.Plan.read(tmp_path)
