"""How long does a step of the detector take, and how much memory, beside the same network in PyTorch?

The published fully connected setting: 10 parents, batches of 16 children, the kernel of `fc3` (256 x 128) and its
features on 64 probes, tokens of 32, float32, Adam with clipped gradients; forward, backward and update.

    library              `detector.train_step`
    torch_channels_last  PyTorch on a tensor of all 160 pairs, in its faster memory format
    torch_default        in its default format
    torch_batch_norm     channels last, with the fused norm over the batch: another network of nearly as much work

All have equal parameters and see equal networks; losses before and after a step agree but for the last one's. A run is
two steps.

    python -m experiments.benchmarks.detector_training
"""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import torch

from experiments.benchmarks import _timing, _torch_scores
from experiments.benchmarks._timing import Row, Variant, compare
from experiments.benchmarks._torch_detector import TorchDetector
from lineage_jax import detector
from lineage_jax.typing import Params

ROUNDS = 3
PARENTS, CHILDREN = 10, 16
WEIGHTS, FEATURES = (256, 128), (64, 128)
DETECTOR = detector.Detector(weights=("fc3",), features=("relu3",))
TRAINING = detector.DetectorTraining()


def main() -> list[Row]:
    """Returns a row for each variant; the scores that have to agree are the losses of two steps in a row."""
    in_format = {name: functools.partial(in_torch, name) for name in (torch.channels_last, torch.contiguous_format)}
    variants = {
        "library": Variant(library="jax", prepare=in_jax, work=by_library, rounds=ROUNDS),
        "torch_channels_last": Variant(
            library="torch", prepare=in_format[torch.channels_last], work=by_torch, rounds=ROUNDS
        ),
        "torch_default": Variant(
            library="torch", prepare=in_format[torch.contiguous_format], work=by_torch, rounds=ROUNDS
        ),
        "torch_batch_norm": Variant(
            library="torch", prepare=in_format[torch.channels_last], work=by_batch_norm, rounds=ROUNDS
        ),
    }
    return compare("detector_training", variants, tolerance=1e-3)


@functools.cache
def images() -> tuple[detector.Views, detector.Views, np.ndarray]:
    """Returns random parents, children near them, and whose child each is."""
    numbers = np.random.default_rng(0)
    labels = np.arange(CHILDREN) % PARENTS
    parents, children = {}, {}
    for name, shape in (("fc3", WEIGHTS), ("relu3", FEATURES)):
        parents[name] = numbers.standard_normal((PARENTS, *shape), np.float32)
        children[name] = parents[name][labels] + 0.5 * numbers.standard_normal((CHILDREN, *shape), np.float32)
    split = lambda views: detector.Views(weights={"fc3": views["fc3"]}, features={"relu3": views["relu3"]})  # noqa: E731
    return split(parents), split(children), labels


@functools.cache
def in_jax() -> tuple[Any, ...]:
    """Returns what a step takes."""
    jax.config.update("jax_default_matmul_precision", "float32")  # also on a GPU, as in PyTorch
    program = detector.Program.of(DETECTOR, TRAINING, steps=350 // CHILDREN)
    state = program.start(0)
    parents, children, labels = images()
    batch = detector.Batch(
        children=children,
        labels=labels,
        parent_mask=np.ones((CHILDREN, PARENTS), bool),
        counts=np.ones(CHILDREN, np.float32),
        places=np.arange(CHILDREN),
    )
    return jax.device_put((state, parents, batch)), program


def by_library(arrays: tuple[Any, ...], program: detector.Program) -> np.ndarray:
    state, parents, batch = arrays
    state, first = detector.train_step(program, state, parents, batch)
    _, second = detector.train_step(program, state, parents, batch)
    return np.array([[first], [second]])  # waits for both


def in_torch(layout: torch.memory_format) -> tuple[Any, ...]:
    """Returns the images, and what the module starts from."""
    parents, children, labels = images()
    place = _torch_scores.device()
    sides = [
        {name: torch.tensor(leaf, device=place) for name, leaf in (views.weights | views.features).items()}
        for views in (parents, children)
    ]
    return layout, *sides, torch.tensor(labels, device=place), detector.init(DETECTOR, 0)["params"]


def by_torch(layout: torch.memory_format, *images: Any) -> np.ndarray:
    return _two_steps(layout, *images, batch_norm=False)


def by_batch_norm(layout: torch.memory_format, *images: Any) -> None:
    _two_steps(layout, *images, batch_norm=True)


def _two_steps(
    layout: torch.memory_format,
    parents: Mapping[str, torch.Tensor],
    children: Mapping[str, torch.Tensor],
    labels: torch.Tensor,
    params: Params,
    *,
    batch_norm: bool,
) -> np.ndarray:
    network = TorchDetector(params, batch_norm=batch_norm).to(labels.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=TRAINING.learning_rate)
    losses = []
    for _ in range(2):
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(network(parents, children, layout), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), TRAINING.clip)
        optimizer.step()
        losses.append(float(loss.detach()))
    return np.array(losses)[:, None]


if __name__ == "__main__":
    _timing.show(main())
