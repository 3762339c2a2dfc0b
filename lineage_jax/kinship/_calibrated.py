"""The calibration that is used unless another is given."""

from lineage_jax.kinship._calibration import Calibration

CALIBRATION = Calibration(
    intercept=-2.3986,
    slope=0.41098,
    least=1 / 14,
    most=97 / 98,
    families=("experiments/evidence: convnet", "experiments/evidence: fc"),
)
"""Fitted to fully connected networks and convnets of `experiments/evidence`, plain and laundered: descendants of twelve
runs, strangers of 96. A test holds it to those results."""
