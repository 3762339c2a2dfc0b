"""`lineage-jax train-detector`: from families with known truth to a detector that `detect` takes."""

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress

from lineage_jax.cli._app import app, progress_bar, say, show
from lineage_jax.cli._destination import check_destination
from lineage_jax.cli._detector_report import StudiedFamily, report_lines, weight_scores

if TYPE_CHECKING:
    from lineage_jax.checkpoints import KnownFamily
    from lineage_jax.detector import Detector, DetectorTraining, Examples, Fitted, Layers, Split

ORPHANS = 0.2
"""Share of the children that are shown without their parent, where "none of these" is to be learned."""

LEAST_STEPS = 10
"""Steps an epoch; batches are smaller than the published 16 where there would be fewer."""


@app.command("train-detector")
def train_detector(
    family: Annotated[
        list[Path],
        typer.Option(help="Families: checkpoints of save_family, or folders with parents/, children/, truth.json."),
    ],
    folder: Annotated[Path, typer.Option("--out", help="The new folder of the detector.")],
    probes: Annotated[Path | None, typer.Option(help="Images: .npy, .npz or IDX(.gz). Default: weights only.")] = None,
    weights: Annotated[
        list[str] | None, typer.Option(help="Layers whose kernels are seen. Default: the last before the head.")
    ] = None,
    features: Annotated[
        list[str] | None, typer.Option(help="Layers whose outputs on the probes are seen. Default: the last tap.")
    ] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help='Learn to say "none of these", too.')] = False,
    epochs: Annotated[int, typer.Option(help="Passes over the children that teach.")] = 15,
    seed: Annotated[int, typer.Option(help="Of the split, the first weights and the order of the children.")] = 0,
    arch: Annotated[str | None, typer.Option(help="What the files are, such as torchvision/resnet50.")] = None,
) -> None:
    """Learns to name parents from families with known truth.

    Of the children 70 % teach, 10 % choose among the passes and 20 % test. A run that was killed has left its state
    beside the new folder: the same command goes on from there.
    """
    from lineage_jax import data, detector

    check_destination(folder, "folder for the detector")
    images = None if probes is None else data.load_probes(probes)
    with progress_bar() as bar:
        task = bar.add_task("looking at families", total=len(family))
        families, layers = look_at_families(family, weights, features, images, arch, lambda: bar.advance(task))
        check_parents(families, nobody=nobody)
        examples = [each.examples for each in families]
        parts = detector.split(examples, seed=seed)
        training = training_for(sum(map(len, parts.train)), epochs=epochs, seed=seed, nobody=nobody)
        run = claimed(Path(f"{folder}.unfinished"), digest(examples))
        module = detector.Detector(weights=layers.weights, features=layers.features, nobody=nobody)
        fitted = learn(module, parts, training, run, bar)
    detector.save_detector(folder, fitted)
    shutil.rmtree(run)
    for line in report_lines(fitted, families, parts):
        show(line)
    show(f"saved in {folder}; try: lineage-jax detect --parents A B ... --child C --detector {folder}")


def look_at_families(
    paths: Sequence[Path],
    weights: list[str] | None,
    features: list[str] | None,
    images: Any,
    arch: str | None,
    advance: Callable[[], None],
) -> "tuple[list[StudiedFamily], Layers]":
    """Looks at one family after another, and says at which layers, which the first one decides."""
    from lineage_jax import checkpoints, detector

    families, layers = [], None
    for path in paths:
        known = checkpoints.load_known_family(path, arch)
        layers = layers or layers_for(known, weights, features, with_probes=images is not None)
        examples = detector.look_at(
            known.parents,
            known.children,
            known.truth,
            layers,
            images,
            network=known.network,
            obstacle=known.obstacle,
            input_shape=known.input_shape,
        )
        scores = weight_scores(known.parents, known.children, layers.weights)
        families.append(StudiedFamily(examples=examples, scores=scores, truth=known.truth))
        advance()
    if layers is None:
        raise ValueError("expected at least one --family, got none")
    return families, layers


def layers_for(
    known: "KnownFamily", weights: list[str] | None, features: list[str] | None, *, with_probes: bool
) -> "Layers":
    """Chooses the layers that are looked at, and says which.

    Raises:
        ValueError: If features are named without probes, or no weights are named of networks of no known architecture.
    """
    from lineage_jax import detector

    if features and not with_probes:
        raise ValueError(f"expected --probes for the features of {', '.join(features)}, got none")
    if known.network is None and not weights:
        assert isinstance(known.children, Mapping)  # stacked ones are of a known network
        names = ", ".join(detector.layers_with_kernels(next(iter(known.children.values()))))
        raise ValueError(f"expected --weights LAYER ..., since {known.obstacle}; layers with a kernel: {names}")
    reason = known.obstacle if with_probes else "no --probes given"
    layers = detector.choose_layers(
        known.network, weights=weights or (), features=features or (), with_features=reason is None
    )
    seen = f"features of {', '.join(layers.features)}" if layers.features else f"at no features: {reason}"
    say(f"looking at weights of {', '.join(layers.weights)} and {seen}")
    return layers


def check_parents(families: Sequence[StudiedFamily], *, nobody: bool) -> None:
    """Refuses children of nobody where that is not to be learned."""
    for family in families:
        for child, parent in family.truth.items():
            if parent not in family.examples.parent_names and not nobody:
                raise ValueError(f"expected '{parent}', the parent of '{child}', among the parents; or give --nobody")


def learn(module: "Detector", parts: "Split", training: "DetectorTraining", run: Path, bar: Progress) -> "Fitted":
    """Trains a detector or goes on with it, and shows how right it is after every epoch."""
    from lineage_jax import detector

    task = bar.add_task("learning", total=training.epochs)

    def tell(row: dict[str, Any]) -> None:
        said = f"learning: {row['validation_accuracy']:.0%} of the validation children named rightly"
        bar.update(task, completed=row["epoch"] + 1, description=said)

    return detector.fit(module, parts.train, parts.validation, training=training, folder=run, on_epoch=tell)


def training_for(children: int, *, epochs: int, seed: int, nobody: bool) -> "DetectorTraining":
    """Returns the published settings, in small batches for few children, and without an early end."""
    from lineage_jax.detector import DetectorTraining

    most = DetectorTraining().batch_size
    return DetectorTraining(
        epochs=epochs,
        patience=epochs,
        batch_size=max(1, min(most, children // LEAST_STEPS)),
        orphans=ORPHANS if nobody else 0.0,
        seed=seed,
    )


def digest(families: "Sequence[Examples]") -> str:
    """Returns the SHA-256 of all that is learned from."""
    import jax
    import numpy as np

    sums = hashlib.sha256()
    for family in families:
        for leaf in jax.tree.leaves((family.parents, family.children, family.labels)):
            sums.update(np.asarray(leaf).tobytes())
    return sums.hexdigest()


def claimed(folder: Path, families: str) -> Path:
    """Returns the folder of a run, once it is sure that an earlier run there learned from the same families.

    Raises:
        ValueError: If it did not.
    """
    note = folder / "families.sha256"
    folder.mkdir(parents=True, exist_ok=True)
    if note.exists() and note.read_text() != families:
        raise ValueError(f"expected the families of the run in {folder}, got others: remove that folder")
    note.write_text(families)
    return folder
