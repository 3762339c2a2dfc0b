"""Vision transformers, with timm's names; torchvision's and DeiT's compute the same."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._layers import MLP, Sequential, check_images, check_sizes, layer_norm


class PatchEmbed(nn.Module):
    """Turns each square of `patch` x `patch` pixels into a token by the convolution `proj`.

    Attributes:
        patch: side of the squares; rows and columns left over at the far border are not seen.
        width: numbers a token.
    """

    patch: int
    width: int

    @nn.compact
    def __call__(self, images: Float[Array, "n h w c"]) -> Float[Array, "n t d"]:
        size = (self.patch, self.patch)
        x = nn.Conv(self.width, size, strides=size, padding="VALID", name="proj")(images)
        return x.reshape(len(x), -1, self.width)


class Attention(nn.Module):
    """Self-attention: queries, keys and values from one dense layer `qkv`, the heads brought together by `proj`.

    Attributes:
        heads: number of heads; each sees an equal share of the numbers of a token.
    """

    heads: int

    @nn.compact
    def __call__(self, x: Float[Array, "n t d"]) -> Float[Array, "n t d"]:
        n, t, d = x.shape
        qkv = nn.Dense(3 * d, name="qkv")(x).reshape(n, t, 3, self.heads, d // self.heads)
        x = jax.nn.dot_product_attention(qkv[:, :, 0], qkv[:, :, 1], qkv[:, :, 2])
        return nn.Dense(d, name="proj")(x.reshape(n, t, d))


class Block(nn.Module):
    """Attention, then a network a token, each after a normalisation and around a shortcut.

    Attributes:
        heads: number of heads of the attention.
    """

    heads: int

    @nn.compact
    def __call__(self, x: Float[Array, "n t d"]) -> Float[Array, "n t d"]:
        x = x + Attention(self.heads, name="attn")(layer_norm(name="norm1")(x))
        return x + MLP(name="mlp")(layer_norm(name="norm2")(x))


class ClassToken(nn.Module):
    """Takes the first token, which stands for the whole image."""

    @nn.compact
    def __call__(self, x: Float[Array, "n t d"]) -> Float[Array, "n d"]:
        return x[:, 0]


class ViT(nn.Module):
    """`patch_embed`, the class token and position embedding, `blocks/0`, `blocks/1`, ..., `norm`, `pool`, `head`.

    The position embedding has a row a token, so variables are of one image size; `converters.resample_positions` brings
    them to another. Dropout and stochastic depth, with which some weights were trained, are left out.

    Attributes:
        num_classes: number of logits.
        patch: see `PatchEmbed`.
        width: numbers a token.
        depth: number of blocks.
        heads: number of heads of every attention.
    """

    num_classes: int
    patch: int
    width: int
    depth: int
    heads: int

    @property
    def taps(self) -> tuple[str, ...]:
        """Feature layers from input to output; the last one feeds the head."""
        return ("patch_embed", *(f"blocks/{index}" for index in range(self.depth)), "norm", "pool")

    @property
    def head(self) -> str:
        """Name of the final dense layer."""
        return "head"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> Float[Array, "n c"]:
        """Returns the logits; `train` changes nothing, since no layer behaves differently then."""
        check_images(images, smallest=self.patch)
        x = PatchEmbed(self.patch, self.width, name="patch_embed")(images)
        cls_token = self.param("cls_token", nn.initializers.zeros, (1, 1, self.width))
        x = jnp.concatenate([jnp.broadcast_to(cls_token, (len(x), 1, self.width)), x], axis=1)
        x = x + self.param("pos_embed", nn.initializers.truncated_normal(0.02), (1, *x.shape[1:]))
        x = Sequential((functools.partial(Block, self.heads),) * self.depth, name="blocks")(x)
        x = layer_norm(name="norm")(x)
        x = ClassToken(name="pool")(x)
        return nn.Dense(self.num_classes, name=self.head)(x)


def vit_tiny_patch16(num_classes: int = 1000) -> ViT:
    """Returns ViT-Ti/16: 12 blocks of width 192; DeiT-Ti is the same network.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale", ICLR 2021.
        Touvron et al., "Training data-efficient image transformers & distillation through attention", ICML 2021.

    Examples:
        >>> network = vit_tiny_patch16(num_classes=10)
        >>> network.taps[:2], network.taps[-1], network.head
        (('patch_embed', 'blocks/0'), 'pool', 'head')
    """
    return _vit(num_classes, patch=16, width=192, depth=12, heads=3)


def vit_small_patch16(num_classes: int = 1000) -> ViT:
    """Returns ViT-S/16: 12 blocks of width 384; DeiT-S is the same network; see `vit_tiny_patch16`."""
    return _vit(num_classes, patch=16, width=384, depth=12, heads=6)


def vit_small_patch32(num_classes: int = 1000) -> ViT:
    """Returns ViT-S/32: 12 blocks of width 384; see `vit_tiny_patch16`."""
    return _vit(num_classes, patch=32, width=384, depth=12, heads=6)


def vit_base_patch16(num_classes: int = 1000) -> ViT:
    """Returns ViT-B/16: 12 blocks of width 768; DeiT-B is the same network; see `vit_tiny_patch16`."""
    return _vit(num_classes, patch=16, width=768, depth=12, heads=12)


def vit_base_patch32(num_classes: int = 1000) -> ViT:
    """Returns ViT-B/32: 12 blocks of width 768; see `vit_tiny_patch16`."""
    return _vit(num_classes, patch=32, width=768, depth=12, heads=12)


def vit_large_patch16(num_classes: int = 1000) -> ViT:
    """Returns ViT-L/16: 24 blocks of width 1024; see `vit_tiny_patch16`."""
    return _vit(num_classes, patch=16, width=1024, depth=24, heads=16)


def vit_large_patch32(num_classes: int = 1000) -> ViT:
    """Returns ViT-L/32: 24 blocks of width 1024; see `vit_tiny_patch16`."""
    return _vit(num_classes, patch=32, width=1024, depth=24, heads=16)


def _vit(num_classes: int, *, patch: int, width: int, depth: int, heads: int) -> ViT:
    check_sizes(num_classes, (width,))
    return ViT(num_classes=num_classes, patch=patch, width=width, depth=depth, heads=heads)
