"""One network with all that is known of it, wherever it came from."""

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_jax.checkpoints._variables import in_flax, in_float32

if TYPE_CHECKING:
    from flax import linen as nn

    from converters import Checkpoint, Match
    from lineage_jax.models import SavedNetwork
    from lineage_jax.typing import Params


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class LoadedNetwork:
    """A network that was read or handed over, its weights finite.

    Attributes:
        name: what it is called.
        path: file or checkpoint folder; None for one in memory.
        tree: its arrays as they lie, by path, in their own precision; those of a file under the file's own names.
        network: the Flax module, or None where the architecture is not known.
        input_shape: one image `(h, w, c)` of a known network.
        file: what the file holds, or None for a folder of ours and in memory.
        match: the entry that a file was recognised as.
        notes: what should be said of how the network was read, a line each.
        unresolved: weights in a form that cannot be brought to plain ones, by name, and why: they take no part.
        counters: how many batches each normalisation has seen, by the file's name of the module.
    """

    name: str
    path: Path | None = None
    tree: "Params"
    network: "nn.Module | None" = None
    input_shape: tuple[int, int, int] | None = None
    file: "Checkpoint | None" = None
    match: "Match | None" = None
    notes: tuple[str, ...] = ()
    unresolved: Mapping[str, str] = dataclasses.field(default_factory=dict)
    counters: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def __repr__(self) -> str:
        """Says what it is, without its arrays."""
        known = self.source or (type(self.network).__name__ if self.network is not None else "unknown architecture")
        return f"LoadedNetwork({self.name!r}, {known}, {str(self.path) if self.path else 'in memory'})"

    @property
    def label(self) -> str:
        """What it is called in messages: its file or folder with the ending, or its name."""
        return self.path.name if self.path is not None else self.name

    @property
    def source(self) -> str | None:
        """The entry that a file was recognised as, such as `torchvision/resnet50`, or None."""
        return None if self.match is None else self.match.entry.name

    @functools.cached_property
    def sha256(self) -> str | None:
        """Of the file, or of the files of the folder, in hex; None in memory."""
        if self.file is not None:
            return self.file.sha256
        if self.path is None:
            return None
        from lineage_jax import io

        return io.listed_sha256(self.path)

    @functools.cached_property
    def variables(self) -> "Params":
        """The arrays as `network` takes them, in float32; `own_arrays` where the architecture is not known.

        What a file that was recognised up to its head lacks counts as zeros.

        Raises:
            ValueError: If the file is of a known architecture, but for which images is not known.
        """
        if self.network is None or self.file is None or self.match is None:
            return self.own_arrays
        if self.input_shape is None:
            raise ValueError(f"expected a network of known architecture, got {self.path}")
        return in_flax(self.file, self.match, self.network, self.input_shape)

    @property
    def saved(self) -> "SavedNetwork":
        """The network as `models.load_network` returns it.

        Raises:
            ValueError: If its architecture is not known.
        """
        from lineage_jax.models import SavedNetwork

        if self.network is None or self.input_shape is None:
            raise ValueError(f"expected a network of known architecture, got {self.path or self.name}")
        return SavedNetwork(network=self.network, variables=self.variables, input_shape=self.input_shape)

    @property
    def variables_without_head(self) -> "Params":
        """The arrays as `network` takes them, but for those of its head."""
        head = getattr(self.network, "head", "")
        variables = dict(self.variables)
        return variables | {"params": {name: layer for name, layer in variables["params"].items() if name != head}}

    @property
    def own_arrays(self) -> "Params":
        """The arrays by path, those of a file under its own names in float32."""
        import converters

        return self.tree if self.file is None else converters.as_tree(in_float32(self.file.weights))

    @property
    def not_plain(self) -> str | None:
        """What of the network takes no part in a comparison, in words, or None where all does."""
        buffers = self.file.buffers if self.file else {}
        if not self.unresolved:
            return None
        name, reason = next(iter(self.unresolved.items()))
        said = f"{len(self.unresolved):,} tensors cannot be brought to plain weights, '{name}' for one ({reason})"
        return said + (f" and {len(buffers):,} buffers are no weights" if buffers else "")
