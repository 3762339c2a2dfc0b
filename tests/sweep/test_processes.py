"""Sweeps as processes of their own: killed, several at once, and on meshes that span them."""

import pytest

from tests.sweep import networks
from tests.sweep.kill import Sweep, contents, done
from tests.sweep.same_store import TOLERANCE, differences


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A sweep that nobody disturbed."""
    folder = networks.write_family(tmp_path_factory.mktemp("family"), parents=4, children_of_each=6, widths=(128, 64))
    plan = networks.write_plan(folder, memory="2 MiB", measures=["l2", "cka"], alphas=[0.3], forms=["exact"])
    sweep = Sweep(plan, folder / "whole")
    sweep.finished()
    assert len(done(sweep.store)) > 5
    return sweep


def test_a_process_that_is_killed_at_a_file_loses_nothing(whole, tmp_path):
    sweep = Sweep(whole.plan, tmp_path / "store")
    was_running, left, _, _ = sweep.killed(1, 0, 2, None)
    assert was_running
    assert left < len(done(whole.store))
    assert sweep.finished() == contents(whole.store)


def test_of_two_processes_the_survivor_does_its_own_blocks_and_says_what_is_missing(whole, tmp_path):
    sweep = Sweep(whole.plan, tmp_path / "store")
    _, _, _, [(status, out, err)] = sweep.killed(2, 1, 0, 0.0)
    missing = len(done(whole.store)) - len(done(sweep.store))
    assert status == 1
    assert f"process 1 has ended before its work was done: {missing} of its blocks are missing" in err
    assert "what is done is kept: run again to go on" in err
    assert out.startswith(f"{len(done(sweep.store))} of {len(done(whole.store))} blocks are done")
    assert sweep.finished() == contents(whole.store)


def test_two_processes_compute_each_block_together(whole, tmp_path):
    mesh = ("--mesh", "children=2,probes=2")
    team = networks.start_several(2, whole.plan, "--out", tmp_path / "store", *mesh, devices=2)
    for process in team:
        status, _, err = networks.ended(process)
        assert status == 0, err
    assert differences(tmp_path / "store", whole.store).max() <= TOLERANCE
