"""Taylor scores against the original arrangement: PyTorch's reverse mode, one backward pass per measure and alpha."""

import dataclasses
import itertools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import lineage, linearize, models, similarity
from lineage_jax.leaves import leaf_paths

pytestmark = pytest.mark.torch

ALPHAS = (0.0, 0.1, 0.3, 1.0)
MEASURES = {"l1": similarity.l1, "l2": similarity.l2, "lp": similarity.lp, "lse": similarity.lse}
PRECISIONS = [pytest.param(False, 1e-4, id="float32"), pytest.param(True, 1e-10, id="float64")]
"""Relative tolerances: about a thousand roundings of either precision, for sums over some hundred terms."""


@pytest.fixture(autouse=True)
def one_thread():
    """Networks this small are slower on several threads, which wait for each other."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Expanded:
    """A measure in PyTorch: what is expanded, and what is done to the result."""

    power: Callable
    root: Callable = lambda moved: moved


def torch_measures():
    import torch

    def clipped_root(degree):
        return lambda moved: -((-moved.clamp(max=0)) ** (1 / degree))

    def lse(a, b, t=0.02):
        return -(torch.logsumexp(t * (a - b).abs(), dim=1) / t).sum() / a.numel()

    return {
        "l1": Expanded(power=lambda a, b: -(a - b).abs().mean()),
        "l2": Expanded(power=lambda a, b: -((a - b) ** 2).mean(), root=clipped_root(2)),
        "lp": Expanded(power=lambda a, b: -((a - b) ** 4).mean(), root=clipped_root(4)),
        "lse": Expanded(power=lse),
    }


def torch_fc(weights, images):
    """Returns the features before the head, which takes no part."""
    import torch

    x = images.flatten(1)
    for layer in ("fc1", "fc2", "fc3"):
        x = torch.relu(x @ weights[f"params/{layer}/kernel"] + weights[f"params/{layer}/bias"])
    return x


def torch_convnet(weights, images):
    """Returns the pooled features before the head; kernels and images keep JAX's layouts outside."""
    import torch
    from torch.nn import functional

    x = images.permute(0, 3, 1, 2)
    for number in (1, 2, 3):
        kernel = weights[f"params/conv{number}/kernel"].permute(3, 2, 0, 1)
        x = torch.relu(functional.conv2d(x, kernel, weights[f"params/conv{number}/bias"], padding=1))
        x = functional.max_pool2d(x, 2) if number <= 2 else x
    return x.mean(dim=(2, 3))


def torch_scores(forward, parents, children, probes, *, head):
    """Returns the scores [parent, child, measure, alpha], each from a backward pass to the parent's weights."""
    import torch

    def weights_of(variables, *, trained):
        paths = {path: leaf for path, leaf in leaf_paths(variables).items() if head not in path.split("/")}
        return {path: torch.tensor(np.asarray(leaf), requires_grad=trained) for path, leaf in paths.items()}

    def score(parent, child, measure, alpha):
        value = measure.power(forward(parent, x), forward(child, x))
        gradients = torch.autograd.grad(value, list(parent.values()))
        steps = [child[path] - leaf for path, leaf in parent.items()]
        slope = sum((gradient * step).sum() for gradient, step in zip(gradients, steps, strict=True))
        return measure.root(value + alpha * slope).item()

    x = torch.tensor(np.asarray(probes))
    trained = [weights_of(parent, trained=True) for parent in parents.values()]
    fixed = [weights_of(child, trained=False) for child in children.values()]
    combinations = itertools.product(trained, fixed, torch_measures().values(), ALPHAS)
    scores = [score(*combination) for combination in combinations]
    return np.reshape(scores, (len(parents), len(children), len(MEASURES), len(ALPHAS)))


