"""How far a network was trained when its file was written, as far as the file says."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from converters import Checkpoint

FACTS = {
    "epoch": re.compile(r"((last|current)_)?epoch"),
    "steps": re.compile(r"(global_)?steps?|iter(ation)?s?|num_updates|(.*/)?optimizer/vars/0"),
}
"""Facts -> the names that files write them under."""

OPTAX = re.compile(r"(.*[./])?opt_state[./](.*[./])?count")
"""Where Optax keeps its steps, under a name that others give to other things."""


def training_state(file: "Checkpoint | None") -> dict[str, int]:
    """Returns what a file says of how far the training had come that wrote it.

    An optimiser counts from its own start: one that fine-tunes begins at 0, whatever came before. Numbers of two files
    can therefore be compared only where something else shows that one training wrote both; with the counters of batch
    normalisation they say what a network was when its training began, see `lineage.begun_at`. Anybody can write them.

    Args:
        file: what was read, `LoadedNetwork.file`; None for a network in memory.

    Returns:
        "epoch", "steps" or both: the largest number that the file gives for each; empty where it gives none.

    Examples:
        >>> import tempfile, converters, numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(f"{folder}/a.npz", **{"fc.weight": np.ones((3, 2)), "global_step": np.array(4800)})
        ...     training_state(converters.read(f"{folder}/a.npz"))
        {'steps': 4800}
    """
    found: dict[str, int] = {}
    for place, number in file.progress.items() if file else ():
        name = place.rpartition(".")[2].removesuffix("/value").removesuffix(":0")
        for fact, pattern in FACTS.items():
            known = pattern.fullmatch(name.rpartition("/")[2]) or pattern.fullmatch(name)
            if known or (fact == "steps" and OPTAX.fullmatch(place)):
                found[fact] = max(number, found.get(fact, 0))
    return found
