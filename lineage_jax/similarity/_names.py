"""The names by which the command line knows the measures."""

from lineage_jax.similarity._cka import debiased_cka, linear_cka
from lineage_jax.similarity._cosine import cosine
from lineage_jax.similarity._distance_correlation import distance_correlation
from lineage_jax.similarity._lse import lse
from lineage_jax.similarity._norms import l1, l2, linf, lp
from lineage_jax.typing import Measure

MEASURES: dict[str, Measure] = {
    "l1": l1,
    "l2": l2,
    "lp": lp,
    "linf": linf,
    "lse": lse,
    "cosine": cosine,
    "cka": linear_cka,
    "dc": distance_correlation,
    "debiased_cka": debiased_cka,
}
"""The measures that the command line and the recommended alphas know, by the name they have there."""
