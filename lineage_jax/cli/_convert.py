"""`lineage-jax convert` and `lineage-jax export`: from a PyTorch file to a checkpoint folder, and back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineage_jax.cli._app import app, say, show
from lineage_jax.cli._destination import check_destination

if TYPE_CHECKING:
    from converters import Checkpoint


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(help="A file or folder of a network, of PyTorch, JAX, Keras, ONNX.")],
    folder: Annotated[Path, typer.Option("--out", help="The new checkpoint folder.")],
    arch: Annotated[str | None, typer.Option(help="What it is, such as torchvision/resnet50. Default: guess.")] = None,
    nesting: Annotated[str | None, typer.Option(help="Which network of a file of several, such as ema.")] = None,
) -> None:
    """Brings a file to a checkpoint folder of float32; an unknown network is saved as a tree of arrays."""
    from lineage_jax import checkpoints, io, models

    check_destination(folder, "checkpoint folder")
    loaded = checkpoints.load(file, arch, nesting)
    if loaded.file is None:
        raise ValueError(f"expected a file to convert, got the folder {file}")
    say_rounded(loaded.file)
    for note in (*loaded.notes, *left_out(loaded.file)):
        say(note)
    if loaded.match is None or loaded.match.headless:
        weights = loaded.own_arrays if loaded.match is None else loaded.variables_without_head
        io.save(folder, weights, description={"tree of": file.name, "sha256": loaded.file.sha256})
        count = len(loaded.file.weights)
        known = "of no known architecture (lineage-jax inspect shows the nearest)"
        what = known if loaded.match is None else f"{loaded.match.entry.name} but for its head"
        show(f"{file} is {what}: {count} arrays in {folder}")
        return
    saved = loaded.saved
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
    from lineage_jax import checkpoints, models

    check_destination(file, "file for the network")
    saved = models.load_network(folder)
    entry, tensors = checkpoints.to_state_dict(saved, arch)
    converters.write(file, tensors)
    show(f"{folder} is written as {entry.name} to {file}")


def left_out(file: "Checkpoint") -> list[str]:
    """Says what of a file is no weight, but for counters of batches."""
    from lineage_jax.checkpoints import COUNTER

    kinds: dict[str, list[str]] = {}
    for name, reason in file.buffers.items():
        if name.rpartition(".")[2] != COUNTER:
            kinds.setdefault(reason, []).append(name)
    more = lambda names: f" and {len(names) - 1} more" if len(names) > 1 else ""  # noqa: E731
    return [f"no weight, left out: '{names[0]}'{more(names)}: {reason}" for reason, names in kinds.items()]


def say_rounded(file: "Checkpoint") -> None:
    """Says which arrays another precision than float32 is taken from."""
    import jax.numpy as jnp

    dtypes = {array.dtype for array in file.tensors.values() if jnp.issubdtype(array.dtype, jnp.floating)}
    others = sorted(str(dtype) for dtype in dtypes if dtype != "float32")
    if others:
        say(f"{file.path.name} holds {', '.join(others)}: brought to float32")
