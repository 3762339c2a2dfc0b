"""Fine-tuning seen from the parent's tangent space: f(theta_p + alpha D) to first order in the step D.

    value, tangent = tangents(features, parent, child, inputs)      # F_p and J D at every layer, one forward-mode pass
    predicted = value + alpha * tangent                             # the exact linearised features

A `FeatureFn` is any pure `f(params, inputs)`; `features_of` and `nnx_features` make one from a Flax module.
"""

from lineage_jax.linearize._linen import LinenFeatures as LinenFeatures
from lineage_jax.linearize._linen import features_of as features_of
from lineage_jax.linearize._nnx import NNXFeatures as NNXFeatures
from lineage_jax.linearize._nnx import nnx_features as nnx_features
from lineage_jax.linearize._stem import Stemmed as Stemmed
from lineage_jax.linearize._stem import linearize_stemmed as linearize_stemmed
from lineage_jax.linearize._stem import split_stem as split_stem
from lineage_jax.linearize._step import HELD as HELD
from lineage_jax.linearize._step import finetuning_step as finetuning_step
from lineage_jax.linearize._step import is_under as is_under
from lineage_jax.linearize._step import leaf_paths as leaf_paths
from lineage_jax.linearize._step import split_moving as split_moving
from lineage_jax.linearize._tangent import Tangents as Tangents
from lineage_jax.linearize._tangent import as_matrices as as_matrices
from lineage_jax.linearize._tangent import linearize as linearize
from lineage_jax.linearize._tangent import predict_finetuned as predict_finetuned
from lineage_jax.linearize._tangent import tangents as tangents
