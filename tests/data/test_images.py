"""The image set and its classes."""

import numpy as np
import pytest

from lineage_jax import data


def make(labels, *, num_classes=4, side=2):
    labels = np.asarray(labels, np.int32)
    pixels = np.arange(len(labels) * side * side, dtype=np.float32).reshape(-1, side, side, 1)
    return data.Images(images=pixels, labels=labels, num_classes=num_classes)


def test_selected_classes_are_relabelled_in_the_order_given():
    images = make([3, 0, 1, 3, 2, 0])
    chosen = data.select_classes(images, (3, 0))
    np.testing.assert_array_equal(chosen.labels, [0, 1, 0, 1])
    np.testing.assert_array_equal(chosen.images, images.images[[0, 1, 3, 5]])
    assert chosen.num_classes == 2
    assert chosen.labels.dtype == np.int32


def test_selecting_every_class_changes_nothing():
    images = make([2, 1, 0, 3])
    chosen = data.select_classes(images, range(4))
    np.testing.assert_array_equal(chosen.labels, images.labels)
    np.testing.assert_array_equal(chosen.images, images.images)


def test_a_class_without_images_is_refused():
    with pytest.raises(ValueError, match="class 2 has no image among 4 classes: name another"):
        data.select_classes(make([0, 1, 3]), (0, 2))


@pytest.mark.parametrize("classes", [(), (1, 1)])
def test_no_class_or_one_class_twice_is_refused(classes):
    with pytest.raises(ValueError, match="expected at least one class and none twice, got"):
        data.select_classes(make([0, 1]), classes)


def test_the_length_is_the_number_of_images():
    assert len(make([0, 1, 2])) == 3


@pytest.mark.parametrize("label", [-1, 4])
def test_a_label_out_of_range_is_refused(label):
    with pytest.raises(ValueError, match=r"expected labels from 0 to 3, got .*: relabel the classes"):
        make([0, label])


def test_a_pixel_that_is_not_finite_is_refused_with_its_place():
    pixels = np.zeros((2, 2, 2, 1), np.float32)
    pixels[1, 0, 1, 0] = np.nan
    with pytest.raises(ValueError, match=r"in the images, got 1 NaN or infinite, the first at \(1, 0, 1, 0\)"):
        data.Images(images=pixels, labels=np.zeros(2, np.int32), num_classes=1)


@pytest.mark.parametrize("shape", [(0, 2, 2, 1), (2, 2, 2)])
def test_arrays_that_hold_no_images_are_refused(shape):
    with pytest.raises(ValueError, match=r"expected at least one image as \[n, h, w, c\], got shape"):
        data.Images(images=np.zeros(shape, np.float32), labels=np.zeros(shape[0], np.int32), num_classes=1)


def test_another_number_of_labels_than_images_is_refused():
    with pytest.raises(ValueError, match=r"expected one label an image, got \(3,\) for 2 images"):
        data.Images(images=np.zeros((2, 2, 2, 1), np.float32), labels=np.zeros(3, np.int32), num_classes=1)


def test_targets_of_another_number_of_images_are_refused():
    pixels = np.zeros((3, 2, 2, 1), np.float32)
    with pytest.raises(ValueError, match=r"expected targets of 3 images in the first axis, got \(2,\)"):
        data.Annotated(images=pixels, targets={"boxes": np.zeros((2, 4))}, num_classes=1)
    with pytest.raises(ValueError, match=r"expected targets of 3 images in the first axis, got none"):
        data.Annotated(images=pixels, targets={}, num_classes=1)
    with pytest.raises(ValueError, match=r"expected targets of 3 images in the first axis, got \(\)"):
        data.Annotated(images=pixels, targets=np.float32(1), num_classes=1)
