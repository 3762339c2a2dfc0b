import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy.spatial.distance import cdist

from lineage_jax import similarity
from lineage_jax.similarity._distances import squared_distances
from lineage_jax.similarity._rows import fold_rows, map_rows

compiled = jax.jit(squared_distances, static_argnums=2)


def pairs_close_by(key, n=30, d=40, spread=1e-5):
    """Half of the rows are near-duplicates of the other half, far closer than float32 rounding of their norms."""
    first, second = jax.random.normal(key, (2, n, d))
    return jnp.concatenate([first, first + spread * second])


def clusters(key, n=60, d=40, spread=1e-4):
    """Three clusters of twenty near-duplicates: more than are refined one by one."""
    first, second = jax.random.normal(key, (2, n, d))
    return first[jnp.arange(n) % 3] + spread * second


@pytest.mark.parametrize("features", [pairs_close_by, clusters])
def test_near_duplicates_keep_their_distance(features, key):
    a = features(key)
    ours = compiled(a, 0, len(a))
    expected = cdist(np.float64(a), np.float64(a), "sqeuclidean")
    # float32 rounding of squared differences; of norms that are at most a thousand times as large as the distance
    np.testing.assert_allclose(ours, expected, rtol=2e-4)
    close = expected < 1e-4 * expected.max()
    np.testing.assert_allclose(ours[close], expected[close], rtol=1e-5)


def test_duplicates_are_at_distance_zero(key):
    a = jnp.repeat(jax.random.normal(key, (10, 40)), 3, axis=0)
    distances = compiled(a, 0, 30)
    assert (distances[jnp.arange(30)[:, None] // 3 == jnp.arange(30)[None] // 3] == 0).all()


@pytest.mark.parametrize("features", [pairs_close_by, clusters])
def test_a_batch_is_refined_too(features, key):
    batch = jnp.stack([features(k) for k in jax.random.split(key, 3)])
    together = jax.jit(jax.vmap(lambda a: squared_distances(a, 0, 60)))(batch)
    for a, distances in zip(batch, together, strict=True):
        # float32 rounding in another order
        np.testing.assert_allclose(distances, compiled(a, 0, 60), rtol=1e-3, atol=1e-12)


@pytest.mark.parametrize("d", [3, 20])
def test_derivatives_are_those_of_the_definition(d, key):
    with jax.enable_x64(True):
        a = jax.random.normal(key, (7, d), jnp.float64)
        # finite differences in float64
        check_grads(jax.jit(lambda a: squared_distances(a, 2, 4)), (a,), order=2, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("distance", "metric"),
    [(similarity.cosine_distance, "cosine"), (similarity.correlation_distance, "correlation")],
)
def test_distances_are_those_of_scipy(distance, metric, key):
    a = 2 + jax.random.normal(key, (9, 12))
    ours = jax.jit(lambda a: distance.rows(distance.represent(a), 3, 5))(a)
    # float32 rounding of a distance between 0 and 2
    np.testing.assert_allclose(ours, cdist(np.float64(a), np.float64(a), metric)[3:8], rtol=1e-5, atol=1e-6)


def test_blocks_cover_every_row_once(monkeypatch):
    monkeypatch.setattr("lineage_jax.similarity._rows.DENSE", 4)
    monkeypatch.setattr("lineage_jax.similarity._rows.TILE", 40)
    for n in (5, 12, 23):  # one block, whole blocks, a last one that overlaps
        assert map_rows(lambda start, size: start + jnp.arange(size), n).tolist() == list(range(n))
        seen = fold_rows(
            lambda seen, start, new: seen.at[start + jnp.arange(len(new))].add(new), jnp.zeros(n, jnp.int32), n
        )
        assert seen.tolist() == [1] * n
