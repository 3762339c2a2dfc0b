"""How much faster is a family trained in one compiled program than network after network in PyTorch?

Two families, each from nothing to trained networks, float32, batches of 64 drawn with replacement from images that lie
on the device, softmax cross-entropy, stochastic gradient descent with momentum and weight decay:

    fc 784-1024-256-128-10  10 networks, 200 steps; the products take most of the time
    digits 64-128-64-32-5   20 networks, 200 steps; PyTorch's overhead of every operation takes most of its time

    library        `population.pretrain`
    torch_fused    PyTorch with the fused optimizer
    torch_foreach  PyTorch with the optimizer that groups operations over parameters
    torch_default  PyTorch with `torch.optim.SGD` as it comes

    python -m experiments.benchmarks.family_training
"""

import dataclasses
import functools
import itertools
import math

import jax
import numpy as np
import torch

from experiments.benchmarks import _timing, _torch_scores
from experiments.benchmarks._timing import Row, Variant, compare
from lineage_jax import data, models, population

ROUNDS = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setting:
    """One family.

    Attributes:
        name: what is printed.
        image: `(h, w, c)`.
        widths: units of the hidden layers.
        num_classes: number of logits.
        networks: size of the family.
        training: how every network is trained.
    """

    name: str
    image: tuple[int, int, int]
    widths: tuple[int, ...]
    num_classes: int
    networks: int
    training: population.TrainingSettings = dataclasses.field(
        default_factory=lambda: population.TrainingSettings(
            steps=200, batch_size=64, learning_rate=0.05, weight_decay=1e-4
        )
    )


FC = Setting(name="fc", image=(28, 28, 1), widths=(1024, 256, 128), num_classes=10, networks=10)
DIGITS = Setting(name="digits", image=(8, 8, 1), widths=(128, 64, 32), num_classes=5, networks=20)


def main() -> list[Row]:
    """Returns a row for each family and variant."""
    return [row for setting in (FC, DIGITS) for row in compare_training(setting)]


def compare_training(setting: Setting) -> list[Row]:
    """Measures every variant; there are no scores to compare."""
    in_torch = functools.partial(images_in_torch, setting)
    variants = {
        "library": Variant(
            library="jax",
            prepare=functools.partial(images_in_jax, setting),
            work=functools.partial(by_library, setting),
            rounds=ROUNDS,
        ),
        "torch_fused": Variant(
            library="torch", prepare=in_torch, work=functools.partial(by_fused, setting), rounds=ROUNDS
        ),
        "torch_foreach": Variant(
            library="torch", prepare=in_torch, work=functools.partial(by_foreach, setting), rounds=ROUNDS
        ),
        "torch_default": Variant(
            library="torch", prepare=in_torch, work=functools.partial(by_default, setting), rounds=ROUNDS
        ),
    }
    return compare(f"family_training {setting.name}", variants, tolerance=0.0)


@functools.cache
def images_in_jax(setting: Setting) -> tuple[data.Images]:
    # float32 stays float32 on a GPU, as in PyTorch; a CPU knows nothing else
    jax.config.update("jax_default_matmul_precision", "float32")
    return (_images(setting),)


@functools.cache
def images_in_torch(setting: Setting) -> tuple[torch.Tensor, torch.Tensor]:
    images, place = _images(setting), _torch_scores.device()
    pixels = torch.tensor(images.images.reshape(len(images), -1), device=place)
    return pixels, torch.tensor(images.labels, dtype=torch.long, device=place)


def by_library(setting: Setting, images: data.Images) -> None:
    network = models.fc(setting.num_classes, widths=setting.widths)
    trained = population.pretrain(network, images, num_parents=setting.networks, seed=0, training=setting.training)
    jax.block_until_ready(trained)


def by_fused(setting: Setting, pixels: torch.Tensor, labels: torch.Tensor) -> None:
    _one_after_another(setting, pixels, labels, fused=True)


def by_foreach(setting: Setting, pixels: torch.Tensor, labels: torch.Tensor) -> None:
    _one_after_another(setting, pixels, labels, foreach=True)


def by_default(setting: Setting, pixels: torch.Tensor, labels: torch.Tensor) -> None:
    _one_after_another(setting, pixels, labels)


def _one_after_another(setting: Setting, pixels: torch.Tensor, labels: torch.Tensor, **arrangement: bool) -> None:
    training = setting.training
    for _ in range(setting.networks):
        network = _torch_network(setting).to(pixels.device)
        optimizer = torch.optim.SGD(
            network.parameters(),
            lr=training.learning_rate,
            momentum=training.momentum,
            weight_decay=training.weight_decay,
            **arrangement,
        )
        for _ in range(training.steps):
            chosen = torch.randint(len(pixels), (training.batch_size,), device=pixels.device)
            optimizer.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(network(pixels[chosen]), labels[chosen]).backward()
            optimizer.step()
    if pixels.is_cuda:
        torch.cuda.synchronize()


def _torch_network(setting: Setting) -> torch.nn.Module:
    sizes = (math.prod(setting.image), *setting.widths)
    pairs = itertools.pairwise(sizes)
    hidden = [layer for before, after in pairs for layer in (torch.nn.Linear(before, after), torch.nn.ReLU())]
    return torch.nn.Sequential(*hidden, torch.nn.Linear(sizes[-1], setting.num_classes))


def _images(setting: Setting) -> data.Images:
    """Returns random images: speed does not depend on what they show."""
    numbers = np.random.default_rng(0)
    return data.Images(
        images=numbers.standard_normal((2048, *setting.image), np.float32),
        labels=numbers.integers(setting.num_classes, size=2048, dtype=np.int32),
        num_classes=setting.num_classes,
    )


if __name__ == "__main__":
    _timing.show(main())
