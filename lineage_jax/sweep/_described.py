"""What a store is of: the plan, the labels and the probes, which a run that goes on with it must have as well."""

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lineage_jax import io
from lineage_jax.pairs import AtATime

SCORES = "scores.zarr"
FORMAT = "lineage-jax sweep"
VERSION = 1
FIXED = ("probes_sha256", "dtype")
"""What must be the same beside the plan and the labels."""
OWN = ("format", "version", "plan", "plan_sha256", "blocks")
SHOWN = 3
"""Differences that a message names."""
LENGTH = 60
"""Characters of a value in a message."""


def attributes_of(
    plan: Mapping[str, Any], blocks: AtATime, dtype: np.dtype, described: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns what is written with the scores, once, when a store is made.

    Raises:
        TypeError: If the plan or the description holds what JSON cannot hold.
        ValueError: If the description has a name that is taken.
    """
    text = canonical(plan)
    own = {
        "format": FORMAT,
        "version": VERSION,
        "plan": text,
        "plan_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "blocks": list(blocks),
        "dtype": dtype.name,
    }
    if taken := own.keys() & described.keys():
        raise ValueError(f"expected a description without {sorted(own)}, got '{min(taken)}'; call it otherwise")
    return {**own, **json.loads(canonical(described))}


def canonical(content: Mapping[str, Any]) -> str:
    """Returns JSON that is the same text for equal contents, in whatever order their keys came."""
    try:
        return json.dumps(dict(content), sort_keys=True, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"expected a plan and a description that JSON can hold: {error}") from error


def read_attributes(folder: Path) -> dict[str, Any]:
    """Returns what was written with the scores of a store.

    Raises:
        FileNotFoundError: If there is nothing.
        ValueError: If it is no store, or one of another version.
    """
    if not (folder / SCORES).is_dir():
        if not folder.exists():
            raise FileNotFoundError(f"expected the folder of a sweep, got {folder}, where there is nothing")
        raise ValueError(f"expected the folder of a sweep, got {folder}, which holds no {SCORES}")
    found = io.grid_attributes(folder / SCORES)
    if found.get("format") != FORMAT:
        raise ValueError(f"expected the folder of a sweep, got {folder}, whose {SCORES} something else has written")
    if found.get("version") != VERSION:
        raise ValueError(
            f"expected a store of version {VERSION}, got version {found.get('version')} at {folder}: use the release "
            "of lineage-jax that wrote it, or choose another folder"
        )
    return found


def check_same(folder: Path, attributes: Mapping[str, Any], labels: Mapping[str, Sequence[Any]]) -> None:
    """Refuses to go on with a store of another plan, other networks or other probes.

    Raises:
        ValueError: If something differs; the message says what.
    """
    found = read_attributes(folder)
    compared: Sequence[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = (
        ("plan", json.loads(found["plan"]), json.loads(attributes["plan"])),
        ("labels", io.grid_labels(folder / SCORES), labels),
        ("probes and numbers", {key: found.get(key) for key in FIXED}, {key: attributes.get(key) for key in FIXED}),
    )
    for what, old, new in compared:
        if old != new:
            raise ValueError(
                f"expected the {what} of the store at {folder}, got others: {told(old, new)}; choose another folder, "
                "or delete this one"
            )


def other_surroundings(folder: Path, attributes: Mapping[str, Any]) -> str:
    """Says what else than the plan differs from when the store was made, versions for example, or nothing."""
    old, new = (
        {key: value for key, value in of.items() if key not in (*FIXED, *OWN)}
        for of in (read_attributes(folder), attributes)
    )
    return told(old, new)


def grid_of(labels: Mapping[str, Sequence[Any]], blocks: AtATime) -> tuple[int, int]:
    """Returns how many blocks of parents there are, and how many of children."""
    parents, children = (-(-len(labels[role]) // most) for role, most in zip(("parent", "child"), blocks, strict=True))
    return parents, children


def told(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Says where two contents differ, the first few places of them."""
    found = list(itertools.islice(differences(old, new), SHOWN + 1))
    more = " and more" if len(found) > SHOWN else ""
    return "; ".join(f"{at} is {_short(b)}, and was {_short(a)}" for at, a, b in found[:SHOWN]) + more


MISSING = object()


def differences(old: Any, new: Any, at: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yields where two contents of JSON differ, and what stands there in either of them."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from differences(old.get(key, MISSING), new.get(key, MISSING), f"{at}.{key}" if at else key)
    elif isinstance(old, list) and isinstance(new, list):
        for place, (a, b) in enumerate(itertools.zip_longest(old, new, fillvalue=MISSING)):
            yield from differences(a, b, f"{at}[{place}]")
    elif old is MISSING or new is MISSING or old != new:
        yield at, old, new


def _short(value: Any) -> str:
    if value is MISSING:
        return "missing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LENGTH else f"{text[: LENGTH - 3]}..."
