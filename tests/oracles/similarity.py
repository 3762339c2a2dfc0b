"""Representation similarities from their definitions: float64 numpy, one pair of entries at a time."""

import math

import numpy as np


def _power_mean(a, b, p):
    entries = [abs(float(x) - float(y)) ** p for x, y in zip(np.ravel(a), np.ravel(b), strict=True)]
    return (math.fsum(entries) / len(entries)) ** (1 / p)


def l1(a, b):
    return -_power_mean(a, b, 1)


def l2(a, b):
    return -_power_mean(a, b, 2)


def lp(a, b):
    return -_power_mean(a, b, 4)


def linf(a, b):
    return -sum(max(abs(x - y) for x, y in zip(*rows, strict=True)) for rows in _rows(a, b)) / len(a)


def lse(a, b, temperature=0.02):
    total = 0.0
    for row_a, row_b in _rows(a, b):
        total += math.log(math.fsum(math.exp(temperature * abs(x - y)) for x, y in zip(row_a, row_b, strict=True)))
    return -total / temperature / np.size(a)


def cosine(a, b):
    total = 0.0
    for row_a, row_b in _rows(a, b):
        length = math.hypot(*row_a) * math.hypot(*row_b)
        total += math.fsum(x * y for x, y in zip(row_a, row_b, strict=True)) / length if length else 0.0
    return total / len(a)


def linear_cka(a, b):
    """Cosine of the two centred Gram matrices H K H, with the centring matrix H written out."""
    n = len(a)
    centring = np.eye(n) - np.full((n, n), 1 / n)
    grams = [centring @ np.float64(x) @ np.float64(x).T @ centring for x in (a, b)]
    norms = np.sqrt(np.sum(grams[0] ** 2) * np.sum(grams[1] ** 2))
    return np.sum(grams[0] * grams[1]) / norms


def distance_correlation(a, b):
    """Szekely et al. 2007 as a sum over all pairs of examples."""
    p, q = _centred_distances(a), _centred_distances(b)
    covariance, variances = np.sum(p * q), np.sum(p * p) * np.sum(q * q)
    return math.sqrt(covariance / math.sqrt(variances))


def _centred_distances(x):
    n = len(x)
    distance = np.array([[math.dist(x[i], x[j]) for j in range(n)] for i in range(n)])
    by_row, everywhere = distance.sum(axis=1) / n, distance.sum() / n**2
    return np.array([[distance[i, j] - by_row[i] - by_row[j] + everywhere for j in range(n)] for i in range(n)])


def _rows(a, b):
    return list(zip(np.float64(a).tolist(), np.float64(b).tolist(), strict=True))
