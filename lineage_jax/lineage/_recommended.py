"""The strength of the approximation that we recommend for each measure and form."""

TAYLOR_LIMIT = {
    "l1": 1.0,
    "l2": 0.5,
    "lp": 0.25,
    "linf": 1.0,
    "lse": 1.0,
    "cosine": 0.5,
    "cka": 0.5,
    "dc": 0.5,
    "debiased_cka": 0.5,
}
"""The strength at which the Taylor form ties all near candidates; beyond it the farthest one wins.

By name as in `similarity.MEASURES`. 1 / k where the loss of the measure is of degree k in the difference of the
features; see `similarity.taylor`. The exact form keeps the order of near candidates up to 1 for every measure.
"""

RECOMMENDED_ALPHA = {
    "l1": 0.01,
    "l2": 0.01,
    "lp": 0.01,
    "linf": 0.01,
    "lse": 0.01,
    "cosine": 0.03,
    "cka": 0.3,
    "dc": 0.3,
    "debiased_cka": 0.3,
}
"""Of the Taylor form, by name as in `similarity.MEASURES`; each is below its `TAYLOR_LIMIT`.

Chosen on the 26 validation families of `experiments/linearization`, ten of which have candidates near each other, and
shown on as many others there: a setting far from those deserves a look along alpha. Norms overshoot beyond these values
wherever the tangent leads further than the child lies. So do CKA and distance correlation on residual networks, where
they name fewer parents than a direct comparison in some families: take the exact form there.
"""

RECOMMENDED_EXACT_ALPHA = {
    "l1": 0.03,
    "l2": 0.3,
    "lp": 0.3,
    "linf": 0.3,
    "lse": 0.03,
    "cosine": 0.03,
    "cka": 0.3,
    "dc": 0.3,
    "debiased_cka": 0.3,
}
"""The same for the exact form, chosen in the same way. Prefer it: it costs a measure more for each alpha, and names
more parents than the Taylor form wherever the two differ by much, on convolutional networks above all."""
