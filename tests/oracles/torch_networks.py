"""PyTorch networks as oracles: torchvision without its compiled operators, random statistics, outputs of modules."""

import contextlib
import functools
import os

import numpy as np


@functools.cache
def torchvision():
    """Imports torchvision; the CPU build of PyTorch lacks the operators that it registers fakes for."""
    os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")
    import torch

    for name in ("nms", "qnms"):
        with contextlib.suppress(RuntimeError):  # defined already
            torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

    torchvision.ops.boxes._assert_has_ops = lambda: None
    return torchvision


def timm():
    """Imports timm, which imports torchvision."""
    torchvision()
    import timm

    return timm


def randomise(network, seed=0):
    """Draws everything that default initialisation leaves at a value that hides mistakes: biases, scales, statistics.

    Kernels keep their scale, so that signals neither vanish nor blow up through a hundred layers.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    draw = lambda tensor, low, high: tensor.uniform_(low, high, generator=generator)
    with torch.no_grad():
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            leaf = name.rpartition(".")[2]
            scale = leaf in ("running_var", "layer_scale", "gamma") or (leaf == "weight" and tensor.ndim == 1)
            if scale:
                draw(tensor, 0.5, 1.5)
            elif leaf == "bias" or _is_constant(tensor):
                draw(tensor, -0.5, 0.5)
    return network


def _is_constant(tensor):
    return tensor.is_floating_point() and bool((tensor == tensor.flatten()[0]).all())


def outputs_of(network, modules, images):
    """Runs a network on `[n, h, w, c]` images: the outputs of some of its modules by name, and its own.

    Images among the outputs come back as `[n, h, w, c]`.
    """
    import torch

    found = {}

    def keep(name):
        return lambda module, arguments, output: found.__setitem__(name, channels_last(output.detach().clone().numpy()))

    hooks = [network.get_submodule(name).register_forward_hook(keep(name)) for name in modules]
    with torch.no_grad():
        output = network.eval()(torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))))
    for hook in hooks:
        hook.remove()
    return found, output


def channels_last(array):
    """Brings `[n, c, h, w]` to `[n, h, w, c]`, and leaves other arrays alone."""
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array
