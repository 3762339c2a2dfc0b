"""Networks on disk for sweeps, and the command as a process of its own."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np

from lineage_jax import io, models

SHAPE = (8, 8, 1)
ROOT = Path(__file__).parents[2]
COMMAND = "from lineage_jax.cli import main; main()"


def write_family(folder, *, parents=4, children_of_each=3, widths=(32, 16)):
    """Writes parents and, a little away from each, children: folders `parents` and `children`."""
    network = models.fc(5, widths=widths)
    shapes = models.shapes_of(network, SHAPE)
    rng = np.random.default_rng(0)
    for parent in range(parents):
        weights = {path: drawn(rng, shape) for path, shape in shapes.items()}
        save(folder / "parents" / f"p{parent}", network, weights)
        for child in range(children_of_each):
            moved = {path: leaf + 0.1 * drawn(rng, leaf.shape) for path, leaf in weights.items()}
            save(folder / "children" / f"c{parent}-{child:02d}", network, moved)
    return folder


def drawn(rng, shape):
    """Draws weights whose outputs are as large as their inputs."""
    return (rng.normal(size=shape) * (2 / shape[0]) ** 0.5).astype(np.float32)


def save(path, network, leaves):
    tree = {}
    for name, leaf in leaves.items():
        *steps, last = name.split("/")
        branch = tree
        for step in steps:
            branch = branch.setdefault(step, {})
        branch[last] = leaf
    description = {"network": models.describe(network), "input_shape": SHAPE}
    io.save(path, tree, description=description)


def write_plan(folder, **settings):
    """Writes a plan beside the networks."""
    given = {"parents": "parents", "children": "children", "probes": {"noise": 16}, "memory": "1 MiB"}
    path = Path(folder, "plan.json")
    path.write_text(json.dumps(given | settings))
    return path


def start(*arguments, devices=1, **popen):
    """Starts `lineage-jax sweep ...` in a process of its own."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
    environment = os.environ | {"XLA_FLAGS": flags, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", COMMAND, "sweep", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=environment, **(pipes | popen))


def start_several(count, *arguments, **settings):
    """Starts a sweep of several processes on this machine."""
    port = free_port()
    together = ("--coordinator", f"127.0.0.1:{port}", "--processes", count)
    return [start(*arguments, *together, "--process", process, **settings) for process in range(count)]


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def ended(process, timeout=300):
    """Waits for a process; returns its exit status and what it said on stderr."""
    out, err = process.communicate(timeout=timeout)
    return process.returncode, out, err
