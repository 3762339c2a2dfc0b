"""Leaves of networks by name: paths, trees with other leaves, which leaves are weights, how far two networks differ.

The path of a leaf is its keys with slashes between, such as `params/fc1/kernel`. Importing this needs no JAX, and
neither do nested dictionaries of numpy arrays, which is how files come: JAX alone takes longer to import than a
catalogue takes to search.
"""

from lineage_jax.leaves._counterparts import Counterparts as Counterparts
from lineage_jax.leaves._counterparts import all_counterparts as all_counterparts
from lineage_jax.leaves._counterparts import counterparts as counterparts
from lineage_jax.leaves._differences import Difference as Difference
from lineage_jax.leaves._differences import check_shapes as check_shapes
from lineage_jax.leaves._differences import first_difference as first_difference
from lineage_jax.leaves._information import BINS as BINS
from lineage_jax.leaves._information import SPEAKS as SPEAKS
from lineage_jax.leaves._information import best_factor as best_factor
from lineage_jax.leaves._information import best_factors as best_factors
from lineage_jax.leaves._information import binned as binned
from lineage_jax.leaves._information import entropy as entropy
from lineage_jax.leaves._information import evenly_spread as evenly_spread
from lineage_jax.leaves._information import for_factor as for_factor
from lineage_jax.leaves._information import information as information
from lineage_jax.leaves._information import information_of_each as information_of_each
from lineage_jax.leaves._information import mean_information as mean_information
from lineage_jax.leaves._paths import is_under as is_under
from lineage_jax.leaves._paths import leaf_paths as leaf_paths
from lineage_jax.leaves._paths import leaf_shapes as leaf_shapes
from lineage_jax.leaves._replace import replace_leaves as replace_leaves
from lineage_jax.leaves._unrelated import UNRELATED as UNRELATED
from lineage_jax.leaves._weights import Weights as Weights
from lineage_jax.leaves._weights import kernels_among as kernels_among
from lineage_jax.leaves._weights import layout as layout
from lineage_jax.leaves._weights import weights_of as weights_of
