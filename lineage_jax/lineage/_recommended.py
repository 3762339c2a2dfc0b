"""The strength of the Taylor form that we recommend for each measure."""

RECOMMENDED_ALPHA = {
    "l1": 0.1,
    "l2": 0.1,
    "lp": 0.03,
    "linf": 0.1,
    "lse": 0.1,
    "cosine": 0.5,
    "cka": 1.0,
    "dc": 0.5,
}
"""By name as in `similarity.MEASURES`.

The norms overshoot beyond these values; linear CKA and distance correlation gain little below them. Chosen on the six
variants of `experiments/fc_mnist_fmnist` (one family each), so a setting far from those deserves a look along alpha.
"""
