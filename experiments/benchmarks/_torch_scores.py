"""Taylor scores in PyTorch, in three arrangements: two by backward passes, one in forward mode.

Networks are dicts of tensors and `forward(weights, inputs)` gives features `[n, d]`. All arrangements share the
children's forward passes and return scores `[parent, child, measure, alpha]` of the measures l1, l2, lp (p = 4), lse.
"""

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch

from lineage_jax.leaves import leaf_paths
from lineage_jax.typing import Params

Weights = dict[str, torch.Tensor]
Forward = Callable[[Weights, torch.Tensor], torch.Tensor]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Expanded:
    """A measure: what is expanded along the fine-tuning step, and what is done to the result."""

    power: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    root: Callable[[torch.Tensor], torch.Tensor] = lambda moved: moved


def _lse(a: torch.Tensor, b: torch.Tensor, t: float = 0.02) -> torch.Tensor:
    return -(torch.logsumexp(t * (a - b).abs(), dim=1) / t).sum() / a.numel()


MEASURES = (
    Expanded(power=lambda a, b: -(a - b).abs().mean()),
    Expanded(power=lambda a, b: -((a - b) ** 2).mean(), root=lambda moved: -(-moved.clamp(max=0)).sqrt()),
    Expanded(power=lambda a, b: -((a - b) ** 4).mean(), root=lambda moved: -((-moved.clamp(max=0)) ** 0.25)),
    Expanded(power=_lse),
)


def device() -> torch.device:
    """Returns the GPU if there is one; on a CPU every core is used, and float32 stays float32 everywhere."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def weights_of(variables: Params, *, head: str, place: torch.device) -> Weights:
    """Returns the weights in PyTorch's layouts by name (`fc1/kernel`), without the head, which takes no part."""
    layouts = {1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}
    return {
        path.removeprefix("params/"): torch.tensor(np.transpose(leaf, layouts[leaf.ndim]).copy(), device=place)
        for path, leaf in leaf_paths(variables).items()
        if not path.startswith(f"params/{head}/")
    }


def backward_per_alpha(
    forward: Forward,
    parents: Sequence[Weights],
    children: Sequence[Weights],
    probes: torch.Tensor,
    alphas: Sequence[float],
) -> np.ndarray:
    """The original arrangement, with the forward passes cached: a backward pass per pair, measure and alpha."""

    def scores(parent: Weights, value: torch.Tensor, step: Weights, target: torch.Tensor) -> Iterator[torch.Tensor]:
        for measure in MEASURES:
            for alpha in alphas:
                power, slope = _expand(measure, parent, value, step, target)
                yield measure.root(power + alpha * slope)

    return _every_pair(forward, parents, children, probes, scores)


def backward_per_measure(
    forward: Forward,
    parents: Sequence[Weights],
    children: Sequence[Weights],
    probes: torch.Tensor,
    alphas: Sequence[float],
) -> np.ndarray:
    """The same with alpha taken out, since the score before the root is linear in it."""
    strengths = torch.tensor(alphas, device=probes.device)

    def scores(parent: Weights, value: torch.Tensor, step: Weights, target: torch.Tensor) -> Iterator[torch.Tensor]:
        for measure in MEASURES:
            power, slope = _expand(measure, parent, value, step, target)
            yield measure.root(power + strengths * slope)

    return _every_pair(forward, parents, children, probes, scores)


def forward_mode(
    forward: Forward,
    parents: Sequence[Weights],
    children: Sequence[Weights],
    probes: torch.Tensor,
    alphas: Sequence[float],
    *,
    chunk: int,
) -> np.ndarray:
    """One `torch.func.jvp` per pair, batched over `chunk` children; the measures see the tangent of the features."""
    strengths = torch.tensor(alphas, device=probes.device)
    stacked = {path: torch.stack([child[path] for child in children]) for path in children[0]}
    with torch.no_grad():
        targets = torch.stack([forward(child, probes) for child in children])

    def scores(parent: Weights, child: Weights, target: torch.Tensor) -> torch.Tensor:
        step = {path: child[path] - leaf for path, leaf in parent.items()}
        value, tangent = torch.func.jvp(lambda weights: forward(weights, probes), (parent,), (step,))
        moved = []
        for measure in MEASURES:
            power, slope = torch.func.jvp(lambda f, m=measure: m.power(f, target), (value,), (tangent,))
            moved.append(measure.root(power + strengths * slope))
        return torch.stack(moved)

    with torch.no_grad():
        over_children = torch.func.vmap(scores, in_dims=(None, 0, 0), chunk_size=chunk)
        return torch.stack([over_children(parent, stacked, targets) for parent in parents]).cpu().numpy()


def _every_pair(
    forward: Forward,
    parents: Sequence[Weights],
    children: Sequence[Weights],
    probes: torch.Tensor,
    scores: Callable[[Weights, torch.Tensor, Weights, torch.Tensor], Iterator[torch.Tensor]],
) -> np.ndarray:
    with torch.no_grad():
        targets = [forward(child, probes) for child in children]
    rows = []
    for parent in parents:
        trained = {path: leaf.detach().requires_grad_() for path, leaf in parent.items()}
        value = forward(trained, probes)
        for child, target in zip(children, targets, strict=True):
            step = {path: child[path] - leaf for path, leaf in parent.items()}
            rows.append(torch.stack(list(scores(trained, value, step, target))))
    return torch.stack(rows).reshape(len(parents), len(children), len(MEASURES), -1).cpu().numpy()


def _expand(
    measure: Expanded,
    parent: Weights,
    value: torch.Tensor,
    step: Mapping[str, torch.Tensor],
    target: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the value and the slope along the step, from one backward pass to the parent's weights."""
    power = measure.power(value, target)
    gradients = torch.autograd.grad(power, list(parent.values()), retain_graph=True)
    slopes = [torch.sum(gradient * step[path]) for path, gradient in zip(parent, gradients, strict=True)]
    return power.detach(), torch.stack(slopes).sum()
