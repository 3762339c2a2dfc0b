"""Is a sweep the same whoever computes it? `python -m tests.sweep.same_store`: every measure, every form, every layer.

One device; eight virtual devices as a mesh of children=4, probes=2; two processes, each with blocks of its own; and two
processes that compute every block together, the examples split between them (`jax.distributed` with gloo). Prints the
largest difference of two scores for each, relative to the largest score of the measure where that is above 1.
"""

import tempfile
from pathlib import Path

import numpy as np

from lineage_jax import similarity, sweep
from tests.sweep import networks

TOLERANCE = 1e-6
ROOTS_NEAR_ZERO = 2e-6
"""Allowed to the Taylor forms of measures that are fourth roots: where the expansion almost cancels, the root makes the
last bits of features into more. Which bits these are depends on the processor: 8e-7 on one, 1.8e-6 on another."""
EVERYTHING = {"measures": list(similarity.MEASURES), "layers": "all"}


def ways(plan, folder):
    """Yields ways to compute a plan, and the processes that do."""
    yield "8 devices", lambda out: [networks.start(plan, "--out", out, "--mesh", "children=4,probes=2", devices=8)]
    yield "2 processes", lambda out: networks.start_several(2, plan, "--out", out)
    yield "2 processes as a team", lambda out: networks.start_several(2, plan, "--out", out, "--mesh", "probes=2")
    yield (
        "2 processes of 4 devices as a team",
        lambda out: networks.start_several(2, plan, "--out", out, "--mesh", "children=4,probes=2", devices=4),
    )


def run(processes):
    for process in processes:
        status, _, err = networks.ended(process, timeout=1800)
        assert status == 0, err


def differences(store, like):
    """Returns by measure and form the largest difference of two stores."""
    found, expected = (sweep.open(each).load() for each in (store, like))
    assert found.notnull().all()
    assert [found[dim].values.tolist() for dim in found.dims] == [expected[dim].values.tolist() for dim in found.dims]
    rest = ("parent", "child", "layer", "alpha")
    scale = np.maximum(1, np.abs(expected).max(rest))
    return (np.abs(found - expected).max(rest) / scale).to_series()


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        networks.write_family(folder, parents=4, children_of_each=3)
        plan = networks.write_plan(folder, memory="2 MiB", **EVERYTHING)
        run([networks.start(plan, "--out", folder / "1 device")])
        for name, start in ways(plan, folder):
            run(start(folder / name))
            found = differences(folder / name, folder / "1 device")
            roots = found.pop(("lp", "taylor"))
            print(f"{name}: at most {found.max():.1e} ({'/'.join(found.idxmax())}), lp/taylor {roots:.1e}", flush=True)
            assert found.max() <= TOLERANCE
            assert roots <= ROOTS_NEAR_ZERO


if __name__ == "__main__":
    main()
