"""What packages that install compute: two feature matrices in, one similarity out."""

import functools
from collections.abc import Callable

import numpy as np
import torch

Package = Callable[[np.ndarray, np.ndarray], float]


def numpy_cka(a: np.ndarray, b: np.ndarray) -> float:
    """Linear CKA as three bare matrix products."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    cross, own_a, own_b = (np.linalg.norm(x.T @ y) for x, y in ((a, b), (a, a), (b, b)))
    return float(cross**2 / (own_a * own_b))


def ckatorch_cka(a: np.ndarray, b: np.ndarray, *, kernel: str = "linear", unbiased: bool = False) -> float:
    """CKA of ckatorch, in its float64."""
    from ckatorch.core import cka_base

    x, y = torch.from_numpy(a), torch.from_numpy(b)
    return cka_base(x, y, kernel=kernel, unbiased=unbiased, threshold=0.5, method="fro_norm").item()


def ckatorch_minibatch(a: np.ndarray, b: np.ndarray) -> float:
    """Minibatch CKA of ckatorch, batches of 256."""
    from ckatorch.core import cka_batch

    x, y = (torch.from_numpy(m).reshape(-1, 256, m.shape[1]) for m in (a, b))
    return cka_batch(x, y).item()


def dcor_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Distance correlation of dcor, in float64: its float32 loses digits."""
    import dcor

    return dcor.distance_correlation(np.float64(a), np.float64(b))


def dcor_bias_corrected(a: np.ndarray, b: np.ndarray) -> float:
    """Bias-corrected distance correlation of dcor."""
    import dcor

    return dcor.u_distance_correlation_sqr(np.float64(a), np.float64(b))


def scipy_rsa(a: np.ndarray, b: np.ndarray, *, metric: str, ranked: bool) -> float:
    """RSA from scipy's distances and correlations."""
    from scipy.spatial.distance import pdist
    from scipy.stats import pearsonr, spearmanr

    correlate = spearmanr if ranked else pearsonr
    return correlate(pdist(a, metric), pdist(b, metric)).statistic


def rsatoolbox_rsa(a: np.ndarray, b: np.ndarray, *, ranked: bool) -> float:
    """RSA on correlation distances, by rsatoolbox."""
    from rsatoolbox.data import Dataset
    from rsatoolbox.rdm import calc_rdm
    from rsatoolbox.rdm import compare as compare_rdms

    first, second = (calc_rdm(Dataset(x), method="correlation") for x in (a, b))
    return compare_rdms(first, second, method="spearman" if ranked else "corr").item()


def sklearn_mutual_knn(a: np.ndarray, b: np.ndarray) -> float:
    """Mutual neighbours from the brute-force search of scikit-learn on unit rows."""
    from sklearn.neighbors import NearestNeighbors

    found = []
    for x in (a, b):
        unit = x / np.linalg.norm(x, axis=1, keepdims=True)
        found.append(NearestNeighbors(n_neighbors=10, algorithm="brute").fit(unit).kneighbors(return_distance=False))
    return float(np.mean([np.intersect1d(i, j).size / 10 for i, j in zip(*found, strict=True)]))


def torch_norm(a: np.ndarray, b: np.ndarray, *, power: int) -> float:
    """Minus the mean norm of the difference, in PyTorch."""
    difference = torch.from_numpy(a) - torch.from_numpy(b)
    return -((difference.abs() ** power).mean().item() ** (1 / power))


def torch_linf(a: np.ndarray, b: np.ndarray) -> float:
    """Minus the mean of the largest differences, in PyTorch."""
    return -(torch.from_numpy(a) - torch.from_numpy(b)).abs().amax(dim=1).mean().item()


def torch_lse(a: np.ndarray, b: np.ndarray, *, t: float = 0.02) -> float:
    """Minus the smoothed largest differences, in PyTorch."""
    difference = (torch.from_numpy(a) - torch.from_numpy(b)).abs()
    return -(torch.logsumexp(t * difference, dim=1) / t).sum().item() / a.size


def torch_cosine(a: np.ndarray, b: np.ndarray) -> float:
    """The mean cosine, in PyTorch."""
    return torch.nn.functional.cosine_similarity(torch.from_numpy(a), torch.from_numpy(b)).mean().item()


def scipy_cca(a: np.ndarray, b: np.ndarray, *, power: int = 1) -> float:
    """The mean canonical correlation from scipy's angles between subspaces."""
    from scipy.linalg import subspace_angles

    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return float(np.mean(np.cos(subspace_angles(a, b)) ** power))


def scipy_svcca(a: np.ndarray, b: np.ndarray) -> float:
    """SVCCA from scipy's decompositions."""
    from scipy.linalg import svd, svdvals

    bases = []
    for x in (a, b):
        left, values, _ = svd(x - x.mean(axis=0), full_matrices=False)
        share = np.cumsum(values**2) / np.sum(values**2)
        bases.append(left[:, : np.searchsorted(share, 0.99) + 1])
    return float(np.mean(svdvals(bases[0].T @ bases[1])))


def scipy_squared_procrustes(a: np.ndarray, b: np.ndarray) -> float:
    """The squared Procrustes distance, whose s is found from the disparity 1 - s^2 of scipy."""
    from scipy.spatial import procrustes

    _, _, disparity = procrustes(a, b)
    return float(-2 * (1 - np.sqrt(1 - disparity)))


def sklearn_regression(a: np.ndarray, b: np.ndarray) -> float:
    """R2 of a linear regression by scikit-learn."""
    from sklearn.linear_model import LinearRegression
    from sklearn.metrics import r2_score

    return float(r2_score(a, LinearRegression().fit(b, a).predict(b), multioutput="variance_weighted"))


def rsa_packages(metric: str, *, ranked: bool) -> dict[str, Package]:
    """Returns what computes RSA on these distances."""
    packages: dict[str, Package] = {"scipy": functools.partial(scipy_rsa, metric=metric, ranked=ranked)}
    if metric == "correlation":
        packages["rsatoolbox"] = functools.partial(rsatoolbox_rsa, ranked=ranked)
    return packages
