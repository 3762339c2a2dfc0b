"""Side-by-side measurements: interleaved rounds, peak memory in a fresh process, and where it all ran.

JAX and PyTorch each have a process of their own that lives through all rounds: while one works, the other sleeps on a
pipe. In one process PyTorch's idle threads would spin for about 4 ms into JAX's turn; XLA's were not seen to spin.
"""

import contextlib
import dataclasses
import json
import multiprocessing
import os
import platform
import re
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

Row = dict[str, Any]

PAUSE = 0.05
"""Seconds before every run, for the idle threads of the one before to fall asleep."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to do the work; its functions are module-level, so that another process finds them by name.

    Attributes:
        library: variants of one library share a process.
        prepare: makes what `work` takes, before the clock starts; cached by the caller.
        work: does the work and waits for it; returns the scores, or None where it has none to compare.
        rounds: how often it is timed.
    """

    library: str
    prepare: Callable[[], tuple]
    work: Callable[..., np.ndarray | None]
    rounds: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a variant in a process.

    Attributes:
        seconds: by the clock.
        cpu_seconds: of the processor, all cores.
        memory: bytes of peak memory beyond what there was before.
        scores: what `work` returned.
    """

    seconds: float
    cpu_seconds: float
    memory: int
    scores: np.ndarray | None


def compare(bench: str, variants: Mapping[str, Variant], *, tolerance: float) -> list[Row]:
    """Measures all variants side by side: variant 1, 2, ..., 1, 2, ... after a first run of each that is not timed.

    Args:
        bench: the name of the benchmark.
        variants: what to compare; the first one is the reference of ratios and scores.
        tolerance: largest difference of scores allowed, relative to the same measure's score at the first alpha.

    Returns:
        A row for each variant, in order: seconds of all rounds (median, least, most), seconds and peak memory of a
        first run in a fresh process (compilation included), ratio to the reference, difference from its scores, and
        where it ran. `load` is the machine's load average before the start: times mean something only if it is near 0,
        since PyTorch's threads wait for each other and lose far more to a busy core than XLA's.

    Raises:
        RuntimeError: If the scores of two variants differ by more than the tolerance.
    """
    load = os.getloadavg()[0]
    fresh = {}
    for name, variant in variants.items():
        with worker() as process:
            fresh[name] = process.submit(run, variant).result()
    reference = next(iter(variants))
    differences = {name: _difference(of.scores, fresh[reference].scores) for name, of in fresh.items()}
    _check_agreement(bench, differences, tolerance=tolerance)
    with worker() as process:
        place = process.submit(environment).result()
    seconds = _interleaved(variants)
    rows = []
    for name, times in seconds.items():
        row: Row = {
            "bench": bench,
            "variant": name,
            "seconds": statistics.median(times),
            "seconds_min": min(times),
            "seconds_max": max(times),
            "rounds": len(times),
            "first_seconds": fresh[name].seconds,
            "peak_mb": fresh[name].memory / 2**20,
            "ratio": statistics.median(times) / statistics.median(seconds[reference]),
            "max_relative_difference": differences[name],
        }
        rows.append(row | place | {"load": load})
    return rows


def worker() -> ProcessPoolExecutor:
    """Returns a fresh process, alive until its `with` block ends."""
    return ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn"))


def run(variant: Variant) -> Run:
    """Runs a variant once, in this process."""
    arguments = variant.prepare()
    time.sleep(PAUSE)
    before = _forget_peak()
    start, start_cpu = time.perf_counter(), time.process_time()
    scores = variant.work(*arguments)
    return Run(
        seconds=time.perf_counter() - start,
        cpu_seconds=time.process_time() - start_cpu,
        memory=_status_bytes("VmHWM") - before,
        scores=scores,
    )


def environment() -> Row:
    """Returns device, core count, versions and commit."""
    import jax

    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return {
        "device": jax.devices()[0].device_kind,
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "jax": jax.__version__,
        "torch": version("torch"),
        "commit": commit.stdout.strip() or "none",
    }


def shortened(row: Row) -> Row:
    """Returns the row with its numbers to four digits."""
    return {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in row.items()}


def show(rows: list[Row]) -> None:
    """Prints one JSON line for each row."""
    for row in rows:
        print(json.dumps(shortened(row)), flush=True)


def _interleaved(variants: Mapping[str, Variant]) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    with contextlib.ExitStack() as stack:
        libraries = {variant.library for variant in variants.values()}
        processes = {library: stack.enter_context(worker()) for library in sorted(libraries)}
        for variant in variants.values():
            processes[variant.library].submit(run, variant).result()
        for turn in range(max(variant.rounds for variant in variants.values())):
            for name, variant in variants.items():
                if turn < variant.rounds:
                    seconds[name].append(processes[variant.library].submit(run, variant).result().seconds)
    return seconds


def _check_agreement(bench: str, differences: Mapping[str, float | None], *, tolerance: float) -> None:
    for name, difference in differences.items():
        if difference is not None and not difference <= tolerance:
            raise RuntimeError(
                f"{bench}: expected scores that agree to {tolerance:.0e}, those of '{name}' are off by "
                f"{difference:.0e}; times of different results cannot be compared"
            )


def _difference(scores: np.ndarray | None, reference: np.ndarray | None) -> float | None:
    if scores is None or reference is None:
        return None
    return float(np.max(np.abs(scores - reference) / np.abs(reference[..., :1])))


def _forget_peak() -> int:
    """Sets the peak back to the resident memory there is now, and returns that.

    The kernel's own counter for a process, since `ru_maxrss` of a new process starts at its parent's size.
    """
    Path("/proc/self/clear_refs").write_text("5")
    return _status_bytes("VmHWM")


def _status_bytes(field: str) -> int:
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found.group(1)) * 1024 if found else 0
