"""What lies on disk: checkpoints, one orbax folder each, whole or not there."""

from lineage_jax.io._checkpoint import SUMS as SUMS
from lineage_jax.io._checkpoint import find_tree as find_tree
from lineage_jax.io._checkpoint import is_checkpoint as is_checkpoint
from lineage_jax.io._checkpoint import load as load
from lineage_jax.io._checkpoint import load_tree as load_tree
from lineage_jax.io._checkpoint import save as save
from lineage_jax.io._checkpoint import sha256 as sha256
