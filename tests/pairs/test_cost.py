"""What scoring costs, read off the compiled programs: operations, memory, traces and evaluations, never seconds."""

import collections
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import lineage, linearize, models, pairs, similarity
from lineage_jax.pairs import _features, _programs

N = 1024
WIDTHS = (784, 1024, 256, 128)
MEASURES = {"l1": similarity.l1, "l2": similarity.l2, "lp": similarity.lp, "lse": similarity.lse}
ALPHAS = (0.0, 0.01, 0.1, 0.5, 1.0)


def population(numbers, role, count):
    """Returns fully connected networks with a head of 10, made without running JAX."""
    layers = {
        f"fc{number}": {
            "kernel": numbers.normal(0, 0.05, (fan_in, width)).astype(np.float32),
            "bias": np.zeros(width, np.float32),
        }
        for number, (fan_in, width) in enumerate(itertools.pairwise((*WIDTHS, 10)), start=1)
    }
    return {f"{role}-{index}": {"params": layers} for index in range(count)}


@pytest.fixture
def compile_scoring(monkeypatch):
    """Returns the two programs that `lineage.score` would run, compiled as it would compile them, but not run."""

    def compile_both(*, parents, children, memory=lineage.DEFAULT_MEMORY):
        compiled = {}

        def only_compile(program, name):
            def call(*arrays, **static):
                compiled[name] = program.lower(*arrays, **static).compile()
                shapes = jax.eval_shape(lambda *arrays: program(*arrays, **static), *arrays)
                return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)

            return call

        def only_compiling(memory, choice, mesh):
            made = programs_of(memory, choice, mesh)
            return _programs.Programs(
                only_compile(made.see_all, "see_all"), only_compile(made.score_pairs, "score_pairs")
            )

        programs_of = _programs.programs_of
        monkeypatch.setattr(_features, "programs_of", only_compiling)
        numbers = np.random.default_rng(0)
        lineage.score(
            linearize.features_of(models.fc(), ("relu3",)),
            population(numbers, "parent", parents),
            population(numbers, "child", children),
            np.zeros((N, 28, 28, 1), np.float32),
            measures=MEASURES,
            alphas=ALPHAS,
            forms=("taylor",),
            memory=memory,
        )
        return compiled

    return compile_both


def test_operations_are_those_of_the_cost_model(compile_scoring):
    # XLA counts the body of a loop once, whatever its trip count. One parent, and memory for all children in one chunk,
    # leave the pair program no loop of more than one turn; the child program's count is that of one child.
    children = 6
    compiled = compile_scoring(parents=1, children=children, memory=2**34)
    weights = [fan_in * width for fan_in, width in itertools.pairwise(WIDTHS)]
    forward = 2 * N * sum(weights)
    tangent = 4 * N * sum(weights[1:])  # the first layer's tangent is known from the forward passes
    for name, formula in (("see_all", forward), ("score_pairs", forward + children * tangent)):
        ratio = compiled[name].cost_analysis()["flops"] / formula
        assert 1.0 <= ratio <= 1.05, f"{name}: {ratio}"


def test_temporary_memory_stays_small(compile_scoring):
    compiled = compile_scoring(parents=5, children=20)
    for name, program in compiled.items():
        assert program.memory_analysis().temp_size_in_bytes <= 64 * 2**20, name


def test_other_networks_of_the_same_shapes_trace_nothing(key):
    features = linearize.features_of(models.fc(widths=(12, 10, 8)), ("relu3",))
    probes = jax.random.normal(key, (6, 4, 4, 1))

    def networks(seed, count):
        keys = jax.random.split(jax.random.key(seed), count)
        return {str(i): models.init(features.network, keys[i], (4, 4, 1)) for i in range(count)}

    first, second, children = networks(1, 2), networks(2, 2), networks(3, 3)
    before = lineage.score(features, first, children, probes, measures=MEASURES)
    with jax.no_tracing():
        after = lineage.score(features, second, children, probes, measures=MEASURES)
    assert not np.array_equal(before, after)


def test_a_plan_holds_for_one_precision_of_products(key):
    network = models.fc(widths=(12, 10, 8))
    networks = dict.fromkeys(map(str, range(20)), models.init(network, key, (4, 4, 1)))
    scoring = pairs.Scoring(linearize.features_of(network, ("relu2",)), (similarity.l1,), ("taylor",), ())

    def is_stemmed(precision):
        with jax.default_matmul_precision(precision):
            reading = pairs.first_look(networks, networks, held=())
            probes = jnp.ones((3, 4, 4, 1))
            made = pairs.feature_comparison(
                reading, scoring, measures=("l1",), probes=probes, alphas=(0.0,), memory=None
            )
        return made.plan.stemmed

    # a shared first layer is a difference of two products, which rounded factors leave nothing of
    assert [is_stemmed(precision) for precision in ("float32", "BF16_BF16_F32", "float32")] == [True, False, True]


def test_every_network_runs_forward_once(key):
    runs = collections.Counter()

    def counted(params, x):
        jax.debug.callback(lambda number: runs.update([int(number)]), params["number"])
        return jnp.tanh(x @ params["w"])

    def networks(numbers):
        return {
            str(number): {"w": jax.random.normal(jax.random.fold_in(key, number), (4, 3)), "number": jnp.int32(number)}
            for number in numbers
        }

    lineage.score(counted, networks(range(3)), networks(range(10, 17)), jnp.eye(4), measures=MEASURES, alphas=ALPHAS)
    jax.effects_barrier()
    # an integer takes no part in the linearisation, so a pair's tangent pass carries its parent's number
    assert runs == dict.fromkeys([*range(3), *range(10, 17)], 1)
