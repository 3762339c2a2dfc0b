"""The checkpoints that their authors published, and what is documented of their relations."""

import itertools
from collections.abc import Iterable
from pathlib import Path

from experiments.lab import images

FOLDERS = ("cifar_resnet", "convex_adversarial", "distiller_resnet", "face_detector_rfb", "outlier_exposure_mnist")
"""Folders of `$LINEAGE_DATA/checkpoints`; each has a licence and, where something is known, a README."""

SUFFIXES = (".pt", ".pth", ".th", ".tar")

EPOCHS = [f"rfb-epoch-{epoch}" for epoch in (0, 20, 100, 200, 300, 400, 499)]
"""The checkpoints of one run of the face detector, in order."""

GROUPS = {
    "distiller_resnet": {
        "checkpoint_trained_4D_regularized_5Lremoved": "removed",
        "checkpoint_trained_4D_regularized_5Lremoved_finetuned": "removed",
        "checkpoint_trained_channel_regularized_resnet20": "thinned",
        "checkpoint_trained_channel_regularized_resnet20_finetuned": "thinned",
    },
    "face_detector_rfb": dict.fromkeys(EPOCHS, "run"),
    "outlier_exposure_mnist": {
        f"{start}{stage}": "one initialisation"
        for start in ("", "calib_")
        for stage in ("baseline_epoch_9", "oe_scratch_epoch_9", "oe_tune_epoch_4")
    },
}
"""By folder and file, what it is documented to share: files of one word are relatives, any others are strangers."""

PARENTS = {
    "distiller_resnet": {
        f"checkpoint_trained_{kind}_finetuned": f"checkpoint_trained_{kind}"
        for kind in ("4D_regularized_5Lremoved", "channel_regularized_resnet20")
    },
    "face_detector_rfb": {child: parent for parent, child in itertools.pairwise(EPOCHS)},
    "outlier_exposure_mnist": {f"{start}oe_tune_epoch_4": f"{start}baseline_epoch_9" for start in ("", "calib_")},
}
"""By folder and child, the parent that is documented; of an epoch the one before it."""


def files(folders: Iterable[str]) -> dict[str, Path]:
    """Returns the files of some folders by folder and stem."""
    places = [path for folder in folders for path in sorted((images.root() / "checkpoints" / folder).iterdir())]
    return {f"{path.parent.name}/{path.name.partition('.')[0]}": path for path in places if path.suffix in SUFFIXES}


def group_of(name: str) -> str | None:
    """Names the group of relatives that a file is documented to belong to."""
    folder, stem = name.split("/")
    word = GROUPS.get(folder, {}).get(stem)
    return word and f"{folder}: {word}"


def parent_of(child: str) -> str | None:
    """Returns the documented parent."""
    folder, stem = child.split("/")
    parent = PARENTS.get(folder, {}).get(stem)
    return parent and f"{folder}/{parent}"
