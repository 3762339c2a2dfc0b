"""Networks from files, folders and memory, with all that is known of them.

    network = load("resnet50.pth")                  # a LoadedNetwork: variables, Flax module, source, SHA-256
    networks = load_many("candidates/")             # {name: network}, each read when it is asked for
    lineage.score(features, networks.variables, children, probes, measures=measures)

Whatever program has written a file, its arrays come as a tree; where the architecture is one of `models`, they come
under the names of its Flax module as well.
"""

from lineage_jax.checkpoints._architecture import obstacle as obstacle
from lineage_jax.checkpoints._architecture import same_architecture as same_architecture
from lineage_jax.checkpoints._contents import Contents as Contents
from lineage_jax.checkpoints._contents import contents_of as contents_of
from lineage_jax.checkpoints._families import KnownFamily as KnownFamily
from lineage_jax.checkpoints._families import load_known_family as load_known_family
from lineage_jax.checkpoints._families import side_by_side as side_by_side
from lineage_jax.checkpoints._identify import architecture_of as architecture_of
from lineage_jax.checkpoints._identify import identify as identify
from lineage_jax.checkpoints._load import COUNTER as COUNTER
from lineage_jax.checkpoints._load import batch_counters as batch_counters
from lineage_jax.checkpoints._load import from_variables as from_variables
from lineage_jax.checkpoints._load import load as load
from lineage_jax.checkpoints._load import read as read
from lineage_jax.checkpoints._many import LazyNetworks as LazyNetworks
from lineage_jax.checkpoints._many import Paths as Paths
from lineage_jax.checkpoints._many import distinct_paths as distinct_paths
from lineage_jax.checkpoints._many import each_readable as each_readable
from lineage_jax.checkpoints._many import load_many as load_many
from lineage_jax.checkpoints._many import load_readable as load_readable
from lineage_jax.checkpoints._many import log_notes as log_notes
from lineage_jax.checkpoints._many import paths_in as paths_in
from lineage_jax.checkpoints._names import SUFFIXES as SUFFIXES
from lineage_jax.checkpoints._names import name_of as name_of
from lineage_jax.checkpoints._names import names_of as names_of
from lineage_jax.checkpoints._network import LoadedNetwork as LoadedNetwork
from lineage_jax.checkpoints._reasons import in_one_line as in_one_line
from lineage_jax.checkpoints._state_dict import to_state_dict as to_state_dict
from lineage_jax.checkpoints._training import training_state as training_state
