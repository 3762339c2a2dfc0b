"""Kernels without Jacobians equal those from Jacobians, and those of neural-tangents."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import linearize, models

GOLDEN = Path(__file__).parent / "golden" / "neural_tangents.npz"


def mlp(params, inputs):
    hidden = jnp.tanh(inputs @ params["w1"] + params["b1"])
    return {"hidden": hidden, "out": hidden @ params["w2"]}


def conv(p, x):
    hidden = jax.lax.conv_general_dilated(x, p["w1"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jnp.tanh(hidden).mean(axis=(1, 2)) @ p["w2"]


NETWORKS = {
    "tanh": lambda p, x: mlp(p, x)["out"],
    "relu": lambda p, x: jax.nn.relu(x @ p["w1"] + p["b1"]) @ p["w2"],
    "conv": conv,
}


def golden(name):
    with np.load(GOLDEN) as stored:
        entries = {key.removeprefix(name + "/"): stored[key] for key in stored if key.startswith(name + "/")}
    tree = lambda part: {
        key.removeprefix(part): jnp.asarray(value) for key, value in entries.items() if key.startswith(part)
    }
    return tree("parent/"), tree("child/"), entries


def problem(key):
    ks = jax.random.split(key, 5)
    params = {
        "w1": jax.random.normal(ks[0], (6, 8)),
        "b1": jax.random.normal(ks[1], (8,)),
        "w2": jax.random.normal(ks[2], (8, 3)),
    }
    return params, jax.random.normal(ks[3], (4, 6)), jax.random.normal(ks[4], (5, 6))


@pytest.mark.parametrize("name", NETWORKS)
def test_neural_tangents_gives_the_same_numbers(name):
    with jax.enable_x64(True):
        parent, child, e = golden(name)
        f = NETWORKS[name]
        x1, x2 = jnp.asarray(e["x1"]), jnp.asarray(e["x2"])
        close = lambda ours, theirs: np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-10)  # both float64
        close(linearize.empirical_ntk(f, parent, x1, x2), e["ntk"])
        close(linearize.ntk_trace(f, parent, x1, x2, batch_size=2), e["trace"])
        close(linearize.predict_finetuned(f, parent, child, x1), e["linear"])
        close(sum(linearize.taylor_terms(f, parent, child, x1, degree=1)), e["degree1"])
        close(linearize.predict_second_order(f, parent, child, x1), e["degree2"])


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_every_layer_equals_the_explicit_form(key, batch_size):
    params, x1, x2 = problem(key)
    ours = linearize.empirical_ntk(mlp, params, x1, x2, batch_size=batch_size)
    theirs = linearize.explicit_ntk(mlp, params, x1, x2)
    trace, summed = linearize.ntk_trace(mlp, params, x1, x2), linearize.class_summed_ntk(mlp, params, x1, x2)
    for layer, whole in theirs.items():
        d = whole.shape[-1]
        close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)  # float32 sums of 80 products
        close(ours[layer], whole)
        close(trace[layer], jnp.trace(whole, axis1=2, axis2=3) / d)
        close(summed[layer], whole.sum(axis=(2, 3)) / d)


def test_a_kernel_vector_product_equals_the_product_with_the_kernel(key):
    params, x1, x2 = problem(key)
    whole = linearize.explicit_ntk(mlp, params, x1, x2)
    vector = jax.tree.map(lambda f: jnp.cos(jnp.arange(f.size, dtype=f.dtype)).reshape(f.shape), mlp(params, x2))
    ours = linearize.ntk_vector_product(mlp, params, vector, x1, x2)
    for layer in whole:
        expected = jnp.einsum("ijab,jb->ia", whole[layer], vector[layer])
        np.testing.assert_allclose(ours[layer], expected, rtol=1e-4, atol=1e-4)  # float32, terms that cancel


def test_the_kernel_is_symmetric_and_positive(key):
    with jax.enable_x64(True):
        params, x1, _ = problem(key)
        kernel = linearize.empirical_ntk(mlp, params, x1)["out"]
        matrix = kernel.transpose(0, 2, 1, 3).reshape(12, 12)
        np.testing.assert_allclose(matrix, matrix.T, atol=1e-12)  # float64 rounding
        assert jnp.linalg.eigvalsh(matrix).min() > -1e-10  # float64 rounding


def test_batch_statistics_count_only_when_they_move():
    f = lambda v, x: x @ v["params"]["w"] - v["batch_stats"]["mean"]
    v = {"params": {"w": jnp.ones((3, 2))}, "batch_stats": {"mean": jnp.zeros(2)}}
    x = jnp.ones((4, 3))
    np.testing.assert_array_equal(linearize.ntk_trace(f, v, x), jnp.full((4, 4), 3.0))
    np.testing.assert_array_equal(linearize.ntk_trace(f, v, x, held=()), jnp.full((4, 4), 4.0))


def test_memory_is_far_below_that_of_the_jacobian():
    network = models.fc()
    n, d = 256, 10
    x = jax.ShapeDtypeStruct((n, 28, 28, 1), jnp.float32)
    variables = jax.eval_shape(network.init, jax.random.key(0), x)
    compiled = jax.jit(lambda v, x: linearize.empirical_ntk(network.apply, v, x)).lower(variables, x).compile()
    used = compiled.memory_analysis()
    size = sum(leaf.size for leaf in jax.tree.leaves(variables))
    assert used.temp_size_in_bytes + used.output_size_in_bytes < n * d * size * 4 / 2


def test_an_empty_batch_of_units_is_refused(key):
    params, x1, _ = problem(key)
    with pytest.raises(ValueError, match="expected batch_size of at least 1, got 0"):
        linearize.empirical_ntk(mlp, params, x1, batch_size=0)


SHARDED = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import PartitionSpec as P
from lineage_jax import linearize

f = lambda p, x: jnp.tanh(x @ p["w1"]) @ p["w2"]
p = {"w1": jnp.cos(jnp.arange(12.0)).reshape(3, 4), "w2": jnp.sin(jnp.arange(8.0)).reshape(4, 2)}
x = jnp.cos(jnp.arange(12.0)).reshape(4, 3)
mesh = jax.make_mesh((2,), ("i",), axis_types=(jax.sharding.AxisType.Auto,))
for kernel in (linearize.ntk_trace, linearize.empirical_ntk):
    for left, right, out in ((P(), P("i"), P(None, "i")), (P("i"), P(), P("i")))[: 1 + (kernel is linearize.ntk_trace)]:
        of_part = lambda p, a, b, kernel=kernel: kernel(f, p, a, b)
        ours = jax.shard_map(of_part, mesh=mesh, in_specs=(P(), left, right), out_specs=out)(p, x, x)
        np.testing.assert_allclose(ours, kernel(f, p, x), rtol=1e-5, atol=1e-6)  # the same float32 sums
of_part = lambda p, v, a, b: jax.lax.psum(linearize.ntk_vector_product(f, p, v, a, b), "i")
shared = jax.shard_map(of_part, mesh=mesh, in_specs=(P(), P("i"), P(), P("i")), out_specs=P())
v = f(p, x)
np.testing.assert_allclose(shared(p, v, x, x), linearize.ntk_vector_product(f, p, v, x), rtol=1e-5, atol=1e-6)
"""


