"""A small FCOS: a residual backbone, a pyramid of two levels, a tower for classes and one for boxes, and the head.

What children have anew is the head, three convolutions; in `lineage_jax.models`, as in torchvision, it has the towers
too, which is much where networks are small.
"""

from collections.abc import Sequence
from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

STRIDES = (4, 8)
"""Pixels from one point of a level to the next."""

LIMIT = 8.0
"""Pixels from a point to the farthest side of its box, up to which it is looked for on the finer level."""

PRIOR = 0.01
"""Probability of an object at a point before anything is learned."""

GROUPS = 4
"""Groups of channels that a tower normalises."""

Levels = Sequence[Float[Array, "n _ _ d"]]


class ConvNorm(nn.Module):
    """A 3x3 convolution `conv` with a batch normalisation `bn`, and ReLU.

    Attributes:
        width: number of output channels.
        stride: step of the convolution.
    """

    width: int
    stride: int = 1

    @nn.compact
    def __call__(self, x: Float[Array, "n h w d"], *, train: bool) -> Float[Array, "n h2 w2 d2"]:
        x = nn.Conv(self.width, (3, 3), self.stride, padding=1, use_bias=False, name="conv")(x)
        return nn.relu(nn.BatchNorm(use_running_average=not train, momentum=0.9, name="bn")(x))


class Backbone(nn.Module):
    """`stem1` and `stem2`, which halve the picture; `block1`; `stem3`, which halves it again; `block2`.

    Attributes:
        width: number of channels of the finer stage; the coarser one has twice as many.
    """

    width: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"], *, train: bool) -> Levels:
        x = ConvNorm(self.width, 2, name="stem1")(x, train=train)
        x = ConvNorm(self.width, 2, name="stem2")(x, train=train)
        finer = x + ConvNorm(self.width, name="block1")(x, train=train)
        x = ConvNorm(2 * self.width, 2, name="stem3")(finer, train=train)
        return finer, x + ConvNorm(2 * self.width, name="block2")(x, train=train)


class Pyramid(nn.Module):
    """`inner0` and `inner1` bring the stages to one width, the coarser is added to the finer; `level0` and `level1`.

    Attributes:
        width: number of channels of a level.

    References:
        Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017.
    """

    width: int

    @nn.compact
    def __call__(self, stages: Levels) -> Levels:
        finer, coarser = (nn.Conv(self.width, (1, 1), name=f"inner{place}")(x) for place, x in enumerate(stages))
        finer = finer + jax.image.resize(coarser, finer.shape, "nearest")
        return [nn.Conv(self.width, (3, 3), name=f"level{place}")(x) for place, x in enumerate((finer, coarser))]


class Tower(nn.Module):
    """A convolution `conv` with a normalisation `norm` of groups of channels, and ReLU; the same on both levels.

    Attributes:
        width: number of channels.
    """

    width: int

    @nn.compact
    def __call__(self, levels: Levels) -> Levels:
        conv = nn.Conv(self.width, (3, 3), name="conv")
        norm = nn.GroupNorm(GROUPS, name="norm")
        return [nn.relu(norm(conv(level))) for level in levels]


class Head(nn.Module):
    """What is said at every point: `cls_logits`, `bbox_reg` and `bbox_ctrness`.

    Attributes:
        num_classes: number of logits a point.

    References:
        Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, section 3.3 (the first bias of the logits).
    """

    num_classes: int

    @nn.compact
    def __call__(self, classes: Levels, boxes: Levels) -> dict[str, Float[Array, "n a _"]]:
        rare = nn.initializers.constant(-jnp.log((1 - PRIOR) / PRIOR))
        small = nn.initializers.normal(0.01)
        logits = nn.Conv(self.num_classes, (3, 3), kernel_init=small, bias_init=rare, name="cls_logits")
        sides = nn.Conv(4, (3, 3), kernel_init=small, bias_init=nn.initializers.ones, name="bbox_reg")
        centredness = nn.Conv(1, (3, 3), kernel_init=small, name="bbox_ctrness")
        scaled = [stride * nn.softplus(sides(level)) for stride, level in zip(STRIDES, boxes, strict=True)]
        return {
            "logits": joined([logits(level) for level in classes]),
            "sides": joined(scaled),
            "centredness": joined([centredness(level) for level in boxes]),
        }


class SmallFCOS(nn.Module):
    """`backbone`, `pyramid`, `class_tower`, `box_tower` and `head`.

    Attributes:
        num_classes: number of logits a point.
        width: number of channels of the first stage; a level has twice as many.

    References:
        Tian et al., "FCOS: Fully Convolutional One-Stage Object Detection", ICCV 2019.
    """

    num_classes: int
    width: int

    taps: ClassVar = ("pyramid/level0", "pyramid/level1")
    head: ClassVar = "head"

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"], *, train: bool = False) -> dict[str, Float[Array, "n a _"]]:
        """Returns at every point, the finer level's first and row by row, what `Head` says; sides are in pixels."""
        levels = Pyramid(2 * self.width, name="pyramid")(Backbone(self.width, name="backbone")(images, train=train))
        classes, boxes = (Tower(2 * self.width, name=f"{of}_tower")(levels) for of in ("class", "box"))
        return Head(self.num_classes, name=self.head)(classes, boxes)


def joined(levels: Levels) -> Float[Array, "n a d"]:
    """Puts the points of all levels in one row."""
    return jnp.concatenate([level.reshape(len(level), -1, level.shape[-1]) for level in levels], axis=1)
