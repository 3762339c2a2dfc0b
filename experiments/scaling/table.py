"""The tables of README.md, made from `results/full.json`.

python -m experiments.scaling.table
"""

import json
from pathlib import Path
from typing import Any

from experiments.lab import markdown
from lineage_jax import sweep

Runs = dict[str, Any]

AXES = {
    "mesh": "mesh, children x probes",
    "at_a_time": "children a block",
    "probes": "probes",
    "size": "size of the networks",
}
PRECISIONS = {"float32": "float32", "tensorfloat32": "tf32", "bfloat16": "bf16"}
NETWORKS = {"resnet18": "ResNet-18", "vit_base_patch16": "ViT-B/16"}


def main() -> None:
    """Prints the tables."""
    result = json.loads((Path(__file__).parent / "results" / "full.json").read_text())
    print("\n\n".join(tables(result)))


def tables(result: dict[str, Any]) -> tuple[str, str, str, str]:
    """Returns what was measured, here and on an accelerator, what was counted, and what follows from it."""
    runs = result["runs"]
    return measured(runs, result["config"]), accelerated(runs), counted(runs), predicted(runs)


def measured(runs: Runs, config: dict[str, Any]) -> str:
    """Returns a row for each point, axis by axis: pairs a second, measured and predicted, and where the time went."""
    rows = []
    for axis in AXES:
        for value in config["axes"].get(axis, ()):
            run = at(runs, config["base"] | {axis: value})
            spread = f"{run['pairs_a_second']:,.0f} ({run['least']:,.0f} to {run['most']:,.0f})"
            rows.append(
                [
                    AXES[axis],
                    label(axis, value),
                    spread,
                    f"{run['predicted']:,.0f}",
                    f"{run['predicted'] / run['pairs_a_second']:.2f}",
                    markdown.percent(run["in_programs"]),
                    markdown.percent(run["waited"]),
                    f"{run['operations'] / 1e9:.1f}",
                    f"{run['expected_bytes'] / 1e6:.1f}",
                    f"{run['read_bytes'] / 1e6:.1f}",
                    f"{run['exchanged_bytes'] / 1e6:.1f}",
                    run["bound"],
                ]
            )
    head = ["axis", "", "pairs a second (least to most)", "predicted", "ratio", "% in programs", "% waiting"]
    return markdown.table([*head, "GFLOP", "MB on disk", "MB read", "MB between devices", "model: bound by"], rows)


def label(axis: str, value: Any) -> str:
    """Returns how a place on an axis is called.

    Examples:
        >>> label("mesh", "children=2,probes=4"), label("mesh", "probes=2"), label("probes", 64)
        ('2 x 4', '1 x 2', '64')
    """
    sizes = sweep.parsed_mesh(value) if axis == "mesh" else {}
    return f"{sizes.get('children', 1)} x {sizes.get('probes', 1)}" if sizes else str(value)


def accelerated(runs: Runs) -> str:
    """Returns a row for each precision, or why there is none."""
    found = runs["accelerator"]
    if "skipped" in found:
        return f"Not measured here: {found['skipped']}."
    rows = [
        [
            found["device"],
            precision,
            f"{of['pairs_a_second']:,.0f} ({of['least']:,.0f} to {of['most']:,.0f})",
            f"{of['products'] / 1e12:,.0f}",
            markdown.percent(of["share"]),
        ]
        for precision, of in found["precisions"].items()
    ]
    head = [
        "device",
        "precision",
        "pairs a second (least to most)",
        "TFLOP/s of a product of matrices",
        "% of it in pairs",
    ]
    return markdown.table(head, rows)


def at(runs: Runs, point: dict[str, Any]) -> dict[str, Any]:
    """Returns the record of a point."""
    return next(run for run in runs.values() if run.get("point") == point)


def counted(runs: Runs) -> str:
    """Returns a row for each network: operations and bytes of a pair, a parent and a child."""
    rows = [
        [
            NETWORKS.get(name, name),
            *(f"{cost[part][0] / 1e9:,.0f}" for part in ("pair", "parent", "child")),
            f"{cost['pair'][1] / 1e9:.2f}",
            f"{cost['network'] / 1e6:.0f}",
            f"{cost['working'] / 1e9:.1f}",
        ]
        for name, cost in runs["predictions"]["costs"].items()
    ]
    head = ["network", "GFLOP a pair", "a parent", "a child", "GB moved a pair, at least", "MB of weights"]
    return markdown.table([*head, "GB of temporaries, at most"], rows)


def predicted(runs: Runs) -> str:
    """Returns a row for each network, place and precision: at one rate of reading, and in short at the others."""
    cases: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for found in runs["predictions"]["predictions"]:
        cases.setdefault((found["network"], found["place"], found["precision"]), []).append(found)
    rows = []
    for (network, place, precision), (first, *others) in cases.items():
        parts = [f"{first['hours of parts'][part]:.2f}" for part in ("computing", "bandwidth", "reading")]
        short = [f"{other['hours']:.2f}, {other['bound']}" for other in others]
        rows.append(
            [
                NETWORKS.get(network, network),
                place,
                PRECISIONS[precision],
                "{} x {}".format(*first["blocks"]),
                *parts,
                f"{first['read_bytes'] / 1e12:,.0f}",
                f"{first['hours']:.2f}, {first['bound']}",
                *short,
            ]
        )
    rates = [f"{found['reading'] / 1e9:g} GB/s" for found in next(iter(cases.values()))]
    head = [
        "network",
        "machines",
        "products",
        "block",
        "h computing",
        "h memory",
        f"h reading at {rates[0]}",
        "TB read",
    ]
    return markdown.table([*head, *(f"hours at {rate}, bound by" for rate in rates)], rows)


if __name__ == "__main__":
    main()
