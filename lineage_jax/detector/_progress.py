"""A run on disk: its state after the last epoch, and the metrics of all of them."""

import dataclasses
import json
import math
import os
import re
import shutil
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from lineage_jax import io
from lineage_jax.detector._fitted import VERSION, check_words, describe
from lineage_jax.detector._training import DetectorTraining, Program, State
from lineage_jax.typing import Params

METRICS = "metrics.jsonl"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a run is after some epochs; there are no random numbers in it, since epochs draw theirs from the seed.

    Attributes:
        state: what the next step starts from.
        best: the variables at the best validation loss.
        history: metrics of the epochs so far.
    """

    state: State
    best: Params
    history: tuple[dict[str, Any], ...]

    @property
    def best_loss(self) -> float:
        """The best validation loss; infinity before the first epoch."""
        return min((row["validation_loss"] for row in self.history), default=math.inf)

    def ended(self, training: DetectorTraining) -> bool:
        """Tells whether all epochs are over, or the validation loss has not fallen for too many of them."""
        losses = [row["validation_loss"] for row in self.history]
        waited = len(losses) - 1 - losses.index(self.best_loss) if losses else 0
        return len(losses) >= training.epochs or waited >= training.patience


def save_progress(folder: Path, program: Program, training: DetectorTraining, progress: Progress) -> None:
    """Writes the state, then the metrics, then takes away what is older; whenever it is killed, one state is whole."""
    epoch = len(progress.history)
    memory = {str(place): leaf for place, leaf in enumerate(jax.tree.leaves(progress.state.memory))}
    tree = {"variables": progress.state.variables, "best": progress.best, "memory": memory}
    io.save(folder / f"epoch-{epoch:06}", tree, description=_words(program, training) | {"history": progress.history})
    unfinished = folder / f"{METRICS}.unfinished"
    unfinished.write_text("".join(json.dumps(row) + "\n" for row in progress.history))
    os.replace(unfinished, folder / METRICS)
    for older in folder.glob("epoch-*"):
        if older.name != f"epoch-{epoch:06}":
            shutil.rmtree(older)


def load_progress(folder: Path, program: Program, training: DetectorTraining) -> Progress | None:
    """Reads the last whole state; None if there is none yet.

    Raises:
        ValueError: If it is that of another run, damaged or of another version.
    """
    epochs = [path for path in folder.glob("epoch-*") if re.fullmatch(r"epoch-\d+", path.name)]
    if not epochs:
        return None
    newest = max(epochs)
    tree, words = io.load(newest)
    expected = json.loads(json.dumps(_words(program, training)))
    check_words(words, {*expected, "history"}, newest, "a run of training")
    for name, value in expected.items():
        if words[name] != value:
            raise ValueError(f"expected the run of {folder} to go on with {name} {words[name]}, got {value}")
    variables, best, memory = jax.tree.map(jnp.asarray, (tree["variables"], tree["best"], tree["memory"]))
    structure = jax.tree.structure(program.start(0).memory)
    leaves = [memory[str(place)] for place in range(len(memory))]
    state = State(variables=variables, memory=jax.tree.unflatten(structure, leaves))
    return Progress(state=state, best=best, history=tuple(words["history"]))


def _words(program: Program, training: DetectorTraining) -> dict[str, Any]:
    return {
        "version": VERSION,
        "detector": describe(program.detector),
        "training": dataclasses.asdict(training),
        "steps": program.steps,
    }
