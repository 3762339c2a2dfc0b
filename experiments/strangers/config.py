"""Is a stranger ever named, and a documented parent always? `lineage-jax detect` on files as they were published.

python -m experiments.strangers.run                 # four ways to compare, all files; see README.md
python -m experiments.strangers.run --mode smoke
"""

import ml_collections

KIN = {
    "distiller_resnet": {
        "checkpoint_trained_4D_regularized_5Lremoved": "removed",
        "checkpoint_trained_4D_regularized_5Lremoved_finetuned": "removed",
        "checkpoint_trained_channel_regularized_resnet20": "thinned",
        "checkpoint_trained_channel_regularized_resnet20_finetuned": "thinned",
    },
    "face_detector_rfb": {f"rfb-epoch-{epoch}": "run" for epoch in (0, 20, 100, 200, 300, 400, 499)},
    "outlier_exposure_mnist": {
        f"{start}{stage}": "one initialisation"
        for start in ("", "calib_")
        for stage in ("baseline_epoch_9", "oe_scratch_epoch_9", "oe_tune_epoch_4")
    },
}
"""By folder, what files are documented to share: files of one word are relatives, any others are strangers."""

CHAIN = [f"rfb-epoch-{epoch}" for epoch in (0, 20, 100, 200, 300, 400, 499)]

PARENTS = {
    "distiller_resnet": {
        f"checkpoint_trained_{kind}_finetuned": f"checkpoint_trained_{kind}"
        for kind in ("4D_regularized_5Lremoved", "channel_regularized_resnet20")
    },
    "face_detector_rfb": dict(zip(CHAIN[1:], CHAIN, strict=False)),
    "outlier_exposure_mnist": {f"{start}oe_tune_epoch_4": f"{start}baseline_epoch_9" for start in ("", "calib_")},
}
"""By folder and child, the parent that is documented; of an epoch the one before it."""


def get_config(mode: str = "full") -> ml_collections.ConfigDict:
    """Returns the locked settings of one mode."""
    config = ml_collections.ConfigDict()
    config.paths = ("weights", "features on images", "features on noise", "detector")
    config.folders = (
        "cifar_resnet",
        "convex_adversarial",
        "distiller_resnet",
        "face_detector_rfb",
        "outlier_exposure_mnist",
    )
    config.measures = ("l1", "l2", "cosine", "cka", "dc")
    config.images = 200
    config.detector_seed = 0
    if mode == "smoke":
        config.paths = ("weights", "features on images")
        config.folders = ("convex_adversarial",)
        config.measures = ("l2",)
        config.images = 4
    return config.lock()
