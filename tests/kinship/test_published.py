"""Published files: relatives and strangers by their authors' documents."""

import itertools

import pytest

from experiments.lab import published
from lineage_jax import checkpoints, kinship

pytestmark = pytest.mark.data

LIKE_RELATIVES = {"checkpoint_trained_4D_regularized_5Lremoved", "checkpoint_trained_ch_regularized_dense"}
"""Two files of one repository of which no relation is documented; p = 9e-7, from many layers."""


def pairs_of(folder):
    files = published.files([folder])
    networks = {name: checkpoints.load(str(path)).variables for name, path in files.items()}
    for a, b in itertools.combinations(networks, 2):
        found = kinship.in_place(networks[a], networks[b])
        if found.layers:
            group = published.group_of(a)
            yield group is not None and group == published.group_of(b), {a, b}, found


@pytest.mark.parametrize(
    ("folder", "related", "strangers"),
    [
        ("convex_adversarial", 0, 3),
        ("distiller_resnet", 2, 19),
        ("outlier_exposure_mnist", 15, 0),
    ],
)
def test_relatives_are_far_from_strangers(folder, related, strangers):
    found = {True: [], False: []}
    for kin, names, evidence in pairs_of(folder):
        if {name.split("/")[1] for name in names} != LIKE_RELATIVES:
            found[kin].append(evidence)
    assert (len(found[True]), len(found[False]) + (folder == "distiller_resnet")) == (related, strangers)
    assert all(each.p < 1e-60 and each.statistic > 28 for each in found[True])
    assert all(each.p > 1e-5 for each in found[False])
    assert all(each.share > 0.7 for each in found[True])
