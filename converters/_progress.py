"""How far a training was when a file was written: the numbers that count, wherever they lie beside the network.

PyTorch's optimisers keep `state[...].step`, its schedulers `last_epoch`, authors write `epoch` and `global_step`; Flax
has `step`, Optax `count`, Keras `iteration`, which Keras 3 calls the first variable of the optimiser. What somebody
planned (`epochs` among the arguments of a run) is no count.
"""

import re
from typing import Any

import numpy as np

from converters._archive import Archive
from converters._state_dict import fields_of
from converters._tensors import Tensor, to_array
from converters._unreadable import Budget

COUNTS = re.compile(r"(last_|current_)?epoch|(global_|_)?step(s|_count)?|iter(ation)?s?|num_updates|count")
"""Names of numbers that count."""
PLANS = frozenset(
    {"args", "cfg", "config", "hparams", "hyper_parameters", "hyperparameters", "options", "param_groups"}
)
"""Names under which numbers say what was planned."""
FIRST_OF_KERAS = re.compile(r"(.*/)?optimizer/vars/0")
MOST = 1 << 16
"""Values that are looked at; optimisers of the largest networks have fewer."""
DEEPEST = 16


def progress_in(archive: Archive, budget: Budget) -> dict[str, int]:
    """Returns whole numbers that are not negative, under names that count, by their place in a file.

    Examples:
        >>> saved = {"epoch": 12, "optimizer": {"state": {0: {"step": 4800}}}, "args": {"epoch": 90}}
        >>> progress_in(Archive(value=saved, contents=lambda storage: np.empty(0, np.uint8)), Budget(10_000))
        {'epoch': 12, 'optimizer.state.[0].step': 4800}
    """
    found: dict[str, int] = {}
    waiting: list[tuple[tuple[str, ...], Any]] = [((), archive.value)]
    seen: set[int] = set()
    looked_at = 0
    while waiting and looked_at < MOST:
        path, value = waiting.pop()
        looked_at += 1
        if path and _counts(path[-1]):
            number = _number(value, archive, budget)
            if number is not None:
                found[".".join(path)] = number
                continue
        if isinstance(value, Tensor | str | bytes) or id(value) in seen or len(path) > DEEPEST:
            continue
        inner = fields_of(value, budget)
        if inner:
            seen.add(id(value))
        waiting.extend(((*path, key), each) for key, each in reversed(inner.items()) if key not in PLANS)
    return found


def _counts(name: str) -> bool:
    """Says whether a name is one of a number that counts; paths of arrays are names too."""
    last = name.removesuffix("/value").removesuffix(":0").rpartition("/")[2]
    return COUNTS.fullmatch(last) is not None or FIRST_OF_KERAS.fullmatch(name) is not None


def _number(value: Any, archive: Archive, budget: Budget) -> int | None:
    """Returns a whole number that is not negative, out of an array of one element too, or None."""
    if (
        isinstance(value, Tensor)
        and value.shape in ((), (1,))
        and value.quantizer is None
        and value.dtype.kind in "iuf"
    ):
        value = to_array(value, archive.contents, budget).item()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 62:
        return None
    return int(value) if value == int(value) else None
