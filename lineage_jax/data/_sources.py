"""Where labelled images come from: scikit-learn's digits, Keras-style .npz files, IDX files."""

from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int32, Shaped

from lineage_jax.data._files import read_idx, read_npz
from lineage_jax.data._images import Images
from lineage_jax.data._pixels import moments, standardise, to_images

DIGITS_FOR_TRAINING = 1500
"""Of the 1,797 digits; the last 297 are the test set, so that no random number decides the split."""


def digits() -> tuple[Images, Images]:
    """Returns scikit-learn's embedded 8x8 digits: 1,500 for training, 297 for testing.

    Both are standardised by the mean and deviation of the training images.

    Raises:
        ImportError: If scikit-learn is not installed.

    References:
        Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998.

    Examples:
        >>> train, test = digits()
        >>> train.images.shape, test.images.shape
        ((1500, 8, 8, 1), (297, 8, 8, 1))
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError("the digits come with scikit-learn: pip install 'lineage-jax[experiments]'") from error
    pixels, labels = load_digits(return_X_y=True)
    images, labels = to_images(pixels.reshape(-1, 8, 8)), _to_labels(labels)
    cut = DIGITS_FOR_TRAINING
    return _train_and_test(images[:cut], labels[:cut], images[cut:], labels[cut:])


def npz(path: str | Path) -> tuple[Images, Images]:
    """Reads a training and a test set from a file with Keras' keys `x_train`, `y_train`, `x_test`, `y_test`.

    Pixels of uint8 are divided by 255; then both sets are standardised by the mean and deviation of the training
    images, taken over all pixels and channels.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is malformed or needs unpickling, a key is missing, an array is no set of images or
            labels, a pixel is not finite or all training pixels are the same, or the two sets do not fit together.
    """
    arrays = read_npz(path)
    missing = [key for key in ("x_train", "y_train", "x_test", "y_test") if key not in arrays]
    if missing:
        raise ValueError(f"expected the key {missing[0]} in {path}, got {', '.join(arrays) or 'no array'}")
    train, test = to_images(arrays["x_train"]), to_images(arrays["x_test"])
    return _train_and_test(train, _to_labels(arrays["y_train"]), test, _to_labels(arrays["y_test"]))


def idx(images_path: str | Path, labels_path: str | Path) -> Images:
    """Reads one image set from two IDX files, gzipped or not.

    The images are standardised by their own mean and deviation.

    Raises:
        FileNotFoundError: If one of the files is missing.
        ValueError: If a file is malformed, there are not as many labels as images, labels are no whole numbers from 0,
            or all pixels are the same.
    """
    images, labels = to_images(read_idx(images_path)), _to_labels(read_idx(labels_path))
    if len(images) != len(labels):
        found = f"{len(images)} images in {images_path} and {len(labels)} labels in {labels_path}"
        raise ValueError(f"expected one label an image, got {found}")
    mean, std = moments(images)
    return Images(
        images=standardise(images, mean=mean, std=std), labels=labels, num_classes=int(labels.max(initial=0)) + 1
    )


def _train_and_test(
    train: Float32[np.ndarray, "n h w c"],
    train_labels: Int32[np.ndarray, " m"],
    test: Float32[np.ndarray, "n2 h2 w2 c2"],
    test_labels: Int32[np.ndarray, " m2"],
) -> tuple[Images, Images]:
    if train.shape[1:] != test.shape[1:]:
        raise ValueError(f"expected test images like those for training {train.shape[1:]}, got {test.shape[1:]}")
    num_classes = int(max(train_labels.max(initial=0), test_labels.max(initial=0))) + 1
    mean, std = moments(train)
    first, second = (
        Images(images=standardise(images, mean=mean, std=std), labels=labels, num_classes=num_classes)
        for images, labels in ((train, train_labels), (test, test_labels))
    )
    return first, second


def _to_labels(labels: Shaped[np.ndarray, "..."]) -> Int32[np.ndarray, " n"]:
    """Returns labels as int32 `[n]`; Keras also writes them as a column `[n, 1]`."""
    if not np.issubdtype(labels.dtype, np.integer) or labels.ndim == 0 or labels.size != len(labels):
        raise ValueError(f"expected one integer label an image, got {labels.dtype} of shape {labels.shape}")
    return labels.reshape(-1).astype(np.int32)
