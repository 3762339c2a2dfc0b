"""How fast are all scores of the paper's fully connected networks, and how near is that to the machine's limit?

5 parents, 20 children, 1,024 probes, 784-1024-256-128 up to `relu3`, measures l1 l2 lp lse, 5 alphas, float32:

    library               `lineage.score`, Taylor form; the children's forward passes, planning and labels included
    backward_per_alpha    PyTorch in the original arrangement: a backward pass per (pair, measure, alpha)
    backward_per_measure  PyTorch with alpha taken out of the backward passes
    torch_func            PyTorch in forward mode, batched over children
    products_jax          the bare matrix products that sharing the first layer leaves, compiled by XLA
    products_torch        the same list in PyTorch

    python -m experiments.benchmarks.fc_scores
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
    x = images.flatten(1)
    for layer in SETTING.layers:
        x = torch.relu(functional.linear(x, weights[f"{layer}/kernel"], weights[f"{layer}/bias"]))
    return x


def product_jax(activations: jax.Array, kernel: jax.Array) -> jax.Array:
    return activations.reshape(len(activations), -1) @ kernel


def product_torch(activations: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    return functional.linear(activations.flatten(1), kernel)


SETTING = Setting(
    network=models.fc(),
    image=(28, 28, 1),
    parents=5,
    children=20,
    probes=1024,
    layers=("fc1", "fc2", "fc3"),
    macs=(784 * 1024, 1024 * 256, 256 * 128),
    forward=forward,
    products_jax=(product_jax,) * 3,
    products_torch=(product_torch,) * 3,
    chunk=5,
)


def main() -> list[Row]:
    """Returns a row for each variant."""
    return compare_scoring("fc_scores", SETTING)


if __name__ == "__main__":
    _timing.show(main())
