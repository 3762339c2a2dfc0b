"""The digits, .npz files and IDX files."""

import gzip

import numpy as np
import pytest

from lineage_jax import data

PIXELS = np.random.default_rng(0).integers(0, 256, size=(6, 3, 4), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 2, 1, 0], np.uint8)


def idx_bytes(array, *, code=0x08):
    dims = np.array(array.shape, ">u4").tobytes()
    return bytes([0, 0, code, array.ndim]) + dims + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def idx_files(tmp_path):
    images, labels = tmp_path / "images-idx3-ubyte", tmp_path / "labels-idx1-ubyte"
    images.write_bytes(idx_bytes(PIXELS))
    labels.write_bytes(idx_bytes(LABELS))
    return images, labels


def save_npz(path, **changes):
    arrays = {"x_train": PIXELS[:4], "y_train": LABELS[:4], "x_test": PIXELS[4:], "y_test": LABELS[4:]}
    np.savez(path, **{key: array for key, array in (arrays | changes).items() if array is not None})
    return path


def test_digits_are_split_in_order_and_standardised_by_the_training_images():
    from sklearn.datasets import load_digits

    train, test = data.digits()
    assert train.images.shape == (1500, 8, 8, 1)
    assert test.images.shape == (297, 8, 8, 1)
    assert train.num_classes == test.num_classes == 10
    raw = load_digits()
    np.testing.assert_array_equal(np.concatenate([train.labels, test.labels]), raw.target)
    expected = (raw.images - raw.images[:1500].mean()) / raw.images[:1500].std()
    # one float32 subtraction and division of numbers of order one
    np.testing.assert_allclose(np.concatenate([train.images, test.images])[..., 0], expected, atol=1e-6)


def test_digits_are_the_same_every_time():
    (first, _), (second, _) = data.digits(), data.digits()
    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.labels, second.labels)


@pytest.mark.data
@pytest.mark.parametrize(("name", "mean", "std"), [("mnist", 0.1307, 0.3081), ("fashion_mnist", 0.2860, 0.3530)])
def test_real_sets_have_their_known_mean_and_deviation(name, mean, std, data_folder):
    train, test = data.npz(data_folder / "images" / f"{name}.npz")
    assert train.images.shape == (60_000, 28, 28, 1)
    assert test.images.shape == (10_000, 28, 28, 1)
    assert train.num_classes == test.num_classes == 10
    # pixels run from 0 to 1, so the standardised extremes are -mean/std and (1 - mean)/std; four published digits
    span = train.images.max() - train.images.min()
    np.testing.assert_allclose(1 / span, std, atol=5e-5)
    np.testing.assert_allclose(-train.images.min() / span, mean, atol=5e-5)


def test_npz_standardises_both_sets_by_the_training_images(tmp_path):
    train, test = data.npz(save_npz(tmp_path / "set.npz"))
    mean, std = (PIXELS[:4] / 255).mean(), (PIXELS[:4] / 255).std()
    # one float32 subtraction and division of numbers of order one
    np.testing.assert_allclose(train.images[..., 0], (PIXELS[:4] / 255 - mean) / std, atol=1e-6)
    np.testing.assert_allclose(test.images[..., 0], (PIXELS[4:] / 255 - mean) / std, atol=1e-6)
    assert train.num_classes == test.num_classes == 3
    assert train.images.dtype == np.float32


