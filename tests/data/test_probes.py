"""Probes from files."""

import gzip
import pickle
import zipfile

import numpy as np
import pytest

from lineage_jax import data

FLOATS = np.random.default_rng(0).normal(size=(5, 3, 2)).astype(np.float32)
PIXELS = np.random.default_rng(0).integers(0, 256, size=(5, 4, 3), dtype=np.uint8)


def save(path, array):
    np.save(path, array)
    return path


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_are_taken_as_they_are(dtype, tmp_path):
    loaded = data.load_probes(save(tmp_path / "probes.npy", FLOATS.astype(dtype)))
    np.testing.assert_array_equal(loaded, FLOATS.astype(dtype).astype(np.float32))
    assert loaded.dtype == np.float32


def test_pixels_are_standardised_and_given_a_channel(tmp_path):
    loaded = data.load_probes(save(tmp_path / "probes.npy", PIXELS))
    assert loaded.shape == (5, 4, 3, 1)
    # one float32 subtraction and division of numbers of order one
    np.testing.assert_allclose(loaded[..., 0], (PIXELS / 255 - (PIXELS / 255).mean()) / (PIXELS / 255).std(), atol=1e-6)


def test_pixels_in_colour_keep_their_shape(tmp_path):
    assert data.load_probes(save(tmp_path / "probes.npy", PIXELS[..., None].repeat(3, axis=-1))).shape == (5, 4, 3, 3)


@pytest.mark.parametrize(
    "arrays",
    [
        {"anything": FLOATS},
        {"probes": FLOATS, "labels": np.arange(5)},
        {"images": FLOATS, "labels": np.arange(5)},
        {"x": FLOATS, "y": np.arange(5)},
        {"x_train": FLOATS + 1, "x_test": FLOATS},
    ],
)
def test_an_archive_holds_one_array_or_a_known_name(arrays, tmp_path):
    np.savez(tmp_path / "probes.npz", **arrays)
    np.testing.assert_array_equal(data.load_probes(tmp_path / "probes.npz"), FLOATS)


def test_an_archive_without_a_known_name_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "probes.npz", a=FLOATS, b=FLOATS)
    with pytest.raises(
        ValueError, match=r"one array or one of the keys probes, images, x, x_test in .*, got \['a', 'b'\]"
    ):
        data.load_probes(tmp_path / "probes.npz")


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_idx_files_are_known_by_their_content(compress, tmp_path):
    content = bytes([0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 4, 0, 0, 0, 3]) + PIXELS.tobytes()
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(compress(content))
    expected = data.load_probes(save(tmp_path / "probes.npy", PIXELS))
    np.testing.assert_array_equal(data.load_probes(tmp_path / "t10k-images-idx3-ubyte"), expected)


@pytest.mark.data
def test_the_test_images_of_a_real_set_serve_as_probes(data_folder):
    probes = data.load_probes(data_folder / "images" / "mnist.npz")
    assert probes.shape == (10_000, 28, 28, 1)
    # float32 moments of eight million numbers
    np.testing.assert_allclose([probes.mean(), probes.std()], [0.0, 1.0], atol=1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_counted_and_placed(value, tmp_path):
    broken = FLOATS.copy()
    broken[2, 1, 0] = broken[4, 0, 0] = value
    message = r"expected finite numbers in the probes of .*probes.npy, got 2 NaN or infinite, the first at \(2, 1, 0\)"
    with pytest.raises(ValueError, match=message):
        data.load_probes(save(tmp_path / "probes.npy", broken))


def test_numbers_too_large_for_float32_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"got 1 NaN or infinite, the first at \(0,\)"):
        data.load_probes(save(tmp_path / "probes.npy", np.array([1e300])))


@pytest.mark.parametrize("shape", [(0, 4, 4), (3, 0), ()])
def test_no_probes_are_refused(shape, tmp_path):
    with pytest.raises(ValueError, match=r"expected at least one probe in .*probes.npy, got an array of shape \("):
        data.load_probes(save(tmp_path / "probes.npy", np.zeros(shape, np.float32)))


@pytest.mark.parametrize("dtype", [np.int64, np.bool_, np.complex64])
def test_other_dtypes_are_refused(dtype, tmp_path):
    with pytest.raises(ValueError, match=f"expected uint8 or floats, got {np.dtype(dtype)}: save the array as one"):
        data.load_probes(save(tmp_path / "probes.npy", np.ones((2, 2), dtype)))


def test_probes_of_one_grey_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"expected images that differ somewhere, got 1.0 in every pixel"):
        data.load_probes(save(tmp_path / "probes.npy", np.full((2, 2, 2), 255, np.uint8)))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"expected a file of probes at .*none.npy, found no such file: check"):
        data.load_probes(tmp_path / "none.npy")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a file of probes at"):
        data.load_probes(tmp_path)


def test_objects_are_never_unpickled(tmp_path):
    np.save(tmp_path / "probes.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"probes.npy cannot be read as .npy or .npz without pickles: Object arrays"):
        data.load_probes(tmp_path / "probes.npy")
    (tmp_path / "probes.pkl").write_bytes(pickle.dumps(FLOATS))
    with pytest.raises(ValueError, match=r"expected probes as .npy, .npz or IDX, got .*probes.pkl that starts with"):
        data.load_probes(tmp_path / "probes.pkl")


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_truncated_files_are_refused(suffix, tmp_path):
    path = tmp_path / f"probes.{suffix}"
    np.save(path, FLOATS) if suffix == "npy" else np.savez(path, FLOATS)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=f"probes.{suffix} cannot be read as .npy or .npz without pickles"):
        data.load_probes(path)


def test_an_archive_of_something_else_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "weights.pt", "w") as archive:
        archive.writestr("archive/data.pkl", b"no array")
    with pytest.raises(ValueError, match=r"weights.pt is no .npz file: its entry archive/data.pkl is no array"):
        data.load_probes(tmp_path / "weights.pt")
