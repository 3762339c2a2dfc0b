"""The picture of the layers: for one child and for several, and nothing for scores of other dimensions."""

import numpy as np
import pytest
import xarray

from lineage_jax import report

LAYERS = ["relu1", "relu2", "relu3"]


def scores(*children):
    values = np.random.default_rng(0).normal(size=(2, len(children), 3))
    coords = {"parent": ["anna", "bert"], "child": list(children), "layer": LAYERS}
    return xarray.DataArray(values, dims=("parent", "child", "layer"), coords=coords)


def test_every_child_has_a_panel(tmp_path):
    report.profile_figure(scores("carl", "dora"), tmp_path / "both.svg")
    report.profile_figure(scores("carl").sel(child="carl"), tmp_path / "one.svg")
    both, one = ((tmp_path / name).read_text() for name in ("both.svg", "one.svg"))
    assert both.count("<image") == 2
    assert one.count("<image") == 1
    assert "<!-- dora -->" in both
    assert "<!-- relu3 -->" in one


def test_scores_of_other_dimensions_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"expected scores over parent, layer and child, got .*measure"):
        report.profile_figure(scores("carl").expand_dims("measure"), tmp_path / "none.png")
    assert not list(tmp_path.iterdir())
