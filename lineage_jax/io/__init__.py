"""What lies on disk, whole or not there: checkpoints, one orbax folder each, grids of scores, and single files."""

from lineage_jax.io._checkpoint import SUMS as SUMS
from lineage_jax.io._checkpoint import find_tree as find_tree
from lineage_jax.io._checkpoint import is_checkpoint as is_checkpoint
from lineage_jax.io._checkpoint import listed_sha256 as listed_sha256
from lineage_jax.io._checkpoint import load as load
from lineage_jax.io._checkpoint import load_tree as load_tree
from lineage_jax.io._checkpoint import save as save
from lineage_jax.io._checkpoint import sha256 as sha256
from lineage_jax.io._grid import Place as Place
from lineage_jax.io._grid import chunk_bytes as chunk_bytes
from lineage_jax.io._grid import chunks_folder as chunks_folder
from lineage_jax.io._grid import grid_attributes as grid_attributes
from lineage_jax.io._grid import grid_labels as grid_labels
from lineage_jax.io._grid import make_grid as make_grid
from lineage_jax.io._grid import open_grid as open_grid
from lineage_jax.io._grid import whole_chunks as whole_chunks
from lineage_jax.io._grid import write_chunk as write_chunk
from lineage_jax.io._whole import PARTIAL as PARTIAL
from lineage_jax.io._whole import remove_partial as remove_partial
from lineage_jax.io._whole import sync as sync
from lineage_jax.io._whole import write_whole as write_whole
