"""The tables of README.md, made from `results/full.json`.

python -m experiments.evidence.table
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.evidence import rates
from experiments.evidence.rates import HOW, LEVEL, TESTS, Records
from experiments.evidence.statistics import LAUNDERED, unpacked
from experiments.lab import markdown

RESULTS = Path(__file__).parent / "results" / "full.json"

STRICT = 1e-5
"""The strictest rate of false accusations that is shown."""

COSINES = (-1, 0.05, 0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.7, 1.01)
"""Bounds between which children are counted by the cosine of their kernels to the start."""

REACH = {"in place": 0.15, "laundered": 0.35}
"""The cosine down to which tests are asked to find relatives."""


def main() -> None:
    """Prints the tables."""
    records = json.loads(RESULTS.read_text())["runs"]
    print("\n\n".join(table(records) for table in TABLES))


def networks(records: Records) -> str:
    """Returns the runs of every kind and how well they classify what they learned."""
    rows = []
    for kind, record in rates.of(records, "strangers").items():
        runs = record["runs"].values()
        for way in dict.fromkeys(way for _, way, _ in runs):
            found = [(images, accuracy) for images, other, accuracy in runs if other == way]
            cells = [
                f"{100 * np.median([share for images, share in found if images == name]):.0f}"
                for name in dict.fromkeys(images for images, _, _ in runs)
            ]
            rows.append([kind, way, len(found), *cells])
    sets = dict.fromkeys(
        images for images, _, _ in next(iter(rates.of(records, "strangers").values()))["runs"].values()
    )
    return markdown.table(["networks", "trained", "runs", *(f"{name.replace('_', '-')}, %" for name in sets)], rows)


def null(records: Records) -> str:
    """Returns how p-values of strangers are spread, by test and kind."""
    rows = []
    for test in TESTS:
        kinds = {
            kind: record for kind, record in rates.of(records, "strangers").items() if f"{test} p" in record["pairs"]
        }
        for kind, record in kinds.items():
            rows.append([test, kind, *_spread(record, test)])
        if len(kinds) > 1:
            rows.append([test, "all", *_joined_spread(kinds, test)])
    head = ["test", "networks", "pairs", "mean z", "deviation", "greatest z", "KS, uniform", "KS, not too small"]
    return markdown.table([*head, "p < .05", "p < .01", "least p"], rows)


def _spread(record: Mapping[str, Any], test: str) -> list[str]:
    pairs = unpacked(record["pairs"])
    return _spread_of(pairs[f"{test} z"], pairs[f"{test} p"])


def _joined_spread(kinds: Mapping[str, Mapping[str, Any]], test: str) -> list[str]:
    both = rates.joined([unpacked(record["pairs"]) for record in kinds.values()], [f"{test} z", f"{test} p"])
    return _spread_of(both[f"{test} z"], both[f"{test} p"])


def _spread_of(z: np.ndarray, p: np.ndarray) -> list[str]:
    moments = [f"{z.mean():.2f}", f"{z.std():.2f}", f"{z.max():.2f}"]
    shares = [f"{100 * np.mean(p < level):.1f} %" for level in (0.05, 0.01)]
    return [f"{len(p):,}", *moments, *(f"{each:.2g}" for each in rates.uniform(p)), *shares, f"{p.min():.1e}"]


def accusations(records: Records) -> str:
    """Returns how many strangers are accused, and what rate that allows, counted by pairs and by runs."""
    rows = []
    for test in TESTS:
        found = {
            kind: record for kind, record in rates.of(records, "strangers").items() if f"{test} p" in record["pairs"]
        }
        if not found:
            continue
        p = rates.joined([unpacked(record["pairs"]) for record in found.values()], [f"{test} p"])[f"{test} p"]
        for level in (LEVEL, STRICT):
            runs = np.concatenate([rates.accused(record, test, level) for record in found.values()])
            rows.append(
                [test, f"{level:g}", *_bounded(int((p <= level).sum()), len(p)), *_bounded(runs.sum(), len(runs))]
            )
    head = ["test", "asked for", "pairs", "accused", "bound", "runs", "accused by any", "bound"]
    return markdown.table(head, rows)


def _bounded(count: int, tries: int) -> list[str]:
    return [f"{tries:,}", f"{count}", f"{100 * rates.upper(count, tries):.2g} %"]


def ways(records: Records) -> str:
    """Returns how many descendants are found at 1 %, by what was done to them."""
    parts = [(list(record["children"].values()), unpacked(record["pairs"])) for record in _children(records).values()]
    names = dict.fromkeys(way for described, _ in parts for way, _, _ in described)
    rows = []
    for name in names:
        chosen = [_where(pairs, np.array([way == name for way, _, _ in described])) for described, pairs in parts]
        cosine = np.concatenate([pairs["cosine"] for pairs in chosen])
        found = [rates.found(chosen, how) for how in HOW]
        rows.append([name, len(cosine), _ranged(cosine), *map(_share, found)])
    return markdown.table(["children", "number", "kernel cosine", *(f"found {how}" for how in HOW)], rows)


def reach(records: Records) -> str:
    """Returns how many descendants are found at 1 %, by how far they have travelled; laundered also by kind."""
    parts = {kind: unpacked(record["pairs"]) for kind, record in _children(records).items()}
    rows = []
    for least, most in itertools.pairwise(COSINES):
        chosen = [_where(pairs, (pairs["cosine"] >= least) & (pairs["cosine"] < most)) for pairs in parts.values()]
        found = [rates.found(chosen, how) for how in HOW]
        rows.append([_between(least, most), *map(_share, [*found, *(rates.found([of], "laundered") for of in chosen)])])
    head = ["kernel cosine", *(f"found {how}" for how in HOW), *(f"{kind}, laundered" for kind in parts)]
    return markdown.table(head, rows)


def methods(records: Records) -> str:
    """Returns what tests and scores can do as verdicts, on the kinds that had no part in choosing thresholds."""
    strangers = [unpacked(record["pairs"]) for record in rates.of(records, "strangers", chooses=False).values()]
    children = [unpacked(record["pairs"]) for record in _children(records, chooses=False).values()]
    if not strangers:
        return markdown.table(["method"], [])
    cosine = np.concatenate([pairs["cosine"] for pairs in children])
    rows = []
    for how in HOW:
        here = np.concatenate([pairs["cosine"] for pairs in children if f"{HOW[how]} p" in pairs] or [cosine[:0]])
        false, found = (rates.found(part, how) for part in (strangers, children))
        rows.append([f"p, {how}", "≤ .01", _share(false), *_reached(found, here)])
    for score, limit in rates.thresholds(records).items():
        for suffix in ("", LAUNDERED):
            false, found = (
                np.concatenate([pairs[f"{score}{suffix}"] >= limit for pairs in part]) for part in (strangers, children)
            )
            rows.append([f"{score}{suffix}", f"≥ {limit:.3g}", _share(false), *_reached(found, cosine)])
    return markdown.table(["method", "rule", "false", *(f"cosine ≥ {least}" for least in REACH.values())], rows)


def _reached(found: np.ndarray, cosine: np.ndarray) -> list[str]:
    return [_share(found[cosine >= least]) for least in REACH.values()]


def relatives(records: Records) -> str:
    """Returns what statistics say of children, siblings and twins of one start: medians, least to greatest."""
    parts = []
    for kind, record in rates.of(records, "relatives").items():
        parts.append((np.array(record["relations"]), unpacked(record["pairs"])))
        born = records[f"{kind}, children"]  # tested with what they go back to
        parts.append((np.array([way for way, _, _ in born["children"].values()]), unpacked(born["pairs"])))
    rows = []
    for relation in ("plain", "siblings", "twins, same images", "twins, other images"):
        chosen = [_where(pairs, relations == relation) for relations, pairs in parts]
        columns = [np.concatenate([pairs[name] for pairs in chosen]) for name in ("cosine", "in place z", "matched z")]
        found = [rates.found(chosen, how) for how in HOW]
        said = {"plain": "parent and child"}.get(relation, relation)
        rows.append([said, len(columns[0]), *map(_ranged, columns), *map(_share, found)])
    head = ["pairs of", "pairs", "kernel cosine", "z in place", "z matched", *(f"found {how}" for how in HOW)]
    return markdown.table(head, rows)


def called_relatives(records: Records) -> tuple[float, float]:
    """Returns how many strangers, and children near enough, are called relatives at 1 % by units in place, in %."""
    strangers, children = (
        rates.joined(
            [unpacked(record["pairs"]) for record in rates.of(records, what).values()], ["in place p", "cosine"]
        )
        for what in ("strangers", "children")
    )
    near = children["in place p"][children["cosine"] >= REACH["in place"]]
    return 100 * float(np.mean(strangers["in place p"] <= LEVEL)), 100 * float(np.mean(near <= LEVEL))


def calibration(records: Records) -> str:
    """Returns how probabilities agree with what is true, on the kinds that fitted them and on those that did not."""
    found = rates.fitted(records)
    rows: list[list[object]] = []
    for name, chooses in (("fitted", True), ("shown", False)):
        if not rates.of(records, "strangers", chooses=chooses):
            continue
        tenths, error = rates.reliability(records, found, chooses=chooses)
        rows += [[name, f"{count:,}", f"{told:.3f}", f"{share:.3f}"] for count, told, share in tenths]
        rows.append([name, "all", "calibration error", f"{error:.3f}"])
    return markdown.table(["kinds", "pairs", "probability told", "share of relatives"], rows)


def _children(records: Records, *, chooses: bool | None = None) -> dict[str, Mapping[str, Any]]:
    return rates.of(records, "children", chooses=chooses)


def _where(pairs: Mapping[str, np.ndarray], chosen: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[chosen] for name, values in pairs.items()}


def _between(least: float, most: float) -> str:
    if least < 0:
        return f"below {most:g}"
    return f"{least:g} to {most:g}" if most < 1 else f"{least:g} and more"


def _ranged(values: Sequence[float] | np.ndarray) -> str:
    return f"{np.median(values):.2f} ({np.min(values):.2f} to {np.max(values):.2f})"


def _share(found: np.ndarray) -> str:
    return f"{int(np.sum(found))} of {len(found)}" if len(found) else ""


TABLES = (networks, null, accusations, ways, reach, methods, calibration, relatives)

if __name__ == "__main__":
    main()
