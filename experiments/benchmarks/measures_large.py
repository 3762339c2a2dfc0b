"""Do the measures of n^2 pairs stay in bounded memory at n = 10,000 examples, d = 512 features, and how fast are they?

python -m experiments.benchmarks.measures_large
"""

from experiments.benchmarks import _measure, _measures
from experiments.benchmarks._measure import Row
from experiments.benchmarks._measures import compare_measure
from lineage_jax import similarity


def main() -> list[Row]:
    """Returns a row for each measure and package."""
    size = {"n": 10_000, "d": 512}
    return [
        *compare_measure(
            "measures_large linear_cka", similarity.linear_cka, {"numpy": _measures.numpy_cka}, **size, rounds=7
        ),
        *compare_measure(
            "measures_large distance_correlation",
            similarity.distance_correlation,
            {"dcor": _measures.dcor_correlation},
            **size,
            rounds=1,
        ),
        *compare_measure(
            "measures_large mutual_knn",
            similarity.mutual_knn,
            {"sklearn": _measures.sklearn_mutual_knn},
            **size,
            rounds=3,
        ),
    ]


if __name__ == "__main__":
    _measure.show(main())
