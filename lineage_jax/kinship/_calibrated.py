"""The calibration that is used unless another is given."""

from lineage_jax.kinship._calibration import Calibration

CALIBRATION = Calibration(
    intercept=-3.006,
    slope=0.3829,
    least=1 / 6,
    most=16 / 17,
    families=(
        "published: cifar_resnet",
        "published: convex_adversarial",
        "published: distiller_resnet",
        "published: face_detector_rfb",
        "published: outlier_exposure_mnist",
    ),
)
"""Fitted to p-values in place of the published files of `experiments.lab.published`: 38 pairs of relatives from four
runs, 71 pairs of strangers from fifteen."""
