r"""Similarities of two feature matrices: pure functions of `a` [n, d] and `b` [n, d]; higher means more alike.

| name | definition, with D = A - B | range | ignores | time | cite |
|---|---|---|---|---|---|
| `l1` | -mean \|D\| | (-inf, 0] | common shift | n d | [1] |
| `l2` | -(mean D^2)^(1/2) | (-inf, 0] | common shift, common rotation | n d | [1] |
| `lp` | -(mean D^4)^(1/4) | (-inf, 0] | common shift | n d | [1] |
| `linf` | -mean_i max_j \|D_ij\| | (-inf, 0] | common shift | n d | [1] |
| `lse` | -mean_i log(sum_j exp(t \|D_ij\|)) / (t d) | (-inf, -log(d) / (t d)] | common shift | n d | [1] |
| `cosine` | mean_i cos(A_i, B_i) | [-1, 1] | rows' scales, common rotation | n d | |
| `linear_cka` | \|A'B\|^2 / (\|A'A\| \|B'B\|), centred | [0, 1] | each's shift, scale, rotation | n d min(n, d) | [2] |
| `distance_correlation` | of pairwise distances | [0, 1] | each's shift, scale, rotation | n^2 d | [3] |

All are symmetric and ignore the order of the examples. The last two take sides of different widths; the others compare
feature j with feature j. Memory beyond the features is n d; for the last two min(n, d)^2 and n^2.

Half-precision features are accumulated in float32. A NaN feature gives NaN, never a good score. Where a measure has no
value (a row of zeros, constant features) it is 0, and where it has no derivative the derivative is 0.

References:
    [1] Yu and Wang, "Neural Lineage", CVPR 2024.
    [2] Kornblith et al., "Similarity of Neural Network Representations Revisited", ICML 2019.
    [3] Székely et al., "Measuring and testing dependence by correlation of distances", Annals of Statistics 35, 2007.
"""

from lineage_jax.similarity._alignment import Alignment as Alignment
from lineage_jax.similarity._cka import LinearCKA as LinearCKA
from lineage_jax.similarity._cka import MinibatchCKA as MinibatchCKA
from lineage_jax.similarity._cka import debiased_cka as debiased_cka
from lineage_jax.similarity._cka import debiased_rbf_cka as debiased_rbf_cka
from lineage_jax.similarity._cka import linear_cka as linear_cka
from lineage_jax.similarity._cka import minibatch_cka as minibatch_cka
from lineage_jax.similarity._cka import rbf_cka as rbf_cka
from lineage_jax.similarity._cka import rv_coefficient as rv_coefficient
from lineage_jax.similarity._cosine import cosine as cosine
from lineage_jax.similarity._distance_correlation import (
    bias_corrected_distance_correlation as bias_corrected_distance_correlation,
)
from lineage_jax.similarity._distance_correlation import distance_correlation as distance_correlation
from lineage_jax.similarity._distances import PairwiseMatrix as PairwiseMatrix
from lineage_jax.similarity._distances import correlation_distance as correlation_distance
from lineage_jax.similarity._distances import cosine_distance as cosine_distance
from lineage_jax.similarity._distances import euclidean_distance as euclidean_distance
from lineage_jax.similarity._lse import lse as lse
from lineage_jax.similarity._names import MEASURES as MEASURES
from lineage_jax.similarity._neighbours import MutualKNN as MutualKNN
from lineage_jax.similarity._neighbours import mutual_knn as mutual_knn
from lineage_jax.similarity._norms import RootedMeasure as RootedMeasure
from lineage_jax.similarity._norms import l1 as l1
from lineage_jax.similarity._norms import l2 as l2
from lineage_jax.similarity._norms import linf as linf
from lineage_jax.similarity._norms import lp as lp
from lineage_jax.similarity._norms import lp_norm as lp_norm
from lineage_jax.similarity._rbf import RBFKernel as RBFKernel
from lineage_jax.similarity._rsa import RSA as RSA
from lineage_jax.similarity._rsa import rsa as rsa
from lineage_jax.similarity._taylor import taylor as taylor
from lineage_jax.similarity._two_steps import TwoStepMeasure as TwoStepMeasure
