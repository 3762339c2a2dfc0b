"""A mesh of devices changes where networks and probes lie, and no score: `on_mesh` runs on 8 virtual ones."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from jax.sharding import Mesh

from lineage_jax import pairs
from tests.pairs import on_mesh

pytestmark = pytest.mark.long  # all of them, so that they share one process of facts in a single worker too

ROOT = Path(__file__).parents[2]
ROUNDING = 1e-6
"""Of the largest score of a layer, measure and form: other numbers of rows and children are summed in another order."""


def started(*arguments):
    command = [sys.executable, "-m", "tests.pairs.on_mesh", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def said(process):
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


@pytest.fixture(scope="module")
def facts():
    return said(started("--facts"))


def test_scores_of_every_measure_and_of_every_form_are_those_of_one_device(facts):
    assert facts["differences"]["fc children=4,probes=2"].keys() == on_mesh.MEASURES.keys()
    for case, by_measure in facts["differences"].items():
        assert max(by_measure.values()) <= ROUNDING, (case, by_measure)


def test_probes_are_cut_for_children_on_several_devices_as_for_one(facts):
    assert facts["rows"] < 256
    assert max(facts["cut"].values()) <= ROUNDING


def test_neither_children_nor_probes_need_divide_by_the_devices_and_all_blocks_run_one_program(facts):
    assert facts["on a device"] == [2] * 8
    assert max(facts["blocks"].values()) <= ROUNDING
    assert facts["faults"] == {}
    assert facts["counted"] == 13 * 8 * 4  # bytes of all probes' features, as one device would have them


def test_networks_may_lie_on_several_devices_when_they_are_handed_over(facts):
    assert set(facts["scattered"].values()) == {0.0}


def test_features_that_depend_on_other_probes_are_not_split(facts):
    assert "depend on which probes are shown together" in facts["refused"]
    assert "leave out the axis 'probes'" in facts["refused"]


def test_two_processes_make_one_mesh_and_each_reads_its_own_children():
    with socket.socket() as free:
        free.bind(("localhost", 0))
        coordinator = f"localhost:{free.getsockname()[1]}"
    both = [started("--coordinator", coordinator, "--process", str(process)) for process in range(2)]
    first, second = map(said, both)
    for found in (first, second):
        assert max(found[axis]["worst"] for axis in ("children", "probes")) <= ROUNDING
    # 11 children in blocks of 6: three of a block for either process; all of them where both have all, of other probes
    everyone = [f"c{place}" for place in range(11)]
    assert first["children"]["read"] == [f"c{place}" for place in (0, 1, 2, 6, 7, 8)]
    assert second["children"]["read"] == ["c0", *(f"c{place}" for place in (3, 4, 5, 9, 10))]
    assert first["probes"]["read"] == second["probes"]["read"] == everyone


def test_a_mesh_of_one_device_has_the_bits_of_none():
    one = Mesh(np.array(jax.devices()[:1]), ("children",))
    scores = [on_mesh.scores_of(*on_mesh.small(16, mesh=mesh, measures=on_mesh.TWO)) for mesh in (one, None)]
    np.testing.assert_array_equal(*scores)


def test_other_axes_are_refused():
    with pytest.raises(ValueError, match=r"axes 'children' and 'probes', or one of them, got \('data',\)"):
        on_mesh.small(16, mesh=Mesh(np.array(jax.devices()[:1]), ("data",)))


def test_children_here_are_all_on_one_process():
    assert pairs.children_here(None, 3) == (0, 1, 2)
