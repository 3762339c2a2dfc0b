"""Fine-tuning seen from the parent's tangent space: f(theta_p + alpha D) to first order in the step D.

    value, tangent = tangents(features, parent, child, inputs)      # F_p and J D at every layer, one forward-mode pass
    predicted = value + alpha * tangent                             # the exact linearised features

A `FeatureFn` is any pure `f(params, inputs)`; `features_of` and `nnx_features` make one from a Flax module.
"""

from lineage_jax.linearize._block import LinenBlock as LinenBlock
from lineage_jax.linearize._block import block_of as block_of
from lineage_jax.linearize._expansion import predict_second_order as predict_second_order
from lineage_jax.linearize._expansion import taylor_terms as taylor_terms
from lineage_jax.linearize._groups import group_shares as group_shares
from lineage_jax.linearize._groups import tangents_by_group as tangents_by_group
from lineage_jax.linearize._held import HELD as HELD
from lineage_jax.linearize._held import check_held as check_held
from lineage_jax.linearize._identity import identity_of as identity_of
from lineage_jax.linearize._identity import watch as watch
from lineage_jax.linearize._kernels import centred_kernel_alignment as centred_kernel_alignment
from lineage_jax.linearize._kernels import kernel_alignment as kernel_alignment
from lineage_jax.linearize._kernels import relative_kernel_change as relative_kernel_change
from lineage_jax.linearize._laziness import Laziness as Laziness
from lineage_jax.linearize._laziness import LinearisationError as LinearisationError
from lineage_jax.linearize._laziness import laziness as laziness
from lineage_jax.linearize._laziness import linearisation_error as linearisation_error
from lineage_jax.linearize._linen import LinenFeatures as LinenFeatures
from lineage_jax.linearize._linen import features_of as features_of
from lineage_jax.linearize._nnx import NNXFeatures as NNXFeatures
from lineage_jax.linearize._nnx import nnx_features as nnx_features
from lineage_jax.linearize._ntk import class_summed_ntk as class_summed_ntk
from lineage_jax.linearize._ntk import empirical_ntk as empirical_ntk
from lineage_jax.linearize._ntk import explicit_ntk as explicit_ntk
from lineage_jax.linearize._ntk import ntk_trace as ntk_trace
from lineage_jax.linearize._ntk import ntk_vector_product as ntk_vector_product
from lineage_jax.linearize._rows import OUTPUT as OUTPUT
from lineage_jax.linearize._rows import by_layer as by_layer
from lineage_jax.linearize._rows import check_rows as check_rows
from lineage_jax.linearize._stem import Stemmed as Stemmed
from lineage_jax.linearize._stem import linearize_stemmed as linearize_stemmed
from lineage_jax.linearize._stem import split_stem as split_stem
from lineage_jax.linearize._step import finetuning_step as finetuning_step
from lineage_jax.linearize._step import split_moving as split_moving
from lineage_jax.linearize._tangent import Tangents as Tangents
from lineage_jax.linearize._tangent import as_matrices as as_matrices
from lineage_jax.linearize._tangent import linearize as linearize
from lineage_jax.linearize._tangent import predict_finetuned as predict_finetuned
from lineage_jax.linearize._tangent import tangents as tangents
from lineage_jax.linearize._training import Finetuned as Finetuned
from lineage_jax.linearize._training import finetune_linearized as finetune_linearized
from lineage_jax.linearize._training import linearized as linearized
