"""Trained networks: strangers by their p-values, and parents that a claimant has made to resemble everybody."""

import itertools

import jax
import numpy as np
import pytest
from scipy import stats

from lineage_jax import data, kinship, models, population, symmetry

NETWORK = models.fc(10, widths=(64, 48, 32))
KNOWN = 12
"""Networks that a claimant has; the others were never seen."""


@pytest.fixture(scope="module")
def networks():
    training = population.TrainingSettings(steps=150, weight_decay=5e-3)
    found = population.pretrain(NETWORK, data.digits()[0], num_parents=KNOWN + 5, seed=0, training=training)
    assert (found.accuracy > 0.9).all()
    return [jax.tree.map(np.asarray, found[name]) for name in found.names]


@pytest.fixture(scope="module")
def groups(networks):
    return symmetry.groups(NETWORK.apply, networks[0], data.digits()[1].images[:1])


def directions(kernels):
    """The directions that units of many networks have most in common, as many as there are units."""
    columns = np.concatenate([kernel / np.linalg.norm(kernel, axis=0) for kernel in kernels], axis=1)
    found = np.linalg.svd(columns, full_matrices=False)[0]
    return np.resize(found.T, kernels[0].T.shape).T


HOSTILE = {
    "mean": lambda kernels: np.mean(kernels, axis=0),
    "mean of units at unit length": lambda kernels: np.mean([k / np.linalg.norm(k, axis=0) for k in kernels], axis=0),
    "huge": lambda kernels: 1e25 * np.sum(kernels, axis=0),
    "one unit repeated": lambda kernels: np.repeat(np.mean(kernels, axis=(0, 2))[:, None], kernels[0].shape[1], 1),
    "mean unit and a little noise": lambda kernels: (
        np.mean(kernels, axis=(0, 2))[:, None] + 0.1 * np.random.default_rng(0).normal(size=kernels[0].shape)
    ),
    "common directions": directions,
    "one-hot": lambda kernels: np.resize(np.eye(len(kernels[0])), kernels[0].T.shape).T,
    "a unit of each": lambda kernels: np.stack([kernels[n % KNOWN][:, n] for n in range(kernels[0].shape[1])], 1),
    "sorted by length": lambda kernels: kernels[0][:, np.argsort(np.linalg.norm(kernels[0], axis=0))],
    "rank one": lambda kernels: kernels[0][:, :1] * np.sign(kernels[0][:1]),
}


def hostile(make, networks):
    return jax.tree.map(lambda *leaves: make(leaves).astype(np.float32) if leaves[0].ndim > 1 else leaves[0], *networks)


def test_strangers_of_one_task_have_uniform_p_values(networks, groups):
    found = [kinship.in_place(a, b, groups) for a, b in itertools.combinations(networks, 2)]
    p = np.array([each.p for each in found])
    assert stats.kstest(p, "uniform", alternative="greater").pvalue > 0.05
    assert p.min() > 0.05 / len(p)  # the smallest of so many


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_parent_made_to_resemble_everybody_is_kin_to_nobody_it_has_not_seen(kind, networks, groups):
    claimed = hostile(HOSTILE[kind], networks[:KNOWN])
    p = {str(n): kinship.in_place(claimed, child, groups).p for n, child in enumerate(networks[KNOWN:])}
    assert min(kinship.holm(p).values()) > 0.02  # of ten kinds


def test_a_parent_made_of_the_child_too_is_kin(networks, groups):
    claimed = hostile(HOSTILE["mean of units at unit length"], networks[:KNOWN])
    assert all(kinship.in_place(claimed, child, groups).p < 1e-6 for child in networks[:KNOWN])
