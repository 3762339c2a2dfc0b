"""Do the measures of n^2 pairs stay in bounded memory at n = 10,000 examples, d = 512 features, and how fast are they?

python -m experiments.benchmarks.similarity_speed_large
"""

from experiments.benchmarks import _packages, _timing
from experiments.benchmarks._similarity_timing import compare_similarity
from experiments.benchmarks._timing import Row
from lineage_jax import similarity


def main() -> list[Row]:
    """Returns a row for each measure and package."""
    size = {"n": 10_000, "d": 512}
    return [
        *compare_similarity(
            "similarity_speed_large linear_cka", similarity.linear_cka, {"numpy": _packages.numpy_cka}, **size, rounds=7
        ),
        *compare_similarity(
            "similarity_speed_large distance_correlation",
            similarity.distance_correlation,
            {"dcor": _packages.dcor_correlation},
            **size,
            rounds=1,
        ),
        *compare_similarity(
            "similarity_speed_large mutual_knn",
            similarity.mutual_knn,
            {"sklearn": _packages.sklearn_mutual_knn},
            **size,
            rounds=3,
        ),
    ]


if __name__ == "__main__":
    _timing.show(main())
