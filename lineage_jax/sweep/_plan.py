"""What is to be compared, in words that JSON can hold."""

import collections
import dataclasses
import difflib
import json
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from lineage_jax import lineage, linearize, similarity

Places: TypeAlias = str | os.PathLike | Sequence[str | os.PathLike] | Mapping[str, str | os.PathLike] | None
"""A folder, paths, paths by name, or None where networks are handed to `run`."""

DEFAULT_MEASURES = ("l1", "l2", "cosine", "cka", "dc")
"""The measures of the method, by name."""
DEFAULT_ALPHAS = (0.0, 0.1, 0.3)
"""The strengths that `lineage.score` takes."""
DEFAULT_MEMORY = 2 * 2**30
"""Bytes that a process may hold."""
LEAST_MEMORY = 2**20
"""Less is taken for a unit that was left out."""

PRECISIONS = {"float32": "float32", "tf32": "tensorfloat32", "bf16": "bfloat16"}
"""By name what `jax.default_matmul_precision` is set to."""

UNITS = {"": 1, "B": 1, **{f"{unit}iB": 1024**power for power, unit in enumerate("KMGT", start=1)}}
UNITS |= {f"{unit}B": 1000**power for power, unit in enumerate("KMGT", start=1)}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """Which networks are compared, and how; as JSON a file that `lineage-jax sweep` takes.

    A child may be among the parents as well: its score with itself is what that is, the best there can be. The same
    parents, children and settings give the same scores on any devices, up to rounding.

    Attributes:
        parents: a folder whose files and folders are networks, paths, paths by name, or a family's folder, of which the
            parents are taken; None where they are handed to `run`.
        children: the same; of a family's folder the children.
        probes: a file, or `{"noise": n, "seed": s}` for n images of standard-normal noise in the networks' own shape;
            None where they are handed to `run`.
        layers: sub-modules whose features are compared; the last of the network's taps where none is named, `"all"` for
            every tap. What a feature function handed to `run` returns is compared whole.
        measures: names among `similarity.MEASURES`.
        alphas: strengths of the approximation, each >= 0.
        forms: which of `lineage.FORMS` to compute.
        held: path prefixes that stay the parent's.
        precision: of products of matrices and of convolutions. `"float32"` keeps all bits everywhere. `"tf32"` keeps 11
            bits of each factor on a GPU and, by three products of bfloat16, most bits on a TPU. `"bf16"` keeps 8 bits
            on a TPU; a GPU takes it as tf32. A CPU computes all three in float32.
        memory: bytes that a process may hold, what is read ahead included; text such as `"2 GiB"` is taken too.
        arch: the entry that files are of, or None to recognise each.
        nesting: which network of files of several.
        catalogue: `{"index": path, "top": k}` for a first stage that leaves the k best parents of each child, or None.
        folder: where paths that are not absolute start; no part of what is compared.

    Raises:
        ValueError: If a setting is not one of those above; says which, and the nearest that is.

    Examples:
        >>> plan = Plan(parents="parents", children={"carl": "c.npz"}, measures=["l1", "cka"], memory="1 GiB")
        >>> plan.measures, plan.memory
        (('l1', 'cka'), 1073741824)
        >>> Plan.from_dict(plan.as_dict()) == plan
        True
        >>> Plan(measures=["l1", "cosin"])
        Traceback (most recent call last):
            ...
        ValueError: unknown measure 'cosin': did you mean 'cosine'? Measures are l1, l2, lp, linf, lse, cosine, cka, ...
    """

    parents: Places = None
    children: Places = None
    probes: str | os.PathLike | Mapping[str, int] | None = None
    layers: Sequence[str] = ()
    measures: Sequence[str] = DEFAULT_MEASURES
    alphas: Sequence[float | int] = DEFAULT_ALPHAS
    forms: Sequence[str] = lineage.FORMS
    held: Sequence[str] = linearize.HELD
    precision: str = "float32"
    memory: int | str = DEFAULT_MEMORY
    arch: str | None = None
    nesting: str | None = None
    catalogue: Mapping[str, Any] | None = None
    folder: Path = dataclasses.field(default=Path(), compare=False)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, _normal(field.name, getattr(self, field.name)))

    @property
    def budget(self) -> int:
        """The memory in bytes."""
        return int(self.memory)

    @classmethod
    def read(cls, path: str | os.PathLike) -> "Plan":
        """Reads a plan from a file of JSON; its paths start at the file.

        Raises:
            OSError: If there is no such file, or it cannot be read.
            ValueError: If it is no JSON, or no plan.
        """
        path = Path(path)
        if path.is_dir():
            raise ValueError(f"expected a plan, a file of JSON, got the folder {path}")
        try:
            said = json.loads(path.read_text(), object_pairs_hook=_each_once)
        except _TwiceError as error:
            raise ValueError(f"expected every name once in {path}, got '{error}' twice: rename or remove one") from None
        except ValueError as error:
            raise ValueError(f"expected a plan in JSON in {path}: {error}") from error
        if not isinstance(said, dict):
            raise ValueError(f"expected settings by name in {path}, got {type(said).__name__}")
        try:
            return cls.from_dict(said, folder=path.parent)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    @classmethod
    def from_dict(cls, said: Mapping[str, Any], *, folder: str | os.PathLike = ".") -> "Plan":
        """Makes a plan of what JSON holds.

        Args:
            said: settings by name; those that are left out have their defaults.
            folder: where paths that are not absolute start.

        Raises:
            ValueError: If it is none, or has an unknown key.
        """
        names = [field.name for field in dataclasses.fields(cls) if field.name != "folder"]
        for key in said:
            if key not in names:
                raise ValueError(f"unknown key '{key}'{_nearest(key, names)} Keys are {', '.join(names)}")
        return cls(**{name: _normal(name, value) for name, value in said.items()}, folder=Path(folder))

    def as_dict(self) -> dict[str, Any]:
        """Returns all settings as JSON holds them."""
        settings = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del settings["folder"]
        return json.loads(json.dumps(settings, default=dict))

    def place_of(self, path: str | os.PathLike) -> Path:
        """Returns where a path of the plan leads."""
        return self.folder / Path(path).expanduser()