def test_npz_takes_colour_images_of_floats_and_a_column_of_labels(tmp_path):
    colour = np.random.default_rng(0).normal(size=(4, 5, 5, 3))
    path = save_npz(tmp_path / "set.npz", x_train=colour, x_test=colour[:2], y_train=LABELS[:4, None].astype(np.int64))
    train, test = data.npz(path)
    assert train.images.shape == (4, 5, 5, 3)
    np.testing.assert_array_equal(train.labels, LABELS[:4])
    # float32 mean of 300 numbers
    np.testing.assert_allclose([train.images.mean(), train.images.std()], [0.0, 1.0], atol=1e-5)
    np.testing.assert_array_equal(test.images, train.images[:2])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_test": None}, r"expected the key y_test in .*set.npz, got x_train, y_train, x_test"),
        ({"x_test": PIXELS[4:, :2]}, r"expected test images like those for training \(3, 4, 1\), got \(2, 4, 1\)"),
        ({"y_train": LABELS[:3]}, r"expected one label an image, got \(3,\) for 4 images"),
        ({"y_train": np.eye(4)}, r"expected one integer label an image, got float64 of shape \(4, 4\)"),
        (
            {"x_train": PIXELS[:4, 0]},
            r"expected at least one image as \[n, h, w\] or \[n, h, w, c\], got shape \(4, 4\)",
        ),
        ({"x_train": PIXELS[:0], "y_train": LABELS[:0]}, r"expected at least one image .* got shape \(0, 3, 4\)"),
        ({"x_train": PIXELS[:4].astype(np.int64)}, "expected uint8 or floats, got int64"),
        ({"x_train": np.zeros((4, 3, 4), np.uint8)}, "expected images that differ somewhere, got 0.0 in every pixel"),
        ({"x_train": np.full((4, 3, 4), np.inf)}, r"got 48 NaN or infinite, the first at \(0, 0, 0, 0\)"),
        ({"y_train": np.array([0, 1, 2, -1])}, "expected labels from 0 to 2, got -1 to 2"),
    ],
)
def test_npz_refuses_what_is_no_pair_of_image_sets(changes, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        data.npz(save_npz(tmp_path / "set.npz", **changes))


def test_idx_standardises_by_its_own_pixels(idx_files):
    images = data.idx(*idx_files)
    assert images.images.shape == (6, 3, 4, 1)
    np.testing.assert_array_equal(images.labels, LABELS)
    assert images.num_classes == 3
    expected = (PIXELS / 255 - (PIXELS / 255).mean()) / (PIXELS / 255).std()
    # one float32 subtraction and division of numbers of order one
    np.testing.assert_allclose(images.images[..., 0], expected, atol=1e-6)


def test_gzipped_idx_files_read_the_same(idx_files, tmp_path):
    zipped = []
    for path in idx_files:
        zipped.append(tmp_path / f"{path.name}.gz")
        zipped[-1].write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(data.idx(*zipped).images, data.idx(*idx_files).images)


def test_idx_numbers_are_big_endian(idx_files):
    images, labels = idx_files
    labels.write_bytes(idx_bytes(LABELS.astype(np.int32), code=0x0C))
    images.write_bytes(idx_bytes(PIXELS.astype(np.float32), code=0x0D))
    read = data.idx(images, labels)
    np.testing.assert_array_equal(read.labels, LABELS)
    # scale does not matter once standardised; float32
    np.testing.assert_allclose(read.images[..., 0], (PIXELS - PIXELS.mean()) / PIXELS.std(), atol=1e-5)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[:-1], r"is truncated: shape \(6, 3, 4\) of uint8 needs 72 bytes, it has 71"),
        (lambda content: content + b"\0", r"is too long: shape \(6, 3, 4\) of uint8 needs 72 bytes, it has 73"),
        (lambda content: content[:10], "is truncated: its header needs 16 bytes, the file has 10"),
        (lambda content: b"\1" + content[1:], "is no IDX file: it starts with the bytes 01 00 08 03"),
        (lambda content: content[:2] + b"\7" + content[3:], "is no IDX file: it starts with the bytes 00 00 07 03"),
        (lambda content: b"", r"is no IDX file: it starts with the bytes \(none\)"),
        (lambda content: gzip.compress(content)[:-9], "is truncated or damaged: its gzip stream does not unpack"),
        (lambda content: b"\x1f\x8bgarbage", "is truncated or damaged: its gzip stream does not unpack"),
        (lambda content: idx_bytes(PIXELS[:5]), "expected one label an image, got 5 images in .* and 6 labels in"),
        (lambda content: idx_bytes(PIXELS[:0]), r"expected at least one image .* got shape \(0, 3, 4\)"),
        (lambda content: idx_bytes(LABELS), r"expected at least one image .* got shape \(6,\)"),
    ],
)
def test_malformed_idx_files_are_refused(damage, message, idx_files):
    images, labels = idx_files
    images.write_bytes(damage(images.read_bytes()))
    with pytest.raises(ValueError, match=message):
        data.idx(images, labels)


def test_a_missing_file_is_named(tmp_path, idx_files):
    with pytest.raises(
        FileNotFoundError, match=r"expected an IDX file at .*none.gz, found no such file: check the path"
    ):
        data.idx(tmp_path / "none.gz", idx_files[1])
    with pytest.raises(FileNotFoundError, match=r"expected an .npy or .npz file at .*none.npz, found no such file"):
        data.npz(tmp_path / "none.npz")
