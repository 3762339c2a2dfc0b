"""The strength of the approximation that we recommend for each measure and form."""

RECOMMENDED_ALPHA = {
    "l1": 0.03,
    "l2": 0.01,
    "lp": 0.03,
    "linf": 0.03,
    "lse": 0.03,
    "cosine": 0.03,
    "cka": 1.0,
    "dc": 0.3,
    "debiased_cka": 0.5,
}
"""By name as in `similarity.MEASURES`.

The norms overshoot beyond these values; CKA and distance correlation gain little below them. Chosen on the sixteen
validation families of `experiments/linearization` and shown on sixteen others there: a setting far from those deserves
a look along alpha.
"""

RECOMMENDED_EXACT_ALPHA = {
    "l1": 0.03,
    "l2": 0.3,
    "lp": 0.3,
    "linf": 0.1,
    "lse": 0.03,
    "cosine": 0.1,
    "cka": 0.3,
    "dc": 0.3,
    "debiased_cka": 0.3,
}
"""The same for the exact form, chosen in the same way. Prefer it: it costs a measure more for each alpha, and names
more parents than the Taylor form wherever the two differ by much, on convolutional networks above all."""
