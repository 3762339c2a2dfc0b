"""Networks from files and folders as they are, with all that is known of them."""

from lineage_jax.checkpoints._candidates import Asked as Asked
from lineage_jax.checkpoints._candidates import load_all as load_all
from lineage_jax.checkpoints._candidates import load_some as load_some
from lineage_jax.checkpoints._families import Known as Known
from lineage_jax.checkpoints._families import beside as beside
from lineage_jax.checkpoints._families import load_known as load_known
from lineage_jax.checkpoints._load import COUNTER as COUNTER
from lineage_jax.checkpoints._load import Loaded as Loaded
from lineage_jax.checkpoints._load import counters_of as counters_of
from lineage_jax.checkpoints._load import entry_of as entry_of
from lineage_jax.checkpoints._load import identify as identify
from lineage_jax.checkpoints._load import load as load
from lineage_jax.checkpoints._load import name_of as name_of
from lineage_jax.checkpoints._load import notes_of as notes_of
from lineage_jax.checkpoints._load import obstacle as obstacle
from lineage_jax.checkpoints._load import own_arrays as own_arrays
from lineage_jax.checkpoints._load import read as read
from lineage_jax.checkpoints._load import same_architecture as same_architecture
from lineage_jax.checkpoints._load import to_saved as to_saved
from lineage_jax.checkpoints._reasons import in_one_line as in_one_line
