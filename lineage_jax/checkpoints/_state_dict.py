"""Networks under the names that other libraries give their weights."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lineage_jax.checkpoints._identify import entry_of

if TYPE_CHECKING:
    import numpy as np

    from converters import Entry
    from lineage_jax.models import SavedNetwork


def to_state_dict(saved: "SavedNetwork", arch: str | None = None) -> "tuple[Entry, dict[str, np.ndarray]]":
    """Returns the weights of a network as a state_dict of PyTorch, and whose names they have.

    Counters of batches, which Flax has not, are 0.

    Args:
        saved: the network, as `models.load_network` returns it.
        arch: the entry whose names it gets, such as `torchvision/resnet50`; by default the first that reads the same
            network back.

    Raises:
        ValueError: If no entry has such a network, or that of `arch` has not.
    """
    import converters
    from lineage_jax import models

    network = models.describe(saved.network)
    if arch is not None:
        entry = entry_of(arch)
        names = converters.names_for(saved.variables, converters.names_of(entry.name), entry)
        return entry, converters.to_torch(saved.variables, names, entry)
    for entry in converters.ENTRIES.values():
        if entry.architecture == network["architecture"]:
            names = converters.names_for(saved.variables, converters.names_of(entry.name), entry)
            try:
                tensors = converters.to_torch(saved.variables, names, entry)
            except converters.ConversionError:  # of another size or kind than this source has
                continue
            if _reads_back(entry, tensors, saved):
                return entry, tensors
    raise ValueError(
        f"expected a network that some source has, got {network} for images {saved.input_shape}: "
        "name the source with --arch"
    )


def _reads_back(entry: "Entry", tensors: "Mapping[str, np.ndarray]", saved: "SavedNetwork") -> bool:
    """Says whether an entry tells the same network, for images of as many channels, from the shapes of a state_dict."""
    import converters
    from lineage_jax import models

    match = converters.compare({name: array.shape for name, array in tensors.items()}, entry)
    if not match.fits or match.input_shape is None:
        return False
    same = models.build(entry.architecture, **(match.settings or {})) == saved.network
    return same and match.input_shape[-1] == saved.input_shape[-1]
