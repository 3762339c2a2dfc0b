"""One small family that the tests share, since compiling takes longer than training."""

import numpy as np
import pytest

from lineage_jax import data, models, population

NETWORK = models.fc(10, widths=(64,))
CHILD = models.fc(5, widths=(64,))
PRETRAINING = population.TrainingSettings(steps=300)
FINETUNING = population.TrainingSettings(steps=100)


@pytest.fixture(scope="session")
def digits():
    return data.digits()


@pytest.fixture(scope="session")
def odd_digits(digits):
    return tuple(data.select_classes(images, (1, 3, 5, 7, 9)) for images in digits)


@pytest.fixture(scope="session")
def parents(digits):
    return population.pretrain(NETWORK, digits[0], num_parents=3, seed=0, training=PRETRAINING)


@pytest.fixture(scope="session")
def children_and_truth(parents, odd_digits):
    return population.finetune(parents, CHILD, odd_digits[0], children_per_parent=2, seed=0, training=FINETUNING)


@pytest.fixture
def one_image():
    """One example, so that every minibatch is known."""
    pixels = np.random.default_rng(0).normal(size=(1, 2, 2, 1)).astype(np.float32)
    return data.Images(images=pixels, labels=np.array([1], np.int32), num_classes=3)
