"""Two small convolutional networks whose trained weights were published, for images of digits and of clothes."""

import flax.linen as nn
from jaxtyping import Array, Float, Shaped

from lineage_jax.models._layers import Activation, MaxPool, ReLU, check_images, check_sizes


def quick_gelu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Multiplies by the logistic function of 1.702 times the input, which comes close to the GELU."""
    return x * nn.sigmoid(1.702 * x)


class OutlierExposureConvNet(nn.Module):
    """5x5 convolutions `conv1` and `conv2`, each pooled and then activated; the dense layer `fc1`; the head `fc2`.

    Dropout, with which the weights were trained, is left out.

    Attributes:
        num_classes: number of logits.
    """

    num_classes: int

    @property
    def taps(self) -> tuple[str, ...]:
        """Feature layers from input to output; the last one feeds the head."""
        return ("gelu1", "gelu2", "gelu3")

    @property
    def head(self) -> str:
        """Name of the final dense layer."""
        return "fc2"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> Float[Array, "n c"]:
        """Returns the logits; `train` changes nothing, since no layer behaves differently then."""
        check_images(images, smallest=16)
        x = images
        for number, width in ((1, 10), (2, 20)):
            x = nn.Conv(width, (5, 5), padding="VALID", name=f"conv{number}")(x)
            x = MaxPool(window=2, stride=2, name=f"pool{number}")(x)
            x = Activation(quick_gelu, name=f"gelu{number}")(x)
        x = nn.Dense(50, name="fc1")(x.reshape(len(x), -1))
        x = Activation(quick_gelu, name="gelu3")(x)
        return nn.Dense(self.num_classes, name=self.head)(x)


class ConvexAdversarialConvNet(nn.Module):
    """4x4 convolutions `conv1` and `conv2` that halve the image; the dense layer `fc1`; the head `fc2`.

    Attributes:
        num_classes: number of logits.
    """

    num_classes: int

    @property
    def taps(self) -> tuple[str, ...]:
        """Feature layers from input to output; the last one feeds the head."""
        return ("relu1", "relu2", "relu3")

    @property
    def head(self) -> str:
        """Name of the final dense layer."""
        return "fc2"

    @nn.compact
    def __call__(self, images: Shaped[Array, "..."], *, train: bool = False) -> Float[Array, "n c"]:
        """Returns the logits; `train` changes nothing, since no layer behaves differently then."""
        check_images(images, smallest=4)
        x = images
        for number, width in ((1, 16), (2, 32)):
            x = nn.Conv(width, (4, 4), strides=2, padding=1, name=f"conv{number}")(x)
            x = ReLU(name=f"relu{number}")(x)
        x = nn.Dense(100, name="fc1")(x.reshape(len(x), -1))
        x = ReLU(name="relu3")(x)
        return nn.Dense(self.num_classes, name=self.head)(x)


def outlier_exposure_convnet(num_classes: int = 10) -> OutlierExposureConvNet:
    """Returns the network for MNIST of outlier exposure; images need at least 16x16 pixels.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        Hendrycks, Mazeika and Dietterich, "Deep Anomaly Detection with Outlier Exposure", ICLR 2019; the layers are
        those of MNIST/models/convnet.py in github.com/hendrycks/outlier-exposure.

    Examples:
        >>> outlier_exposure_convnet().taps
        ('gelu1', 'gelu2', 'gelu3')
    """
    check_sizes(num_classes, (1,))
    return OutlierExposureConvNet(num_classes=num_classes)


def convex_adversarial_convnet(num_classes: int = 10) -> ConvexAdversarialConvNet:
    """Returns the small network of the convex outer adversarial polytope; images need at least 4x4 pixels.

    Raises:
        ValueError: If `num_classes` is not positive.

    References:
        Wong and Kolter, "Provable Defenses against Adversarial Examples via the Convex Outer Adversarial Polytope",
        ICML 2018; the layers are those of examples/problems.py in github.com/locuslab/convex_adversarial.

    Examples:
        >>> convex_adversarial_convnet().taps
        ('relu1', 'relu2', 'relu3')
    """
    check_sizes(num_classes, (1,))
    return ConvexAdversarialConvNet(num_classes=num_classes)
