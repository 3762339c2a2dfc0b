"""Well-kept packages as oracles: ckatorch, dcor, rsatoolbox, scikit-learn."""

import functools
import multiprocessing
from concurrent import futures

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import similarity

pytest.importorskip("torch", reason="needs PyTorch and packages as oracles: run `make test-torch`")
from experiments.benchmarks import _packages as packages
from experiments.benchmarks._similarity_timing import features

pytestmark = pytest.mark.torch

ALL_PAIRS = similarity.RBFKernel(pairs=10**6)

PAIRS = {
    "linear_cka": (similarity.linear_cka, packages.ckatorch_cka),
    "numpy_cka": (similarity.linear_cka, packages.numpy_cka),
    "debiased_cka": (similarity.debiased_cka, functools.partial(packages.ckatorch_cka, unbiased=True)),
    "minibatch_cka": (similarity.minibatch_cka, packages.ckatorch_minibatch),
    "distance_correlation": (similarity.distance_correlation, packages.dcor_correlation),
    "bias_corrected": (similarity.bias_corrected_distance_correlation, packages.dcor_bias_corrected),
    "rsa_pearson": (similarity.RSA(ranked=False), functools.partial(packages.rsatoolbox_rsa, ranked=False)),
    "rsa_spearman": (similarity.RSA(), functools.partial(packages.rsatoolbox_rsa, ranked=True)),
    "mutual_knn": (similarity.mutual_knn, packages.sklearn_mutual_knn),
}
for metric in ("euclidean", "cosine", "correlation"):
    for ranked in (False, True):
        PAIRS[f"scipy_{metric}_{ranked}"] = (
            similarity.RSA(distance=getattr(similarity, f"{metric}_distance"), ranked=ranked),
            functools.partial(packages.scipy_rsa, metric=metric, ranked=ranked),
        )


@pytest.fixture(scope="module")
def apart():
    """Calls a package in a process of its own: dcor brings a compiler that shares none of its memory with XLA's."""
    with futures.ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as process:
        yield lambda package, a, b, **options: process.submit(package, a, b, **options).result()


@pytest.mark.parametrize(
    ("name", "d"), [*((name, 40) for name in PAIRS), *((name, 700) for name in PAIRS if "cka" in name)]
)  # the forms of linear kernels depend on which is more, examples or features
def test_measure_agrees_with_the_package(name, d, apart):
    ours, theirs = PAIRS[name]
    a, b = features(512, d)
    # float32 rounding on our side, float64 on theirs
    np.testing.assert_allclose(jax.jit(ours)(a, b), apart(theirs, np.float64(a), np.float64(b)), rtol=1e-5)


@pytest.mark.parametrize(("ranked", "name"), [(False, "rsa_pearson"), (True, "rsa_spearman")])
def test_rsa_agrees_in_double_precision(ranked, name, apart):
    a, b = (np.float64(x) for x in features(100, 40))
    with jax.enable_x64(True):
        ours = similarity.RSA(ranked=ranked)(jnp.asarray(a), jnp.asarray(b))
        np.testing.assert_allclose(ours, apart(PAIRS[name][1], a, b), rtol=1e-10)


def test_rbf_cka_agrees_where_the_median_is_over_all_pairs(apart):
    # an odd number of pairs: the package's median of an even number is the lower of the middle two
    a, b = features(255, 40)
    ours = similarity.MatrixCosine(matrix=ALL_PAIRS, centring=similarity.rbf_cka.centring)
    np.testing.assert_allclose(
        ours(jnp.asarray(a), jnp.asarray(b)), apart(packages.ckatorch_cka, a, b, kernel="rbf"), rtol=1e-5
    )
