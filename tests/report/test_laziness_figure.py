"""The picture of laziness is drawn for one layer and for many, and refuses layers that are not there."""

import jax
import jax.numpy as jnp
import pytest

from lineage_jax import linearize, models, report


def fc_laziness(with_kernel=False):
    network = models.fc(widths=(8, 6))
    features = linearize.features_of(network, network.taps)
    images = jax.random.normal(jax.random.key(1), (4, 5, 5, 1))
    parent = network.init(jax.random.key(0), images)
    child = jax.tree.map(lambda leaf: leaf * 1.1, parent)
    return linearize.laziness(features, parent, child, images, with_kernel=with_kernel)


def test_the_figure_is_written_in_the_format_of_its_suffix(tmp_path):
    seen = fc_laziness(with_kernel=True)
    report.laziness_figure(seen, tmp_path / "all.png")
    report.laziness_figure(seen, tmp_path / "one.svg", layers=("relu2",))
    assert (tmp_path / "all.png").read_bytes().startswith(b"\x89PNG")
    svg = (tmp_path / "one.svg").read_text()
    assert svg.startswith("<?xml")
    assert "kernel" in svg


def test_kernels_that_were_not_computed_are_left_out(tmp_path):
    report.laziness_figure(fc_laziness(), tmp_path / "all.svg")
    assert "kernel" not in (tmp_path / "all.svg").read_text()


def test_an_unknown_layer_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"expected layers out of \('relu1', 'relu2'\), got \('relu3',\)"):
        report.laziness_figure(fc_laziness(), tmp_path / "none.png", layers=("relu3",))
    assert not list(tmp_path.iterdir())


def test_an_output_without_a_name_is_drawn_too(tmp_path):
    seen = linearize.laziness(lambda w, x: jnp.tanh(x @ w), jnp.ones((3, 2)), jnp.full((3, 2), 1.1), jnp.ones((4, 3)))
    report.laziness_figure(seen, tmp_path / "plain.png")
    assert (tmp_path / "plain.png").stat().st_size > 0
