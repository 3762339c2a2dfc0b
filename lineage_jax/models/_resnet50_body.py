"""ResNet-50 without its head, as segmentation and detection networks stand on it."""

import functools
import itertools
from collections.abc import Callable

import flax.linen as nn
from jaxtyping import Array, Float

from lineage_jax.models._layers import Sequential, batch_norm
from lineage_jax.models._residual import Bottleneck
from lineage_jax.models._resnet import EXPANSION, WIDTHS, stem

DEPTHS = (3, 4, 6, 3)
STAGES = ("layer1", "layer2", "layer3", "layer4")


class ResNet50Body(nn.Module):
    """`conv1`, `bn1`, `relu`, `maxpool` and the stages `layer1` to `layer4`.

    Attributes:
        dilations: of each stage; a stage whose dilation is larger than that of the one before does not halve the image.
        norm: makes the normalisations.
    """

    dilations: tuple[int, ...] = (1, 1, 1, 1)
    norm: Callable[..., nn.Module] = batch_norm

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"], *, train: bool) -> tuple[Float[Array, "n _ _ _"], ...]:
        """Returns the output of every stage."""
        x = stem(images, norm=self.norm, train=train)
        outputs = []
        pairs = itertools.pairwise((1, *self.dilations))
        for name, width, depth, (before, dilation) in zip(STAGES, WIDTHS, DEPTHS, pairs, strict=True):
            block = functools.partial(Bottleneck, width=width * EXPANSION, inner=width, norm=self.norm)
            stride = 1 if name == STAGES[0] or dilation > before else 2
            first = functools.partial(block, stride=stride, dilation=before)  # sees what the last stage prepared
            rest = functools.partial(block, stride=1, dilation=dilation)
            x = Sequential((first, *[rest] * (depth - 1)), name=name)(x, train=train)
            outputs.append(x)
        return tuple(outputs)
