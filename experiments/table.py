"""The table of an experiment's README.md, made from its `results/full.json`.

python -m experiments.table detector_fc [--digits 0]
"""

import argparse
import json
from pathlib import Path

from experiments.lab import accuracies


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiment", help="its folder, such as detector_fc")
    parser.add_argument("--digits", type=int, default=0, help="behind the point")
    arguments = parser.parse_args()
    print(table(arguments.experiment, digits=arguments.digits))


def table(experiment: str, *, digits: int = 0) -> str:
    """Returns accuracy in % as mean (least to greatest over the seeds): a row for each variant and method."""
    results = Path(__file__).parent / experiment / "results" / "full.json"
    return accuracies.table(json.loads(results.read_text())["runs"], digits=digits)


if __name__ == "__main__":
    main()
