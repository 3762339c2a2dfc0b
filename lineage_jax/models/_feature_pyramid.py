"""ResNet-50 with a feature pyramid: what detection networks look for boxes in, with torchvision's names."""

import functools
from collections.abc import Sequence

import flax.linen as nn
import numpy as np
from jaxtyping import Array, Float

from lineage_jax.models._layers import batch_norm, convolution
from lineage_jax.models._resnet50_body import ResNet50Body

WIDTH = 256
"""Channels of every level."""

TAPS = (
    *(f"backbone/body/layer{number}" for number in range(1, 5)),
    *(f"backbone/fpn/layer_blocks_{level}" for level in range(3)),
    "backbone/fpn/p6",
    "backbone/fpn/p7",
)
"""Feature layers of a network whose `backbone` is a `PyramidBackbone`: what the stages and the levels give."""


class FeaturePyramid(nn.Module):
    """Levels of one width, each the sum of a stage (`inner_blocks_*`) and the level above, through `layer_blocks_*`.

    Two more levels, `p6` and `p7`, halve the last one.

    References:
        Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017.
    """

    @nn.compact
    def __call__(self, stages: Sequence[Float[Array, "n _ _ _"]]) -> tuple[Float[Array, "n _ _ d"], ...]:
        """Returns the levels from the largest to the smallest."""
        laterals = [convolution(WIDTH, 1, bias=True, name=f"inner_blocks_{i}")(x) for i, x in enumerate(stages)]
        sums = laterals[-1:]
        for lateral in reversed(laterals[:-1]):
            sums.insert(0, lateral + repeat(sums[0], lateral.shape[1:3]))
        levels = [convolution(WIDTH, 3, bias=True, name=f"layer_blocks_{i}")(x) for i, x in enumerate(sums)]
        p6 = convolution(WIDTH, 3, stride=2, bias=True, name="p6")(levels[-1])
        p7 = convolution(WIDTH, 3, stride=2, bias=True, name="p7")(nn.relu(p6))
        return (*levels, p6, p7)


class PyramidBackbone(nn.Module):
    """A ResNet-50 `body`, whose last three stages a pyramid `fpn` reads.

    The normalisations are frozen: in training, too, they use the statistics they have.

    Attributes:
        epsilon: of the normalisations.
    """

    epsilon: float

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"]) -> tuple[Float[Array, "n _ _ d"], ...]:
        """Returns five levels from the largest to the smallest."""
        norm = functools.partial(batch_norm, epsilon=self.epsilon)
        _, *stages = ResNet50Body(norm=norm, name="body")(images, train=False)
        return FeaturePyramid(name="fpn")(stages)


def repeat(x: Float[Array, "n h w d"], size: Sequence[int]) -> Float[Array, "n h2 w2 d"]:
    """Enlarges by repeating pixels, the one at or before each place, as PyTorch's "nearest" does."""
    rows, columns = (np.arange(new) * old // new for old, new in zip(x.shape[1:3], size, strict=True))
    return x[:, rows][:, :, columns]
