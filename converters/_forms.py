"""Weights in other forms, brought to plain ones: a pure function of arrays by name.

What is known of a form stands in `_adapted`, `_normed` and `_quantised`; one form may lie inside another (a pruned
layer in an adapter's wrapper), so each takes what those before it returned. Only what must be computed is; all else
stays the view of the file that it was.
"""

import collections
import dataclasses

import numpy as np

from converters._adapted import adapted, adapters
from converters._buffers import buffers_of
from converters._form import Arrays, Finder, Form
from converters._normed import normed, parametrised, pruned
from converters._numbers import is_floating
from converters._quantised import packed, packed_in_bits, scaled
from converters._unreadable import Budget, shown

FINDERS: tuple[Finder, ...] = (adapted, packed_in_bits, packed, scaled, pruned, parametrised, normed, adapters)
"""Forms, from the outermost to the innermost."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plain:
    """Arrays of a network in the common form; fields as in `Checkpoint`."""

    tensors: dict[str, np.ndarray]
    buffers: dict[str, str]
    unresolved: dict[str, str]
    notes: tuple[str, ...]


def plain(arrays: Arrays, budget: Budget) -> Plain:
    """Brings every weight to its plain form and says what is none.

    Raises:
        UnreadableFile: If that takes more than the budget.

    Examples:
        >>> arrays = {"fc.weight_g": np.full((1, 1), 10.0), "fc.weight_v": np.array([[3.0, 4.0]]), "queue": np.eye(2)}
        >>> found = plain(arrays, Budget(10**6))
        >>> found.tensors["fc.weight"].tolist(), found.buffers
        ([[6.0, 8.0]], {'queue': 'queue of a contrastive loss'})
        >>> found.notes
        ("1 weight was brought to its plain form: weight_norm 'fc.weight'",)
    """
    tensors = dict(arrays)
    unresolved: dict[str, str] = {}
    brought: dict[str, list[str]] = collections.defaultdict(list)
    for find in FINDERS:
        made: dict[str, tuple[str, np.ndarray]] = {}
        gone: set[str] = set()
        names: set[str] = set()
        for form in find({name: array for name, array in tensors.items() if name not in unresolved}):
            if form.make is None:
                unresolved |= {part: f"{form.kind}: {form.why}" for part in form.parts}
            elif form.name in names or not _is_free(form, tensors):
                unresolved |= {part: f"{form.kind}: '{shown(form.name)}' is there too" for part in form.parts}
            else:
                made[form.parts[0]] = form.name, form.make(budget)
                gone |= {*form.parts, form.name}
                names.add(form.name)
                brought[form.kind].append(form.name)
        tensors = _replaced(tensors, made, gone)
    buffers = buffers_of({name: array for name, array in tensors.items() if name not in unresolved})
    for name, array in tensors.items():
        if name not in buffers and name not in unresolved and not is_floating(array.dtype):
            if name.replace("/", ".").rpartition(".")[2] in ("weight", "bias", "kernel") and array.size > 1:
                unresolved[name] = f"whole numbers ({array.dtype}) without a scale"
            else:
                buffers[name] = "whole numbers"
    return Plain(
        tensors=tensors,
        buffers={name: buffers[name] for name in tensors if name in buffers},
        unresolved={name: unresolved[name] for name in tensors if name in unresolved},
        notes=_notes_on(brought, unresolved),
    )


def _is_free(form: Form, tensors: Arrays) -> bool:
    """Says whether the plain name is to be had; one that stands there beside `weight_orig` is a copy of old."""
    return form.name not in tensors or form.name in form.parts or form.kind in ("spectral_norm", "weight_norm")


def _replaced(tensors: Arrays, made: dict[str, tuple[str, np.ndarray]], gone: set[str]) -> dict[str, np.ndarray]:
    """Puts each array that was made where the first of its parts stood, and leaves the other parts out."""
    replaced = {}
    for name, array in tensors.items():
        if name in made:
            plain_name, weight = made[name]
            replaced[plain_name] = weight
        elif name not in gone:
            replaced[name] = array
    return replaced


def _notes_on(brought: dict[str, list[str]], unresolved: dict[str, str]) -> tuple[str, ...]:
    notes = []
    if brought:
        count = sum(map(len, brought.values()))
        kinds = "; ".join(f"{kind} {_few(names)}" for kind, names in brought.items())
        verb = "weight was brought to its plain form" if count == 1 else "weights were brought to their plain form"
        notes.append(f"{count} {verb}: {kinds}")
    reasons = collections.defaultdict(list)
    for name, why in unresolved.items():
        reasons[why].append(name)
    notes += [f"not compared: {_few(names)}: {why}" for why, names in reasons.items()]
    return tuple(notes)


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"'{shown(names[0])}'{more}"
