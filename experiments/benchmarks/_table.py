"""The table of README.md, made from `results/*.json`.

python -m experiments.benchmarks._table
"""

import json
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def table() -> str:
    """Returns all results as Markdown: seconds, ratio to the library, peak memory, share of the product rate."""
    headings = ["bench", "variant", "seconds (least to most; rounds)", "ratio", "peak MB", "GFLOP/s"]
    rows = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    for path in sorted(RESULTS.glob("*.json")):
        for row in json.loads(path.read_text()):
            spread = f"{row['seconds']:.3g} ({row['seconds_min']:.3g} to {row['seconds_max']:.3g}; {row['rounds']})"
            cells = [row["bench"], row["variant"], spread, f"{row['ratio']:.3g}", f"{row['peak_mb']:.0f}"]
            rows.append(f"| {' | '.join(cells)} | {row.get('gflops', '')} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
