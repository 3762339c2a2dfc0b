"""All scores of a population, by this library and by PyTorch in three arrangements, beside the bare products."""

import dataclasses
import functools
from collections.abc import Callable

import flax.linen as nn
import jax
import numpy as np
import torch

from experiments.benchmarks import _products, _torch_scores
from experiments.benchmarks._random_networks import random_networks
from experiments.benchmarks._timing import Row, Variant, compare
from lineage_jax import lineage, linearize, similarity
from lineage_jax.typing import Measure

MEASURES: dict[str, Measure] = {"l1": similarity.l1, "l2": similarity.l2, "lp": similarity.lp, "lse": similarity.lse}
ALPHAS = (0.0, 0.01, 0.1, 0.5, 1.0)
ROUNDS, SLOW_ROUNDS = 7, 2
TOLERANCE = 1e-3
"""Of scores, relative to the direct one: float32 roundings of 1e-6, as seen through the square root of `l2` near 0."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setting:
    """What is scored.

    Attributes:
        network: the architecture; its last tap is compared, the head takes no part.
        image: `(h, w, c)`.
        parents: number of parents.
        children: number of children.
        probes: number of examples.
        layers: names of the layers before the tap.
        macs: multiplications of each layer for one example.
        forward: the network in PyTorch, from weights by name and `[n, c, h, w]` to features `[n, d]`.
        products_jax: each layer's bare product, of activations and kernel.
        products_torch: the same in PyTorch.
        chunk: how many children `torch_func` takes at a time; the fastest of 1, 2, 5, ... tried on one core.
    """

    network: nn.Module
    image: tuple[int, int, int]
    parents: int
    children: int
    probes: int
    layers: tuple[str, ...]
    macs: tuple[int, ...]
    forward: _torch_scores.Forward
    products_jax: _products.Products
    products_torch: _products.Products
    chunk: int


def compare_scoring(bench: str, setting: Setting) -> list[Row]:
    """Measures every variant.

    Returns:
        The rows of `compare`. The library and the products also have `gflops`, the operations of the products over the
        variant's seconds, and the library has the share that this is of what the bare products reach.
    """
    jax_side, torch_side = ("jax", functools.partial(in_jax, setting)), ("torch", functools.partial(in_torch, setting))
    sides: dict[str, tuple[str, Callable[[], tuple], Callable[..., np.ndarray | None], int]] = {
        "library": (*jax_side, by_library, ROUNDS),
        "backward_per_alpha": (*torch_side, by_alpha, SLOW_ROUNDS),
        "backward_per_measure": (*torch_side, by_measure, ROUNDS),
        "torch_func": (*torch_side, by_torch_func, ROUNDS),
        "products_jax": (*jax_side, bare_in_jax, ROUNDS),
        "products_torch": (*torch_side, bare_in_torch, ROUNDS),
    }
    variants = {
        name: Variant(library=library, prepare=prepare, work=functools.partial(work, setting), rounds=rounds)
        for name, (library, prepare, work, rounds) in sides.items()
    }
    rows = compare(bench, variants, tolerance=TOLERANCE)
    seconds = {row["variant"]: row["seconds"] for row in rows}
    operations = _products.flops(
        setting.macs, parents=setting.parents, children=setting.children, probes=setting.probes
    )
    for row in rows:
        if row["variant"] in ("library", "products_jax", "products_torch"):
            row["gflops"] = operations / row["seconds"] / 1e9
        if row["variant"] == "library":
            row["share_of_products_jax"] = seconds["products_jax"] / row["seconds"]
            row["share_of_products_torch"] = seconds["products_torch"] / row["seconds"]
    return rows


@functools.cache
def in_jax(setting: Setting) -> tuple:
    """Returns parents and children by name, and probes, on JAX's device."""
    # float32 stays float32 on a GPU, as in the PyTorch variants; a CPU knows nothing else
    jax.config.update("jax_default_matmul_precision", "float32")
    return jax.block_until_ready(jax.device_put(_networks(setting)))


@functools.cache
def in_torch(setting: Setting) -> tuple:
    """Returns lists of parents and children, and probes, in PyTorch's layouts on PyTorch's device."""
    parents, children, probes = _networks(setting)
    place, head = _torch_scores.device(), setting.network.head
    weights = [
        [_torch_scores.weights_of(network, head=head, place=place) for network in networks.values()]
        for networks in (parents, children)
    ]
    return *weights, torch.tensor(np.moveaxis(probes, -1, 1).copy(), device=place)


def by_library(setting: Setting, parents: dict, children: dict, probes: jax.Array) -> np.ndarray:
    features = linearize.features_of(setting.network, setting.network.taps[-1:])
    scores = lineage.score(features, parents, children, probes, measures=MEASURES, alphas=ALPHAS, forms=("taylor",))
    return scores.isel(layer=0, form=0).transpose("parent", "child", "measure", "alpha").values


def by_alpha(setting: Setting, parents: list, children: list, probes: torch.Tensor) -> np.ndarray:
    return _torch_scores.backward_per_alpha(setting.forward, parents, children, probes, ALPHAS)


def by_measure(setting: Setting, parents: list, children: list, probes: torch.Tensor) -> np.ndarray:
    return _torch_scores.backward_per_measure(setting.forward, parents, children, probes, ALPHAS)


def by_torch_func(setting: Setting, parents: list, children: list, probes: torch.Tensor) -> np.ndarray:
    return _torch_scores.forward_mode(setting.forward, parents, children, probes, ALPHAS, chunk=setting.chunk)


def bare_in_jax(setting: Setting, parents: dict, children: dict, probes: jax.Array) -> None:
    of_parents, of_children = (
        [[network["params"][layer]["kernel"] for layer in setting.layers] for network in networks.values()]
        for networks in (parents, children)
    )
    jax.block_until_ready(_products.in_jax(of_parents, of_children, probes, products=setting.products_jax))


def bare_in_torch(setting: Setting, parents: list, children: list, probes: torch.Tensor) -> None:
    of_parents, of_children = (
        [[network[f"{layer}/kernel"] for layer in setting.layers] for network in networks]
        for networks in (parents, children)
    )
    results = _products.in_torch(of_parents, of_children, probes, products=setting.products_torch)
    torch.stack(results).cpu()  # waits for a GPU


def _networks(setting: Setting) -> tuple:
    return random_networks(
        setting.network, setting.image, parents=setting.parents, children=setting.children, probes=setting.probes
    )
