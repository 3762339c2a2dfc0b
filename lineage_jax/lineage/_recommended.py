"""The strength of the Taylor form that we recommend for each measure."""

RECOMMENDED_ALPHA = {
    "l1": 0.1,
    "l2": 0.03,
    "lp": 0.01,
    "linf": 0.03,
    "lse": 0.1,
    "cosine": 1.0,
    "cka": 1.0,
    "dc": 1.0,
}
"""By name as in `similarity.MEASURES`."""
