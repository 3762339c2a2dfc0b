"""Small convolutional networks with published weights."""

from converters import _layouts
from converters._entry import Entry, Image, classes

SEQUENTIAL = ((r"^0\.", "conv1."), (r"^2\.", "conv2."), (r"^5\.", "fc1."), (r"^7\.", "fc2."))


def convex_adversarial(data: str, input_shape: Image) -> Entry:
    """Makes the entry of the network for images of one size; two convolutions halve the image."""
    h, w, _ = input_shape
    return Entry(
        name=f"convex_adversarial/{data}",
        architecture="convex_adversarial_convnet",
        renames=SEQUENTIAL,
        layouts=((r"5\.weight", _layouts.flattened(32, h // 4, w // 4)),),
        sizes=classes("7.weight"),
        input_shape=input_shape,
    )


ENTRIES = (
    Entry(
        name="outlier_exposure/mnist",
        architecture="outlier_exposure_convnet",
        layouts=((r"fc1\.weight", _layouts.flattened(20, 4, 4)),),
        sizes=classes("fc2.weight"),
        input_shape=(28, 28, 1),
    ),
    convex_adversarial("mnist", (28, 28, 1)),
    convex_adversarial("svhn", (32, 32, 3)),
)