def _normal(name: str, given: Any) -> Any:
    """Returns a setting in one form, or says what is wrong with it."""
    checks: dict[str, Callable[[Any], Any]] = {
        "parents": lambda given: _places(given, "parents"),
        "children": lambda given: _places(given, "children"),
        "probes": _probes,
        "layers": lambda given: given if given == "all" else _texts(given, "layers", fewest=0),
        "measures": lambda given: _known(given, "measure", tuple(similarity.MEASURES)),
        "forms": lambda given: _known(given, "form", lineage.FORMS),
        "alphas": _alphas,
        "held": lambda given: _texts(given, "held", fewest=0),
        "precision": lambda given: _known((given,), "precision", tuple(PRECISIONS))[0],
        "memory": _bytes_of,
        "catalogue": _catalogue,
        "folder": Path,
    }
    return checks.get(name, lambda given: _text(given, name))(given)


class _TwiceError(Exception):
    """A key occurs twice."""


def _each_once(entries: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    counts = collections.Counter(key for key, _ in entries)
    for key, count in counts.items():
        if count > 1:
            raise _TwiceError(key)
    return dict(entries)


def _nearest(word: Any, words: Sequence[str]) -> str:
    """Returns a question for the nearest word, or a full stop of its own."""
    found = difflib.get_close_matches(str(word), words, n=1, cutoff=0.4)
    return f": did you mean '{found[0]}'?" if found else "."


def _texts(given: Any, name: str, *, fewest: int) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not all(isinstance(each, str) for each in given) or len(given) < fewest:
        several = "texts" if not fewest else f"at least {fewest} text"
        raise ValueError(f"expected a list of {several} at '{name}', got {given!r}")
    for each, count in collections.Counter(given).items():
        if count > 1:
            raise ValueError(f"expected each of '{name}' once, got '{each}' {count} times")
    return tuple(given)


def _text(given: Any, name: str) -> str | None:
    if not isinstance(given, str | None):
        raise ValueError(f"expected text or null at '{name}', got {given!r}")
    return given


def _known(given: Any, what: str, known: Sequence[str]) -> tuple[str, ...]:
    texts = _texts(given, f"{what}s" if what != "precision" else what, fewest=1)
    for each in texts:
        if each not in known:
            raise ValueError(
                f"unknown {what} '{each}'{_nearest(each, known)} {what.capitalize()}s are {', '.join(known)}"
            )
    return texts


def _alphas(given: Any) -> tuple[float, ...]:
    numbers = isinstance(given, list | tuple) and all(isinstance(a, int | float) and a is not True for a in given)
    if not numbers:
        raise ValueError(f"expected a list of numbers at 'alphas', got {given!r}")
    strengths = tuple(float(alpha) for alpha in given)
    if not strengths or not all(math.isfinite(alpha) and alpha >= 0 for alpha in strengths):
        raise ValueError(f"expected finite alphas >= 0, got {list(given)}")
    if len(set(strengths)) < len(strengths):
        raise ValueError(f"expected each of 'alphas' once, got {list(given)}")
    return strengths


def _places(given: Any, name: str) -> str | tuple[str, ...] | dict[str, str] | None:
    if given is None or (isinstance(given, str | os.PathLike) and str(given)):
        return given if given is None else str(given)
    if isinstance(given, Mapping):
        paths = {str(key): value for key, value in given.items()}
        if paths and all(isinstance(value, str | os.PathLike) for value in paths.values()):
            return {key: str(value) for key, value in paths.items()}
    elif isinstance(given, list | tuple) and given and all(isinstance(each, str | os.PathLike) for each in given):
        return tuple(map(str, given))
    raise ValueError(f"expected a folder, a list of paths or paths by name at '{name}', got {str(given)[:80]!r}")


def _probes(given: Any) -> str | dict[str, int] | None:
    if given is None or isinstance(given, str | os.PathLike):
        return given if given is None else str(given)
    if isinstance(given, Mapping) and set(given) in ({"noise"}, {"noise", "seed"}):
        noise = {"noise": given["noise"], "seed": given.get("seed", 0)}
        if all(type(number) is int for number in noise.values()) and noise["noise"] > 0 and noise["seed"] >= 0:
            return noise
    raise ValueError(f"expected a file or {{'noise': n, 'seed': s}} at 'probes', got {given!r}")


def _catalogue(given: Any) -> dict[str, Any] | None:
    if given is None:
        return None
    if isinstance(given, Mapping) and set(given) == {"index", "top"}:
        index, top = given["index"], given["top"]
        if isinstance(index, str | os.PathLike) and type(top) is int and top > 0:
            return {"index": str(index), "top": top}
    raise ValueError(f"expected {{'index': path, 'top': k}} with k >= 1, or null at 'catalogue', got {given!r}")


def _bytes_of(given: Any) -> int:
    """Returns a number of bytes, which may be given with a unit.

    Examples:
        >>> _bytes_of("1.5 GiB"), _bytes_of(2**21)
        (1610612736, 2097152)
    """
    match = re.fullmatch(r"\s*([0-9.]+)\s*([A-Za-z]*)\s*", str(given)) if not isinstance(given, bool) else None
    try:
        count = int(float(match[1]) * UNITS[match[2]]) if match else 0
    except (ValueError, KeyError):
        count = 0
    if count < LEAST_MEMORY:
        raise ValueError(f"expected bytes such as '2 GiB' at 'memory', at least {LEAST_MEMORY}, got {given!r}")
    return count
