"""Alignment without bias of features that rounding is hard on: extended precision, nothing large ever added."""

import numpy as np


def u_centred(matrix):
    n = len(matrix)
    k = np.where(np.eye(n, dtype=bool), 0, matrix)
    rows = k.sum(axis=1)
    k = k - (rows[:, None] + rows[None, :]) / (n - 2) + rows.sum() / ((n - 1) * (n - 2))
    return np.where(np.eye(n, dtype=bool), 0, k)


def doubly_centred(matrix):
    rows = matrix.mean(axis=1)
    return matrix - rows[:, None] - rows[None, :] + rows.mean()


def shifted(x):
    """Brings the middle of the examples to the origin, which no single one of them can move far."""
    x = np.longdouble(x)
    return x - np.median(x, axis=0)


def gram(x):
    x = shifted(x)
    return x @ x.T


def euclidean(x):
    x = np.longdouble(x)
    return np.sqrt(np.square(x[:, None] - x[None]).sum(axis=-1))


def rbf(x, fraction=0.5):
    squared = euclidean(x) ** 2
    return np.exp(-squared / (2 * fraction**2 * np.median(squared)))


def alignment(k, m):
    return float((k * m).sum() / np.sqrt((k * k).sum() * (m * m).sum()))


def batches(x, size):
    """The centred matrices of all batches one below the other."""
    return np.concatenate([u_centred(gram(x[i : i + size])) for i in range(0, len(x) // size * size, size)])


def lengths(x):
    """What the kernel of two examples is rounded to: the product of their lengths."""
    squares = np.square(shifted(x)).sum(axis=1)
    return np.where(np.eye(len(x), dtype=bool), 0, np.sqrt(np.outer(squares, squares)))
