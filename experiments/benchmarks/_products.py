"""The bare products that shared-first-layer scoring cannot do without, and nothing else: the speed limit.

A forward pass is one product a layer, a pair two products for each layer after the first. `products` are bilinear
functions of (activations, kernel), in order. Every product feeds the result, so none is optimised away; the loops are
unrolled, which was the fastest of unrolled, mapped and batched on a CPU.
"""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import torch
from jaxtyping import Array

Products = tuple[Callable[[Any, Any], Any], ...]
Kernels = Sequence[Any]


def flops(macs: Sequence[int], *, parents: int, children: int, probes: int) -> int:
    """Returns the floating-point operations of all products.

    Args:
        macs: multiplications of each layer for one example.
        parents: number of parents.
        children: number of children.
        probes: number of examples.
    """
    forward, pair = 2 * probes * sum(macs), 4 * probes * sum(macs[1:])
    return (parents + children) * forward + parents * children * pair


@functools.partial(jax.jit, static_argnames="products")
def in_jax(
    parents: Sequence[Kernels], children: Sequence[Kernels], probes: Array, *, products: Products
) -> list[Array]:
    """Does all products in one compiled program."""
    return _all_products(parents, children, probes, products=products)


def in_torch(
    parents: Sequence[Kernels], children: Sequence[Kernels], probes: torch.Tensor, *, products: Products
) -> list[torch.Tensor]:
    """Does all products one after another."""
    with torch.no_grad():
        return _all_products(parents, children, probes, products=products)


def _all_products(
    parents: Sequence[Kernels], children: Sequence[Kernels], probes: Any, *, products: Products
) -> list[Any]:
    def forward(kernels: Kernels) -> list[Any]:
        pairs = zip(products, kernels, strict=True)
        return list(itertools.accumulate(pairs, lambda a, pair: pair[0](a, pair[1]), initial=probes))[1:]

    def pair(parent: Kernels, values: list[Any], child: Kernels, targets: list[Any]) -> Any:
        tangent = targets[0]
        for product, value, own, other in zip(products[1:], values[:-1], parent[1:], child[1:], strict=True):
            tangent = product(value, other) + product(tangent, own)
        return (values[-1] + tangent - targets[-1]).max()

    values, targets = ([forward(network) for network in networks] for networks in (parents, children))
    return [
        pair(*parent, *child)
        for parent in zip(parents, values, strict=True)
        for child in zip(children, targets, strict=True)
    ]
