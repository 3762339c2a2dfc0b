"""How fast is each similarity, beside the fastest package that installs? n = 1,024 examples, d = 512 features, float32.

python -m experiments.benchmarks.similarity_speed
"""

import functools

from experiments.benchmarks import _packages, _timing
from experiments.benchmarks._packages import Package
from experiments.benchmarks._similarity_timing import compare_similarity
from experiments.benchmarks._timing import Row
from lineage_jax import similarity
from lineage_jax.typing import Measure

CKA = _packages.ckatorch_cka
MEASURES: dict[str, tuple[Measure, dict[str, Package]]] = {
    "l1": (similarity.l1, {"torch": functools.partial(_packages.torch_norm, power=1)}),
    "l2": (similarity.l2, {"torch": functools.partial(_packages.torch_norm, power=2)}),
    "lp": (similarity.lp, {"torch": functools.partial(_packages.torch_norm, power=4)}),
    "linf": (similarity.linf, {"torch": _packages.torch_linf}),
    "lse": (similarity.lse, {"torch": _packages.torch_lse}),
    "cosine": (similarity.cosine, {"torch": _packages.torch_cosine}),
    "linear_cka": (similarity.linear_cka, {"numpy": _packages.numpy_cka, "ckatorch": CKA}),
    "debiased_cka": (similarity.debiased_cka, {"ckatorch": functools.partial(CKA, unbiased=True)}),
    "minibatch_cka": (similarity.minibatch_cka, {"ckatorch": _packages.ckatorch_minibatch}),
    "rbf_cka": (similarity.rbf_cka, {"ckatorch": functools.partial(CKA, kernel="rbf")}),
    "distance_correlation": (similarity.distance_correlation, {"dcor": _packages.dcor_correlation}),
    "bias_corrected_distance_correlation": (
        similarity.bias_corrected_distance_correlation,
        {"dcor": _packages.dcor_bias_corrected},
    ),
    "mutual_knn": (similarity.mutual_knn, {"sklearn": _packages.sklearn_mutual_knn}),
    "mean_cca": (similarity.mean_cca, {"scipy": _packages.scipy_cca}),
    "mean_squared_cca": (similarity.mean_squared_cca, {"scipy": functools.partial(_packages.scipy_cca, power=2)}),
    "svcca": (similarity.svcca, {"scipy": _packages.scipy_svcca}),
    "squared_procrustes": (similarity.squared_procrustes, {"scipy": _packages.scipy_squared_procrustes}),
    "linear_regression_r2": (similarity.linear_regression_r2, {"sklearn": _packages.sklearn_regression}),
}
MEASURES |= {
    f"rsa_{metric}_{'spearman' if ranked else 'pearson'}": (
        similarity.RSA(distance=getattr(similarity, f"{metric}_distance"), ranked=ranked),
        _packages.rsa_packages(metric, ranked=ranked),
    )
    for metric in ("euclidean", "cosine", "correlation")
    for ranked in (False, True)
}


def main() -> list[Row]:
    """Returns a row for each measure and package."""
    rows = []
    for name, (ours, packages) in MEASURES.items():
        rows += compare_similarity(f"similarity_speed {name}", ours, packages, n=1024, d=512, rounds=9)
    return rows


if __name__ == "__main__":
    _timing.show(main())
