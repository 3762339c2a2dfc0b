"""Measures sweeps beside their cost model, and predicts those of other machines; `config.py` says more."""

import functools
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_collections

from experiments.lab import runs
from experiments.scaling import accelerator, predictions
from experiments.scaling.config import get_config
from experiments.scaling.figure import draw
from experiments.scaling.table import AXES
from lineage_jax import sweep

HERE = Path(__file__).parent
COUNT = "--xla_force_host_platform_device_count"


def main() -> None:
    """Runs one mode."""
    runs.main(__doc__, get_config, jobs, draw, folder=HERE)


def jobs(config: ml_collections.ConfigDict) -> dict[str, Callable[[], runs.Record]]:
    """Returns by name what computes each record: points that were measured, the accelerator, and predictions."""
    return {
        **{name: functools.partial(measured, config, point) for name, point in points(config).items()},
        "accelerator": functools.partial(accelerator.record, config.accelerator),
        "predictions": functools.partial(predictions.record, config.predicted),
    }


def points(config: ml_collections.ConfigDict) -> dict[str, dict[str, Any]]:
    """Returns the settings of every point by name; one that lies on several axes comes once.

    Examples:
        >>> list(points(get_config("smoke")))
        ['base', 'mesh probes=2']
    """
    base = dict(config.base)
    along = {f"{axis} {value}": base | {axis: value} for axis in AXES for value in config.axes.get(axis, ())}
    return {"base": base} | {name: point for name, point in along.items() if point != base}


def measured(config: ml_collections.ConfigDict, point: dict[str, Any]) -> runs.Record:
    """Measures a point in a process of its own, which has as many virtual devices as it needs."""
    settings = point | {
        "widths": config.sizes[point["size"]],
        "measures": config.measures,
        "rounds": config.rounds,
        "product": config.product,
    }
    others = re.sub(rf"{COUNT}=\d+", "", os.environ.get("XLA_FLAGS", ""))
    devices = math.prod(sweep.parsed_mesh(point["mesh"]).values())
    flags = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": f"{others} {COUNT}={devices}".strip()}
    command = [sys.executable, "-m", "experiments.scaling.point", json.dumps(settings)]
    done = subprocess.run(
        command, env=os.environ | flags, cwd=HERE.parent.parent, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the point {point} ended with status {done.returncode}:\n{done.stderr[-2000:]}")
    return {"point": point, **json.loads(done.stdout.splitlines()[-1])}


if __name__ == "__main__":
    main()
