"""How long do verdicts on ResNet-50 files take on the command line, and how much memory?

A process of its own for every run, from its start to its end. `cpu_seconds` are those of the processor, of all cores;
`peak_mb` is all the memory that the process ever held, Python and JAX included.

    verify relative, stranger, laundered     a child against its parent, against a stranger, and against its parent
                                             whose units were permuted and rescaled
    detect related, siblings, nobody,        the same child among five candidates: its parent and strangers; its parent,
           laundered                         a sibling and strangers; strangers alone; its parent in another order and
                                             strangers

    python -m experiments.benchmarks.verify_resnet50
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.benchmarks import _timing
from experiments.benchmarks._resnet50_files import write
from experiments.benchmarks._timing import Row

ROUNDS = {"verify": 3, "detect": 3}
STRANGERS = 5

VERIFY = {
    "relative": ("parent", "related"),
    "stranger": ("stranger-0", "unrelated"),
    "laundered": ("laundered", "related"),
}
"""The candidate of each kind, and what must be found of it."""
DETECT: dict[str, tuple[str, ...]] = {
    "related": ("parent",),
    "siblings": ("parent", "sibling"),
    "nobody": (),
    "laundered": ("laundered",),
}
"""Who among the candidates are the child's relatives, its parent first; all others are strangers."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a command: seconds by the clock and of the processor, bytes of peak memory, what it printed."""

    seconds: float
    cpu_seconds: float
    memory: int
    answer: dict[str, Any]


def main() -> list[Row]:
    """Returns a row for each command and kind, all kinds taken in turn, the files made anew."""
    with tempfile.TemporaryDirectory() as folder:
        with _timing.worker() as process:
            paths = process.submit(write, Path(folder), strangers=STRANGERS).result()
            place = process.submit(_timing.environment).result()
        return [*_rows("verify", _verify(paths), place), *_rows("detect", _detect(paths), place)]


def _verify(paths: Mapping[str, Path]) -> dict[str, list[str]]:
    return {
        kind: ["verify", str(paths["child"]), "--against", str(paths[candidate]), "--json"]
        for kind, (candidate, _) in VERIFY.items()
    }


def _detect(paths: Mapping[str, Path]) -> dict[str, list[str]]:
    found = {}
    for kind, relatives in DETECT.items():
        names = [*relatives, *(f"stranger-{number}" for number in range(STRANGERS))][:STRANGERS]
        candidates = [str(paths[name]) for name in names]
        found[kind] = ["detect", "--parents", *candidates, "--child", str(paths["child"]), "--json"]
    return found


def _rows(command: str, variants: Mapping[str, Sequence[str]], place: Row) -> list[Row]:
    load = os.getloadavg()[0]
    runs: dict[str, list[Run]] = {kind: [] for kind in variants}
    for _ in range(ROUNDS[command]):
        for kind, arguments in variants.items():
            runs[kind].append(_run(arguments))
            _check(command, kind, runs[kind][-1].answer)
    seconds = {kind: [run.seconds for run in found] for kind, found in runs.items()}
    reference = statistics.median(next(iter(seconds.values())))
    return [
        {
            "bench": f"{command}_resnet50",
            "variant": kind,
            "seconds": statistics.median(seconds[kind]),
            "seconds_min": min(seconds[kind]),
            "seconds_max": max(seconds[kind]),
            "cpu_seconds": statistics.median(run.cpu_seconds for run in found),
            "rounds": ROUNDS[command],
            "peak_mb": max(run.memory for run in found) / 2**20,
            "ratio": statistics.median(seconds[kind]) / reference,
            **place,
            "load": load,
        }
        for kind, found in runs.items()
    ]


def _run(arguments: Sequence[str]) -> Run:
    start = time.perf_counter()
    command = [str(Path(sys.executable).with_name("lineage-jax")), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None, "it was asked for"
    with process.stdout as stream:
        answer = stream.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(
        seconds=time.perf_counter() - start,
        cpu_seconds=used.ru_utime + used.ru_stime,
        memory=used.ru_maxrss * 1024,
        answer=json.loads(answer),
    )


def _check(command: str, kind: str, answer: Mapping[str, Any]) -> None:
    """Makes sure that the answer is right: the time of a wrong one says nothing.

    Raises:
        RuntimeError: If it is not.
    """
    expected: str | None
    if command == "verify":
        candidate, expected = VERIFY[kind]
        found = answer["findings"][candidate]["relation"]
    else:
        expected, found = next(iter(DETECT[kind]), None), answer["prediction"]
    if found != expected:
        raise RuntimeError(f"{command} {kind}: expected the answer {expected}, got {found}")


if __name__ == "__main__":
    _timing.show(main())
