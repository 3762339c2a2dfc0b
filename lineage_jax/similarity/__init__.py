r"""Similarities of two feature matrices: pure functions of `a` [n, d] and `b` [n, d]; higher means more alike.

**Entry by entry.** Feature j is compared with feature j; D = A - B.

| name | definition | range | ignores | time | cite |
|---|---|---|---|---|---|
| `l1` | -mean \|D\| | (-inf, 0] | common shift | n d | [1] |
| `l2` | -(mean D^2)^(1/2) | (-inf, 0] | common shift, common rotation | n d | [1] |
| `lp` | -(mean D^4)^(1/4) | (-inf, 0] | common shift | n d | [1] |
| `linf` | -mean_i max_j \|D_ij\| | (-inf, 0] | common shift | n d | [1] |
| `lse` | -mean_i log(sum_j exp(t \|D_ij\|)) / (t d) | (-inf, -log(d) / (t d)] | common shift | n d | [1] |
| `cosine` | mean_i cos(A_i, B_i) | [-1, 1] | rows' scales, common rotation | n d | |

**Example by example.** Pairs of examples are compared; the sides may differ in width. All ignore each side's shift,
scale and rotation, but for RSA and neighbours on cosine (rows' scales, rotation) and correlation distances (rows'
scales and means). K, L are kernels, P, Q distances; - and ~ mean doubly centred and U-centred; m = min(n, d).

| name | definition | range | time | cite |
|---|---|---|---|---|
| `debiased_cka` | <K~, L~> / (\|K~\| \|L~\|), linear kernel, HSIC_1 | [-1, 1] | n d m | [2, 3] |
| `linear_cka`, `rv_coefficient` | \|A'B\|^2 / (\|A'A\| \|B'B\|), centred | [0, 1] | n d m | [2, 4] |
| `minibatch_cka` | `debiased_cka` with <.,.> averaged over batches of b | [-1, 1] | n b d | [5] |
| `rbf_cka` | <K-, L-> / (\|K-\| \|L-\|), Gaussian kernel | [0, 1] | n^2 d | [2] |
| `debiased_rbf_cka` | the same with K~, L~ | [-1, 1] | n^2 d | [2, 3] |
| `distance_correlation` | (<P-, Q-> / (\|P-\| \|Q-\|))^(1/2) | [0, 1] | n^2 d | [6] |
| `bias_corrected_distance_correlation` | <P~, Q~> / (\|P~\| \|Q~\|), no root | [-1, 1] | n^2 d | [7] |
| `rsa`, `RSA(distance, ranked)` | Spearman's or Pearson's correlation of P, Q over i < j | [-1, 1] | n^2 d | [8] |
| `mutual_knn`, `MutualKNN(k)` | mean share of common nearest neighbours | [0, 1] | n^2 d | [9] |

**Subspace by subspace.** Q_a, Q_b are orthonormal bases of the centred features; the sides may differ in width.

| name | definition | range | ignores | time | cite |
|---|---|---|---|---|---|
| `mean_cca` | mean of the canonical correlations rho | [0, 1] | invertible affine maps | n d m | [2, 10] |
| `mean_squared_cca` | mean rho^2 | [0, 1] | invertible affine maps | n d m | [2] |
| `svcca` | `mean_cca` of the directions of 99 % of the variance | [0, 1] | shift, scale, rotation | n d m | [11] |
| `pwcca` | sum w rho / sum w, weights from a | [0, 1] | a's shift, scale; b's affine maps | n d m | [12] |
| `ridge_cca` | mean rho of covariances with a ridge | [0, 1) | shift, scale, rotation | (n + d) d^2 | [13] |
| `linear_regression_r2` | \|Q_b'A\|^2 / \|A\|^2 | [0, 1] | a's shift, scale, rotation; b's affine maps | n d m | [2] |
| `procrustes` | -min_R \|A - BR\|, centred, unit norm | [-sqrt 2, 0] | shift, scale, rotation | n d^2 + d^3 | [14] |
| `squared_procrustes` | its square, negated | [-2, 0] | shift, scale, rotation | n d^2 + d^3 | [15] |
| `angular_procrustes` | -arccos \|A'B\|_* | [-pi/2, 0] | shift, scale, rotation | n d^2 + d^3 | [14] |

**Which CKA?** The debiased one: the biased form of unrelated features tends to d / (n + d), not to 0.

All ignore the order of the examples (`minibatch_cka` up to noise) and are symmetric, except `pwcca` and
`linear_regression_r2`. Memory beyond the features is n d; n^2 for the second group up to n = 4,096 and n d above, where
rows are worked on in blocks. The last two groups are `TwoStepMeasure`s: what depends on one network is prepared once.

Half-precision features are accumulated in float32. A NaN or infinite feature gives NaN, never a good score. Where a
measure has no value (a row of zeros, constant features) it is 0, and where it has no derivative the derivative is 0;
for Procrustes the value is then the lowest. Debiased measures need 4 examples and refuse fewer.

What is done to features first is a choice of its own: `centre`, `normalise`, `pool`.

References:
    [1] Yu and Wang, "Neural Lineage", CVPR 2024.
    [2] Kornblith et al., "Similarity of Neural Network Representations Revisited", ICML 2019.
    [3] Song et al., "Feature selection via dependence maximization", JMLR 13, 2012.
    [4] Robert and Escoufier, "A unifying tool for linear multivariate statistical methods: the RV-coefficient", 1976.
    [5] Nguyen et al., "Do wide and deep networks learn the same things?", ICLR 2021.
    [6] Székely et al., "Measuring and testing dependence by correlation of distances", Annals of Statistics 35, 2007.
    [7] Székely and Rizzo, "The distance correlation t-test of independence in high dimension", JMVA 117, 2013.
    [8] Kriegeskorte et al., "Representational similarity analysis", Frontiers in Systems Neuroscience 2, 2008.
    [9] Huh et al., "The Platonic Representation Hypothesis", ICML 2024.
    [10] Hotelling, "Relations between two sets of variates", Biometrika 28, 1936.
    [11] Raghu et al., "SVCCA", NeurIPS 2017.
    [12] Morcos et al., "Insights on representational similarity with canonical correlation", NeurIPS 2018.
    [13] Vinod, "Canonical ridge and econometrics of joint production", Journal of Econometrics 4, 1976.
    [14] Williams et al., "Generalized Shape Metrics on Neural Representations", NeurIPS 2021.
    [15] Ding et al., "Grounding Representation Similarity Through Statistical Testing", NeurIPS 2021.
"""

