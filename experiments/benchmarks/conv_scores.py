"""How fast are all scores of small convolutional networks, and how near is that to the machine's limit?

2 parents, 8 children, 128 probes of 32x32x3, `models.convnet` up to `avgpool`, measures l1 l2 lp lse, 5 alphas,
float32. The variants are those of `fc_scores`, with convolutions for matrix products.

    python -m experiments.benchmarks.conv_scores
"""

import jax
import torch
from torch.nn import functional

from experiments.benchmarks import _timing
from experiments.benchmarks._score_variants import Setting, compare_scoring
from experiments.benchmarks._timing import Row
from experiments.benchmarks._torch_scores import Weights
from lineage_jax import models


def forward(weights: Weights, images: torch.Tensor) -> torch.Tensor:
    x = images
    for layer in SETTING.layers:
        x = torch.relu(functional.conv2d(x, weights[f"{layer}/kernel"], weights[f"{layer}/bias"], padding=1))
        x = x if layer == SETTING.layers[-1] else functional.max_pool2d(x, 2)
    return x.mean(dim=(2, 3))


def product_jax(activations: jax.Array, kernel: jax.Array) -> jax.Array:
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(activations, kernel, (1, 1), "SAME", dimension_numbers=layout)


def halved_product_jax(activations: jax.Array, kernel: jax.Array) -> jax.Array:
    return product_jax(activations, kernel)[:, ::2, ::2]


def product_torch(activations: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    return functional.conv2d(activations, kernel, padding=1)


def halved_product_torch(activations: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    return product_torch(activations, kernel)[:, :, ::2, ::2].contiguous()


SETTING = Setting(
    network=models.convnet(),
    image=(32, 32, 3),
    parents=2,
    children=8,
    probes=128,
    layers=("conv1", "conv2", "conv3"),
    macs=(32**2 * 27 * 32, 16**2 * 288 * 64, 8**2 * 576 * 64),
    forward=forward,
    products_jax=(halved_product_jax, halved_product_jax, product_jax),
    products_torch=(halved_product_torch, halved_product_torch, product_torch),
    chunk=8,
)


def main() -> list[Row]:
    """Returns a row for each variant."""
    return compare_scoring("conv_scores", SETTING)


if __name__ == "__main__":
    _timing.show(main())
