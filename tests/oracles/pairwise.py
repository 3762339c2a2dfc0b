"""Similarities of n x n matrices from their definitions: float64 numpy, centring matrices and sums written out."""

import math

import numpy as np


def euclidean(x):
    return np.array([[math.dist(u, v) for v in np.float64(x)] for u in np.float64(x)])


def cosine(x):
    x = np.float64(x)
    return np.array([[1 - (u @ v) / math.sqrt((u @ u) * (v @ v)) for v in x] for u in x])


def correlation(x):
    return cosine([row - np.mean(row) for row in np.float64(x)])


def gram(x):
    return np.float64(x) @ np.float64(x).T


def rbf(x, fraction=0.5):
    squared = euclidean(x) ** 2
    return np.exp(-squared / (2 * fraction**2 * np.median(squared)))


def biased_alignment(k, m):
    n = len(k)
    h = np.eye(n) - np.full((n, n), 1 / n)
    k, m = h @ k @ h, h @ m @ h
    return np.sum(k * m) / math.sqrt(np.sum(k * k) * np.sum(m * m))


def hsic1(k, m):
    """Song et al. 2012, equation 5, with the matrices of zero diagonal written as there."""
    n = len(k)
    k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
    one = np.ones(n)
    total = (
        np.trace(k @ m) + (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * (one @ k @ m @ one)
    )
    return total / (n * (n - 3))


def debiased_alignment(k, m):
    return hsic1(k, m) / math.sqrt(hsic1(k, k) * hsic1(m, m))


def minibatch_alignment(a, b, size):
    starts = range(0, len(a) // size * size, size)
    mean = lambda x, y: np.mean([hsic1(gram(x[s : s + size]), gram(y[s : s + size])) for s in starts])
    return mean(a, b) / math.sqrt(mean(a, a) * mean(b, b))


def off_diagonal(matrix):
    return np.array([matrix[i][j] for i in range(len(matrix)) for j in range(i)])


def ranks(values):
    return np.array([np.sum(values < v) + (np.sum(values == v) + 1) / 2 for v in values])


def pearson(k, m):
    return np.corrcoef(off_diagonal(k), off_diagonal(m))[0, 1]


def spearman(k, m):
    return np.corrcoef(ranks(off_diagonal(k)), ranks(off_diagonal(m)))[0, 1]


def mutual_knn(k, m, neighbours):
    share = []
    for i in range(len(k)):
        others = [j for j in range(len(k)) if j != i]
        near_k, near_l = (set(sorted(others, key=lambda j: matrix[i][j])[:neighbours]) for matrix in (k, m))
        share.append(len(near_k & near_l) / neighbours)
    return np.mean(share)
