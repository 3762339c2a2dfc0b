"""One small family and one trained detector that the tests share, since compiling takes longer than training."""

import jax.numpy as jnp
import pytest

from lineage_jax import data, detector, linearize, models, population

DETECTOR = detector.Detector(weights=("fc2",), features=("relu2",), width=16)
TRAINING = detector.DetectorTraining(epochs=6, batch_size=8)


def family_of(*, seed, parents, children, widths=(16, 12)):
    train, _ = data.digits()
    settings = population.FamilySettings(
        num_parents=parents,
        children_per_parent=children,
        seed=seed,
        pretraining=population.TrainingSettings(steps=150),
        finetuning=population.TrainingSettings(steps=100),
    )
    odd = data.select_classes(train, (1, 3, 5, 7, 9))
    return population.make_family(models.fc(5, widths=widths), train, odd, settings=settings)


def look_at(family, probes):
    features = linearize.features_of(family.network, ("relu2",))
    return detector.examples_of(
        family.parents, family.children, family.truth, probes, weights=("fc2",), features=features
    )


@pytest.fixture(scope="session")
def probes():
    return jnp.asarray(data.digits()[1].images[:16])


@pytest.fixture(scope="session")
def family():
    return family_of(seed=0, parents=4, children=16)


@pytest.fixture(scope="session")
def examples(family, probes):
    return look_at(family, probes)


@pytest.fixture(scope="session")
def parts(examples):
    return detector.split([examples], seed=0)


@pytest.fixture(scope="session")
def fitted(parts):
    return detector.fit(DETECTOR, parts.train, parts.validation, training=TRAINING)