from lineage_jax.similarity._cca import SVCCA as SVCCA
from lineage_jax.similarity._cca import RidgeCCA as RidgeCCA
from lineage_jax.similarity._cca import mean_cca as mean_cca
from lineage_jax.similarity._cca import mean_squared_cca as mean_squared_cca
from lineage_jax.similarity._cca import pwcca as pwcca
from lineage_jax.similarity._cca import ridge_cca as ridge_cca
from lineage_jax.similarity._cca import svcca as svcca
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
from lineage_jax.similarity._matrix_cosine import MatrixCosine as MatrixCosine
from lineage_jax.similarity._means import is_mean_over_examples as is_mean_over_examples
from lineage_jax.similarity._means import mean_over_examples as mean_over_examples
from lineage_jax.similarity._names import MEASURES as MEASURES
from lineage_jax.similarity._neighbours import MutualKNN as MutualKNN
from lineage_jax.similarity._neighbours import mutual_knn as mutual_knn
from lineage_jax.similarity._norms import RootedMeasure as RootedMeasure
from lineage_jax.similarity._norms import l1 as l1
from lineage_jax.similarity._norms import l2 as l2
from lineage_jax.similarity._norms import linf as linf
from lineage_jax.similarity._norms import lp as lp
from lineage_jax.similarity._norms import lp_norm as lp_norm
from lineage_jax.similarity._options import centre as centre
from lineage_jax.similarity._options import normalise as normalise
from lineage_jax.similarity._options import pool as pool
from lineage_jax.similarity._procrustes import angular_procrustes as angular_procrustes
from lineage_jax.similarity._procrustes import procrustes as procrustes
from lineage_jax.similarity._procrustes import squared_procrustes as squared_procrustes
from lineage_jax.similarity._rbf import RBFKernel as RBFKernel
from lineage_jax.similarity._regression import linear_regression_r2 as linear_regression_r2
from lineage_jax.similarity._rsa import RSA as RSA
from lineage_jax.similarity._rsa import rsa as rsa
from lineage_jax.similarity._taylor import taylor as taylor
from lineage_jax.similarity._two_steps import TwoStepMeasure as TwoStepMeasure
