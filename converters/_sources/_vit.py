"""Vision transformers: one network, named by timm and by torchvision."""

import math
from collections.abc import Callable

from converters._entry import Entry, Image, Shapes, classes

TORCHVISION = (
    (r"^class_token$", "cls_token"),
    (r"^encoder\.pos_embedding$", "pos_embed"),
    (r"^conv_proj\.", "patch_embed.proj."),
    (r"^encoder\.layers\.encoder_layer_", "blocks."),
    (r"\.ln_(\d)\.", r".norm\1."),
    (r"\.self_attention\.in_proj_", ".attn.qkv."),
    (r"\.self_attention\.out_proj\.", ".attn.proj."),
    (r"\.mlp\.(0|linear_1)\.", ".mlp.fc1."),  # the second of each pair stands in torchvision's own files
    (r"\.mlp\.(3|linear_2)\.", ".mlp.fc2."),
    (r"^encoder\.ln\.", "norm."),
    (r"^heads\.head\.", "head."),
)


def image(patch: int, positions: str) -> Callable[[Shapes], Image]:
    """Reads the image off the position embedding: a row for the class, and one for each patch of a square.

    Examples:
        >>> image(16, "pos_embed")({"pos_embed": (1, 197, 192)})
        (224, 224, 3)
    """

    def read(shapes: Shapes) -> Image:
        side = patch * math.isqrt(shapes[positions][1] - 1)
        return (side, side, 3)

    return read


def timm(name: str, architecture: str, patch: int) -> Entry:
    """Makes the entry of a network with timm's names."""
    return Entry(
        name=f"timm/{name}", architecture=architecture, sizes=classes("head.weight"), image=image(patch, "pos_embed")
    )


def torchvision(name: str, architecture: str, patch: int) -> Entry:
    """Makes the entry of a network with torchvision's names."""
    return Entry(
        name=f"torchvision/{name}",
        architecture=architecture,
        renames=TORCHVISION,
        sizes=classes("heads.head.weight"),
        image=image(patch, "encoder.pos_embedding"),
    )


ENTRIES = (
    timm("vit_tiny_patch16_224", "vit_tiny_patch16", 16),
    timm("vit_small_patch16_224", "vit_small_patch16", 16),
    timm("vit_small_patch32_224", "vit_small_patch32", 32),
    timm("vit_base_patch16_224", "vit_base_patch16", 16),
    timm("vit_base_patch32_224", "vit_base_patch32", 32),
    timm("vit_large_patch16_224", "vit_large_patch16", 16),
    timm("vit_large_patch32_224", "vit_large_patch32", 32),
    timm("deit_tiny_patch16_224", "vit_tiny_patch16", 16),
    timm("deit_small_patch16_224", "vit_small_patch16", 16),
    timm("deit_base_patch16_224", "vit_base_patch16", 16),
    torchvision("vit_b_16", "vit_base_patch16", 16),
    torchvision("vit_b_32", "vit_base_patch32", 32),
    torchvision("vit_l_16", "vit_large_patch16", 16),
    torchvision("vit_l_32", "vit_large_patch32", 32),
)
