"""Settings out of their range are refused when they are written down."""

import math

import pytest

from lineage_jax.population import FamilySettings, TrainingSettings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps of at least 1, got 0"),
        ({"batch_size": 0}, "batch_size of at least 1, got 0"),
        ({"learning_rate": 0.0}, "positive learning_rate, got 0.0"),
        ({"learning_rate": -0.1}, "positive learning_rate, got -0.1"),
        ({"learning_rate": math.nan}, "positive learning_rate, got nan"),
        ({"learning_rate": (0.1, 0.0)}, "positive learning_rate"),
        ({"learning_rate": ()}, "positive learning_rate"),
        ({"weight_decay": -1.0}, "weight_decay of at least 0, got -1.0"),
        ({"weight_decay": (0.0, -2.0)}, "weight_decay of at least 0, got -2.0"),
        ({"l2_to_parent": -0.5}, "l2_to_parent of at least 0, got -0.5"),
        ({"momentum": 1.0}, "momentum from 0 to below 1, got 1.0"),
    ],
)
def test_training_out_of_range_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        TrainingSettings(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_parents": 0}, "num_parents of at least 1, got 0"),
        ({"children_per_parent": 0}, "children_per_parent of at least 1, got 0"),
        ({"few_shot": 5, "imbalance": 10.0}, "few_shot or imbalance, got both"),
    ],
)
def test_a_family_out_of_range_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        FamilySettings(**settings)