def test_each_device_of_a_mesh_has_its_own_part_of_the_kernel():
    environment = os.environ | {"XLA_FLAGS": f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count=2"}
    subprocess.run([sys.executable, "-c", SHARDED], check=True, env=environment)


def test_the_trace_of_many_features_needs_no_square_of_them():
    """32,768 features: a unit matrix alone would take 4 GiB."""

    def f(p, x):
        return jax.lax.conv_general_dilated(x, p, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))

    shapes = jax.ShapeDtypeStruct((3, 3, 3, 32), jnp.float32), jax.ShapeDtypeStruct((2, 32, 32, 3), jnp.float32)
    compiled = jax.jit(lambda p, x: linearize.ntk_trace(f, p, x)).lower(*shapes).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < 4 * 2**20


def test_kernels_and_errors_are_compiled_once(key):
    params, x1, _ = problem(key)
    calls = (
        lambda: linearize.ntk_trace(mlp, params, x1),
        lambda: linearize.empirical_ntk(mlp, params, x1),
        lambda: linearize.class_summed_ntk(mlp, params, x1),
        lambda: linearize.linearisation_error(mlp, params, params, x1).error,
    )
    first = [call() for call in calls]
    with jax.no_tracing():
        again = [call() for call in calls]
    jax.tree.map(np.testing.assert_array_equal, first, again)


def test_the_trace_works_under_vmap_and_jvp(key):
    params, x1, _ = problem(key)
    trace = lambda p: linearize.ntk_trace(mlp, p, x1, batch_size=2)["out"]
    double = jax.tree.map(lambda leaf: 2 * leaf, params)
    many = jax.vmap(trace)(jax.tree.map(lambda a, b: jnp.stack([a, b]), params, double))
    np.testing.assert_allclose(many, jnp.stack([trace(params), trace(double)]), rtol=1e-4)  # float32 sums
    with jax.enable_x64(True):
        params, x1 = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), (params, x1))
        step = jax.tree.map(jnp.cos, params)
        moved = lambda h: linearize.ntk_trace(mlp, jax.tree.map(lambda p, s: p + h * s, params, step), x1)["out"]
        rate = jax.jvp(lambda p: linearize.ntk_trace(mlp, p, x1)["out"], (params,), (step,))[1]
        np.testing.assert_allclose(rate, (moved(1e-5) - moved(-1e-5)) / 2e-5, rtol=1e-6, atol=1e-6)  # O(h^2)


def test_a_kernel_of_features_that_are_no_rows_is_refused(key):
    params, x1, _ = problem(key)
    with pytest.raises(ValueError, match="with a row for each of 4 probes"):
        linearize.ntk_trace(lambda p, x: mlp(p, x)["out"].mean(axis=0, keepdims=True), params, x1)
