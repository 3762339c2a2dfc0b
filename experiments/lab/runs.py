"""What all experiments have in common: their command, and results that are on disk as soon as they are there."""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import ml_collections
from rich.console import Console

MODES = ("full", "smoke")

Record = dict[str, Any]
"""One result as JSON, for one variant and seed."""

console = Console()


def main(
    about: str | None,
    get_config: Callable[[str], ml_collections.ConfigDict],
    jobs: Callable[[ml_collections.ConfigDict], Mapping[str, Callable[[], Record]]],
    draw: Callable[[dict[str, Record], Path], None],
    *,
    folder: Path,
    modes: Sequence[str] = MODES,
) -> None:
    """Runs one mode and writes `results/<mode>.json` and its figure; what an equal run left there is kept.

    Args:
        about: what `--help` says.
        get_config: returns the locked settings of a mode.
        jobs: returns by name what computes each record.
        draw: writes the figure of all records.
        folder: of the experiment.
        modes: that there are; the first one is the default.
    """
    config, path, head = begin(about, get_config, folder=folder, modes=modes)
    done = complete(path, head, jobs(config))
    draw(done, path.with_suffix(".png"))
    console.print(f"wrote {path} and {path.with_suffix('.png')}")


def begin(
    about: str | None,
    get_config: Callable[[str], ml_collections.ConfigDict],
    *,
    folder: Path,
    modes: Sequence[str] = MODES,
) -> tuple[ml_collections.ConfigDict, Path, dict[str, Any]]:
    """Reads the command line; returns the settings, the file of the results, and what stands first in it."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--mode", choices=modes, default=modes[0])
    parser.add_argument("--out", type=Path, default=folder / "results", help="folder of the results")
    arguments = parser.parse_args()
    config = get_config(arguments.mode)
    arguments.out.mkdir(parents=True, exist_ok=True)
    head = {
        "config": json.loads(config.to_json()),
        "versions": {"jax": jax.__version__},
        "device": jax.devices()[0].device_kind,
    }
    return config, arguments.out / f"{arguments.mode}.json", head


def complete(path: Path, head: dict[str, Any], jobs: Mapping[str, Callable[[], Record]]) -> dict[str, Record]:
    """Returns all records: what an earlier run of the same settings left, and what it did not, written as it comes.

    Args:
        path: the file of the results.
        head: what stands first in it, the settings as "config" among it.
        jobs: by name what computes each record.
    """
    done = _done_before(path, head["config"])
    for name, record in _still_to_do(jobs, done):
        done[name] = record
        path.write_text(json.dumps(head | {"runs": done}, indent=1) + "\n")
    return done


def _done_before(path: Path, config: dict[str, Any]) -> dict[str, Record]:
    """Returns the records that an earlier run of the same settings left."""
    if not path.exists():
        return {}
    before = json.loads(path.read_text())
    return before["runs"] if before["config"] == config else {}


def _still_to_do(runs: Mapping[str, Callable[[], Record]], done: Mapping[str, Record]) -> Iterator[tuple[str, Record]]:
    """Computes, times, shows and yields what is not done."""
    for number, (name, compute) in enumerate(runs.items(), start=1):
        if name not in done:
            started = time.perf_counter()
            console.print(f"{number}/{len(runs)} {name}")
            record = compute()
            record["seconds"] = round(time.perf_counter() - started, 1)
            _show(record)
            yield name, record


def _show(record: Record) -> None:
    for group, of_methods in record.get("accuracy", {}).items():
        row = ", ".join(f"{method} {100 * share:.0f}" for method, share in of_methods.items())
        console.print(f"  {group}: {row}", highlight=False)
    console.print(f"  {record['seconds']} s", highlight=False)
