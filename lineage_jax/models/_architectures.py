"""Networks by name, for checkpoints on disk that say which architecture they hold."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Key

from lineage_jax.models._alexnet import alexnet
from lineage_jax.models._cifar_resnet import cifar_resnet20, cifar_resnet32, cifar_resnet44, cifar_resnet56
from lineage_jax.models._convnet import convnet
from lineage_jax.models._convnext import convnext_tiny
from lineage_jax.models._densenet import densenet121
from lineage_jax.models._efficientnet import efficientnet_b0
from lineage_jax.models._fc import fc
from lineage_jax.models._lraspp import lraspp_mobilenet_v3_large
from lineage_jax.models._mobilenet_v2 import mobilenet_v2
from lineage_jax.models._mobilenet_v3 import mobilenet_v3_large, mobilenet_v3_small
from lineage_jax.models._object_detection import fcos_resnet50_fpn, retinanet_resnet50_fpn
from lineage_jax.models._resnet import resnet18, resnet34, resnet50, resnet101, resnext50_32x4d, wide_resnet50_2
from lineage_jax.models._segmentation import deeplabv3_resnet50, fcn_resnet50
from lineage_jax.models._small_convnets import convex_adversarial_convnet, outlier_exposure_convnet
from lineage_jax.models._ssdlite import ssdlite320_mobilenet_v3_large
from lineage_jax.models._unet import unet
from lineage_jax.models._vgg import vgg11, vgg11_bn, vgg16, vgg16_bn
from lineage_jax.models._vit import (
    vit_base_patch16,
    vit_base_patch32,
    vit_large_patch16,
    vit_large_patch32,
    vit_small_patch16,
    vit_small_patch32,
    vit_tiny_patch16,
)
from lineage_jax.models._wide_resnet import cifar_wide_resnet16_1, cifar_wide_resnet40_2
from lineage_jax.typing import Params

ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "fc": fc,
    "convnet": convnet,
    "cifar_resnet20": cifar_resnet20,
    "cifar_resnet32": cifar_resnet32,
    "cifar_resnet44": cifar_resnet44,
    "cifar_resnet56": cifar_resnet56,
    "cifar_wide_resnet16_1": cifar_wide_resnet16_1,
    "cifar_wide_resnet40_2": cifar_wide_resnet40_2,
    "resnet18": resnet18,
    "resnet34": resnet34,
    "resnet50": resnet50,
    "resnet101": resnet101,
    "wide_resnet50_2": wide_resnet50_2,
    "resnext50_32x4d": resnext50_32x4d,
    "vgg11": vgg11,
    "vgg11_bn": vgg11_bn,
    "vgg16": vgg16,
    "vgg16_bn": vgg16_bn,
    "alexnet": alexnet,
    "densenet121": densenet121,
    "efficientnet_b0": efficientnet_b0,
    "mobilenet_v2": mobilenet_v2,
    "mobilenet_v3_large": mobilenet_v3_large,
    "mobilenet_v3_small": mobilenet_v3_small,
    "convnext_tiny": convnext_tiny,
    "outlier_exposure_convnet": outlier_exposure_convnet,
    "convex_adversarial_convnet": convex_adversarial_convnet,
    "vit_tiny_patch16": vit_tiny_patch16,
    "vit_small_patch16": vit_small_patch16,
    "vit_small_patch32": vit_small_patch32,
    "vit_base_patch16": vit_base_patch16,
    "vit_base_patch32": vit_base_patch32,
    "vit_large_patch16": vit_large_patch16,
    "vit_large_patch32": vit_large_patch32,
    "unet": unet,
    "fcn_resnet50": fcn_resnet50,
    "deeplabv3_resnet50": deeplabv3_resnet50,
    "retinanet_resnet50_fpn": retinanet_resnet50_fpn,
    "fcos_resnet50_fpn": fcos_resnet50_fpn,
    "lraspp_mobilenet_v3_large": lraspp_mobilenet_v3_large,
    "ssdlite320_mobilenet_v3_large": ssdlite320_mobilenet_v3_large,
}
"""Every architecture by the name of its function."""


def build(architecture: str, **settings: Any) -> nn.Module:
    """Returns the network that a name and its settings describe.

    Args:
        architecture: a key of `ARCHITECTURES`.
        **settings: keyword arguments of that function.

    Raises:
        ValueError: If the architecture or one of its settings does not exist, or a size is not positive.

    Examples:
        >>> build("fc", num_classes=5, widths=[8, 4])
        FC(
            # attributes
            num_classes = 5
            widths = (8, 4)
        )
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(f"expected an architecture among {', '.join(ARCHITECTURES)}, got {architecture!r}")
    constructor = ARCHITECTURES[architecture]
    known = inspect.signature(constructor).parameters
    unknown = settings.keys() - known.keys()
    if unknown:
        raise ValueError(
            f"expected settings of {architecture} among {', '.join(known)}, got {', '.join(sorted(unknown))}"
        )
    return constructor(**settings)


def init(network: nn.Module, key: Key[Array, ""], input_shape: Sequence[int]) -> Params:
    """Returns fresh variables of a network: `{"params": ...}`, with `"batch_stats"` where it normalises batches.

    Args:
        network: any network of this package.
        key: source of the random weights.
        input_shape: one image, `(h, w, c)`.

    Raises:
        ValueError: If `input_shape` is not three positive sizes, or smaller than the network's smallest image.

    Examples:
        >>> import jax
        >>> variables = init(fc(), jax.random.key(0), (28, 28, 1))
        >>> variables["params"]["fc1"]["kernel"].shape
        (784, 1024)
    """
    if len(input_shape) != 3 or min(input_shape) < 1:
        raise ValueError(f"expected input_shape as three positive sizes (h, w, c), got {input_shape}")
    return network.init(key, jnp.zeros((1, *input_shape)))
