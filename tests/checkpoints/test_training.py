"""What files say of their training: epochs and steps, of several numbers the largest."""

import dataclasses

import numpy as np
import pytest

import converters
from lineage_jax import checkpoints


def file_with(progress, tmp_path):
    converters.write(tmp_path / "a.pth", {"fc.bias": np.arange(3.0)})
    return dataclasses.replace(converters.read(tmp_path / "a.pth"), progress=progress)


@pytest.mark.parametrize(
    ("progress", "state"),
    [
        ({}, {}),
        ({"epoch": 12, "lr_schedulers.[0].last_epoch": 11}, {"epoch": 12}),
        ({"optimizer.state.[0].step": 40, "optimizer.state.[1].step": 48, "epoch": 3}, {"epoch": 3, "steps": 48}),
        ({"optimizer/vars/0": 70}, {"steps": 70}),
        ({"opt_state.[0].count": 70}, {"steps": 70}),
        ({"meter.count": 1000}, {}),
        ({"scheduler._step_count": 71}, {}),
    ],
)
def test_epochs_and_steps(progress, state, tmp_path):
    assert checkpoints.training_state(file_with(progress, tmp_path)) == state


def test_a_network_in_memory_says_nothing():
    assert checkpoints.training_state(None) == {}


@pytest.mark.data
def test_published_trainings_say_how_far_they_were(data_folder):
    folder, epochs = data_folder / "checkpoints" / "distiller_resnet", {}
    for name in ("", "_finetuned"):
        file = converters.read(folder / f"checkpoint_trained_4D_regularized_5Lremoved{name}.pth.tar")
        epochs[name] = checkpoints.training_state(file)
    assert epochs == {"": {"epoch": 179}, "_finetuned": {"epoch": 249}}
