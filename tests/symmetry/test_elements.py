"""Elements: they compose, are undone, keep types, and refuse what fits no group."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import symmetry
from tests.symmetry.constructs import CONSTRUCTS, IMAGES
from tests.symmetry.drawn import drawn


@pytest.fixture(params=["grouped", "layer_norm", "flax_attention"])
def case(request):
    fn, shapes, _ = CONSTRUCTS[request.param]
    variables = drawn(shapes)
    return variables, symmetry.groups(fn, variables, jnp.ones(IMAGES))


def assert_close(a, b):
    for one, two in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5)  # two multiplications of float32 and their inverses


def test_the_inverse_undoes_an_element(case, key):
    variables, groups = case
    element = symmetry.random(key, groups)
    there = symmetry.apply(variables, groups, element)
    assert_close(symmetry.apply(there, groups, symmetry.inverse(element)), variables)
    whole = symmetry.compose(element, symmetry.inverse(element))
    np.testing.assert_array_equal(whole.order, symmetry.identity(groups).order)


def test_elements_compose(case):
    variables, groups = case
    one, two = (symmetry.random(jax.random.key(seed), groups) for seed in range(2))
    step_by_step = symmetry.apply(symmetry.apply(variables, groups, one), groups, two)
    assert_close(symmetry.apply(variables, groups, symmetry.compose(one, two)), step_by_step)


def test_applying_works_under_jit_and_keeps_types(case, key):
    variables, groups = case
    element = symmetry.random(key, groups)
    half = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), variables)
    jitted = jax.jit(lambda v, e: symmetry.apply(v, groups, e))
    assert_close(jitted(variables, element), symmetry.apply(variables, groups, element))
    assert {leaf.dtype for leaf in jax.tree.leaves(jitted(half, element))} == {jnp.dtype(jnp.bfloat16)}
    on_host = symmetry.apply_on_host(half, groups, element)
    assert {(type(leaf), leaf.dtype) for leaf in jax.tree.leaves(on_host)} == {(np.ndarray, jnp.dtype(jnp.bfloat16))}
    assert_close(symmetry.apply_on_host(variables, groups, element), symmetry.apply(variables, groups, element))


def test_one_key_draws_one_element(case, key):
    _, groups = case
    assert_close(symmetry.random(key, groups), symmetry.random(key, groups))
    assert not np.array_equal(symmetry.random(key, groups).factor, symmetry.random(jax.random.key(9), groups).factor)


def test_what_fits_no_group_is_refused(case):
    variables, groups = case
    with pytest.raises(ValueError, match="expected a family among 0 to"):
        symmetry.permute(variables, groups, {len(groups.families): [0]})
    with pytest.raises(ValueError, match="expected a permutation of"):
        symmetry.permute(variables, groups, {0: [0, 0]})
    with pytest.raises(ValueError, match="positive factors, got"):
        symmetry.rescale(variables, groups, sizes=-np.ones(groups.sizes.count))
    with pytest.raises(ValueError, match="signs, each 1 or -1, got"):
        symmetry.rescale(variables, groups, signs=np.ones(groups.signs.count + 1))
    with pytest.raises(
        ValueError, match=r"expected variables of the network that groups were read off: .* at 'b', got nothing"
    ):
        symmetry.apply(
            {},
            symmetry.groups(lambda p, x: x @ p["b"], {"b": jnp.ones((3, 2))}, jnp.ones((1, 3))),
            symmetry.identity(groups),
        )
