"""Subspace similarities from their definitions: float64 numpy and scipy, covariances, padding and roots written out."""

import numpy as np
import scipy.linalg


def centred(x):
    return np.float64(x) - np.mean(np.float64(x), axis=0)


def inverse_root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return vectors @ np.diag(values**-0.5) @ vectors.T


def whitened_product(a, b, ridge_a=0.0, ridge_b=0.0):
    """The matrix (A'A + r I)^(-1/2) A'B (B'B + s I)^(-1/2)."""
    left = inverse_root(a.T @ a + ridge_a * np.eye(a.shape[1]))
    return left @ a.T @ b @ inverse_root(b.T @ b + ridge_b * np.eye(b.shape[1]))


def correlations(a, b):
    """Canonical correlations of two matrices of full column rank, as given (not centred)."""
    return np.linalg.svd(whitened_product(np.float64(a), np.float64(b)))[1]


def mean_cca(a, b):
    return np.mean(correlations(centred(a), centred(b)))


def mean_squared_cca(a, b):
    return np.mean(correlations(centred(a), centred(b)) ** 2)


def truncated(x, threshold):
    variances, directions = np.linalg.eigh(centred(x).T @ centred(x))
    variances, directions = variances[::-1], directions[:, ::-1]
    k = next(k for k in range(1, len(variances) + 1) if sum(variances[:k]) >= threshold * sum(variances))
    return centred(x) @ directions[:, :k]


def svcca(a, b, threshold=0.99):
    return np.mean(correlations(truncated(a, threshold), truncated(b, threshold)))


def pwcca(a, b):
    a, b = centred(a), centred(b)
    u, rho, _ = np.linalg.svd(whitened_product(a, b), full_matrices=False)
    variates = a @ inverse_root(a.T @ a) @ u
    weights = [sum(abs(variates[:, i] @ a[:, j]) for j in range(a.shape[1])) for i in range(len(rho))]
    return np.dot(weights, rho) / np.sum(weights)


def ridge_cca(a, b, ridge=0.01):
    a, b = centred(a), centred(b)
    ridges = [ridge * np.trace(x.T @ x) / x.shape[1] for x in (a, b)]
    return np.mean(np.linalg.svd(whitened_product(a, b, *ridges))[1])


def rotated_residual(a, b):
    """The distance after scipy's best rotation, both sides padded with zeros to the same width."""
    a, b = (centred(x) / np.linalg.norm(centred(x)) for x in (a, b))
    width = max(a.shape[1], b.shape[1])
    a, b = (np.pad(x, ((0, 0), (0, width - x.shape[1]))) for x in (a, b))
    return np.linalg.norm(a - b @ scipy.linalg.orthogonal_procrustes(b, a)[0])


def procrustes(a, b):
    return -rotated_residual(a, b)


def squared_procrustes(a, b):
    return -(rotated_residual(a, b) ** 2)


def angular_procrustes(a, b):
    return -np.arccos(1 - rotated_residual(a, b) ** 2 / 2)


def linear_regression_r2(a, b):
    a, b = np.float64(a), np.column_stack([np.float64(b), np.ones(len(b))])
    fitted = b @ np.linalg.lstsq(b, a, rcond=None)[0]
    return 1 - np.sum((a - fitted) ** 2) / np.sum(centred(a) ** 2)
