"""`lineage-jax convert` and `lineage-jax export`: from a PyTorch file to a checkpoint folder, and back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineage_jax.cli._app import app, say, show
from lineage_jax.cli._destination import check_destination
from lineage_jax.cli._networks import entry_of, in_float32, load, to_saved

if TYPE_CHECKING:
    from converters import Checkpoint, Entry


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(help="A file or folder of a network, of PyTorch, JAX, Keras, ONNX.")],
    folder: Annotated[Path, typer.Option("--out", help="The new checkpoint folder.")],
    arch: Annotated[str | None, typer.Option(help="What it is, such as torchvision/resnet50. Default: guess.")] = None,
) -> None:
    """Brings a file to a checkpoint folder of float32; an unknown network is saved as a tree of arrays."""
    import converters
    from lineage_jax import io, models

    check_destination(folder, "checkpoint folder")
    loaded = load(file, arch)
    if loaded.file is None:
        raise ValueError(f"expected a file to convert, got the folder {file}")
    say_rounded(loaded.file)
    if loaded.match is None:
        tree = converters.as_tree(in_float32(loaded.file.tensors))
        io.save(folder, tree, description={"tree of": file.name, "sha256": loaded.file.sha256})
        count = len(loaded.file.tensors)
        show(f"{file} is of no known architecture (lineage-jax inspect shows the nearest): {count} arrays in {folder}")
        return
    saved = to_saved(loaded)
    models.save_network(folder, saved.network, saved.variables, input_shape=saved.input_shape)
    settings = ", ".join(f"{name} {value}" for name, value in (loaded.match.settings or {}).items())
    show(f"{file} is {loaded.match.entry.name} ({settings}): saved in {folder}")


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="A checkpoint folder.")],
    file: Annotated[Path, typer.Option("--out", help="The new file: .pth, .pt or .safetensors.")],
    arch: Annotated[str | None, typer.Option(help="Whose names it gets. Default: the first source that fits.")] = None,
) -> None:
    """Writes a checkpoint folder as a state_dict file; counters of batches, which Flax has not, are 0."""
    import converters
    from lineage_jax import models

    check_destination(file, "file for the network")
    saved = models.load_network(folder)
    entry = source_of(models.describe(saved.network), arch)
    tensors = converters.to_torch(saved.variables, converters.names_of(entry.name), entry)
    converters.write(file, tensors)
    show(f"{folder} is written as {entry.name} to {file}")


def source_of(network: dict[str, Any], arch: str | None) -> "Entry":
    """Returns the entry that the user named, or the first whose network this is."""
    import converters

    if arch is not None:
        return entry_of(arch)
    fitting = [
        entry
        for entry in converters.ENTRIES.values()
        if entry.architecture == network["architecture"]
        and all(network.get(name) == value for name, value in entry.settings.items())
    ]
    if not fitting:
        raise ValueError(f"expected a network that some source has, got {network}: name the source with --arch")
    return fitting[0]


def say_rounded(file: "Checkpoint") -> None:
    """Says which arrays another precision than float32 is taken from."""
    import jax.numpy as jnp

    dtypes = {array.dtype for array in file.tensors.values() if jnp.issubdtype(array.dtype, jnp.floating)}
    others = sorted(str(dtype) for dtype in dtypes if dtype != "float32")
    if others:
        say(f"{file.path.name} holds {', '.join(others)}: brought to float32")