def family(architecture, image):
    """Returns three parents, and three children near two of them, with new heads of another size; biases are not 0."""
    numbers = np.random.default_rng(0)
    dtype = jnp.result_type(float)

    def draw(network):
        shapes = jax.eval_shape(lambda: models.init(network, jax.random.key(0), image))
        return jax.tree.map(lambda leaf: numbers.normal(0, 0.3, leaf.shape).astype(dtype), shapes)

    parents = {name: draw(architecture(10)) for name in ("anna", "bert", "cleo")}
    children = {}
    for name, parent, size in (("a1", "anna", 0.01), ("a2", "anna", 0.05), ("b1", "bert", 0.02)):
        noise = draw(architecture(10))
        body = jax.tree.map(lambda p, e, size=size: (p + size * e).astype(dtype), parents[parent], noise)
        head = architecture(10).head
        children[name] = {"params": body["params"] | {head: draw(architecture(7))["params"][head]}}
    probes = numbers.normal(size=(16, *image)).astype(dtype)
    return parents, children, probes


def small_fc(num_classes):
    return models.fc(num_classes, widths=(32, 16, 8))


def small_convnet(num_classes):
    return models.convnet(num_classes, widths=(4, 6, 8))


def taylor_scores(features, parents, children, probes):
    scores = lineage.score(features, parents, children, probes, measures=MEASURES, alphas=ALPHAS, forms=("taylor",))
    return scores.isel(layer=0).sel(form="taylor").transpose("parent", "child", "measure", "alpha").values


def assert_same_scores(scores, expected, tolerance):
    # relative to the direct score: near a true parent the terms of a Taylor score cancel, and their digits with them
    direct = expected[..., :1]
    np.testing.assert_allclose(scores / direct, expected / direct, rtol=0, atol=tolerance)


@pytest.mark.parametrize(("wide", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("shared", [True, False], ids=["first layer shared", "plain function"])
def test_scores_of_the_fully_connected_net_are_those_of_backward_passes(wide, tolerance, shared):
    with jax.enable_x64(wide):
        parents, children, probes = family(small_fc, (6, 6, 1))
        features = linearize.features_of(small_fc(10), ("relu3",))
        assert linearize.split_stem(features, parents["anna"], probes) is not None
        feature_fn = features if shared else lambda variables, x: features(variables, x)
        scores = taylor_scores(feature_fn, parents, children, probes)
    expected = torch_scores(torch_fc, parents, children, probes, head="fc4")
    assert_same_scores(scores, expected, tolerance)


@pytest.mark.parametrize(("wide", "tolerance"), PRECISIONS)
def test_scores_of_a_convnet_are_those_of_backward_passes(wide, tolerance):
    with jax.enable_x64(wide):
        parents, children, probes = family(small_convnet, (8, 8, 3))
        features = linearize.features_of(small_convnet(10), ("avgpool",))
        scores = taylor_scores(features, parents, children, probes)
    expected = torch_scores(torch_convnet, parents, children, probes, head="fc")
    assert_same_scores(scores, expected, tolerance)


@pytest.mark.parametrize(("wide", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("shape", [(40, 6), (6, 40)], ids=["many examples", "many features"])
def test_taylor_form_of_linear_cka_follows_its_gradient(key, wide, tolerance, shape):
    import torch

    with jax.enable_x64(wide):
        value, tangent, noise = jax.random.normal(key, (3, *shape))
        target = value + 0.5 * noise + 1.0
        scores = similarity.taylor(similarity.linear_cka, value, tangent, target, alpha=jnp.array(ALPHAS))

    a, b, step = (torch.tensor(np.asarray(matrix)) for matrix in (value, target, tangent))
    a.requires_grad_()
    x, y = a - a.mean(dim=0), b - b.mean(dim=0)
    cka = (x.T @ y).square().sum() / ((x.T @ x).norm() * (y.T @ y).norm())
    (gradient,) = torch.autograd.grad(cka, a)
    expected = cka.item() + np.array(ALPHAS) * (gradient * step).sum().item()
    np.testing.assert_allclose(scores, expected, rtol=tolerance)
