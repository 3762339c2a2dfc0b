"""Whose child a network is: one rule over what was measured, whatever that was. Nothing here reads, runs or prints.

Only a candidate whose centred kernel cosine reaches `lineage.UNRELATED`, and `lineage.CHANCE` deviations of what units
numbered at random reach, can be named. Among such relatives a detector chooses, by default the one that comes with the
library, which hardly ever differs from the information that they give about the child's weights (`lineage.overlap`'s
`overlap_information`); where none is asked that chooses. Neither ever names a stranger. Features choose nothing: among
checkpoints of one run they are hardly better than chance (`experiments/generations`), where weights see the parent.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray

DECISIVE = "centred_kernel_cosine"
"""The score of `lineage.overlap` that says who is related."""

NEAREST = "overlap_information"
"""The score of `lineage.overlap` that says which relative is nearest: bits a weight."""

BY_INFORMATION = "information about weights"
"""What chose among several relatives, in words."""

RELATIONS = {
    "parent": "the candidate named is related, and something shows that it came first",
    "related": "the candidate named is related; which of the two came first is not known",
    "descendant": "the candidate named is related, but by its counters it came after the child",
    "mixture": "the child is a mixture of several candidates; the one that weighs most is named",
    "same network": "every candidate is the child itself",
    "none of these": "no candidate that could be compared is related, or a detector says so",
    "cannot be compared": "too little of the child could be compared with any candidate",
}
"""What a verdict can be."""

NEAR_TIE = 0.1
"""Bits a weight by which the nearest must be ahead of the next relative, or it is a near-tie.

Of children whose nearest candidate is, 99 of 100 have it for a parent, 95 where siblings are among the candidates; of
the others 74 and 70 (`experiments/universal`).
"""

MOST_OPERANDS = 8
"""Relatives that a mixture is sought among; more would take memory and explain anything."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured of a child and its candidates.

    Attributes:
        child: its name.
        weights: what `lineage.overlap` found, `compared` being the share of all of the child's weights.
        features: approximated scores over `parent`, by their name; none where features were not compared.
        on_noise: features are those of noise.
        probabilities: a detector's over `parent`, or None.
        among_relatives: it was asked about relatives alone, as if one of them were the parent.
        nobody: the name under which the detector says "none of these".
        counters: how many batches each normalisation has seen, by network and module.
        not_plain: by network what of it took no part, in words; where there is something to say.
        left_out: candidates that are the child itself, and by what that shows.
        skipped: candidates that could not be read, and why.
        matched: candidates whose units were brought to the child's first, and the p-value of "they are strangers".
        p: p-values of "they are strangers", adjusted for the number of candidates, of those of whom it was asked.
    """

    child: str
    weights: "xarray.Dataset"
    features: "Mapping[str, xarray.DataArray]" = dataclasses.field(default_factory=dict)
    on_noise: bool = False
    probabilities: "xarray.DataArray | None" = None
    among_relatives: bool = False
    nobody: str = "none of these"
    counters: Mapping[str, Mapping[str, int]] = dataclasses.field(default_factory=dict)
    not_plain: Mapping[str, str] = dataclasses.field(default_factory=dict)
    left_out: Mapping[str, str] = dataclasses.field(default_factory=dict)
    skipped: Mapping[str, str] = dataclasses.field(default_factory=dict)
    matched: Mapping[str, float] = dataclasses.field(default_factory=dict)
    p: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def select(self, candidates: Sequence[str]) -> "Measured":
        """Returns what was measured as if only these candidates had been there; a detector's shares do not add up."""
        kept = list(candidates)
        return dataclasses.replace(
            self,
            weights=self.weights.sel(parent=kept),
            features={name: scores.sel(parent=kept) for name, scores in self.features.items()},
            probabilities=self._probabilities_of(kept),
        )

    @property
    def shares(self) -> dict[str, float]:
        """The probabilities by name; none where no detector was asked."""
        found = self.probabilities
        return {} if found is None else dict(zip(found["parent"].values.tolist(), found.values.tolist(), strict=True))

    def _probabilities_of(self, kept: list[str]) -> "xarray.DataArray | None":
        asked = [name for name in self.shares if name in kept] if self.among_relatives else kept
        if self.probabilities is None or (self.among_relatives and len(asked) < 2):
            return None
        return self.probabilities.sel(parent=asked)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whose child a network is, and what speaks for it.

    Attributes:
        child: its name.
        prediction: the candidate named, or None.
        relation: one of `RELATIONS`.
        decided_by: what chose: "centred kernel cosine" where one or none is related, else "information about weights"
            or "detector".
        nearest: the candidate of highest centred kernel cosine among those that could be compared, or the one that
            shares most where none could; None where every candidate is the child itself.
        related: the relatives and their centred kernel cosines, the highest first.
        opposite: candidates that are related with the opposite sign, and their centred kernel cosines.
        near_ties: relatives that are almost as near as the nearest.
        counted_after: relatives that by their counters came after the child.
        incomparable: candidates of which too little could be compared, and the share.
        first: who came first by counters, "candidate" or "child", or None.
        place: how the one named and the child lie to each other, as `lineage.place` says.
        mixture: what each parent weighs in a child of several; empty for any other.
    """

    child: str
    prediction: str | None
    relation: str
    decided_by: str
    nearest: str | None
    related: dict[str, float] = dataclasses.field(default_factory=dict)
    opposite: dict[str, float] = dataclasses.field(default_factory=dict)
    near_ties: tuple[str, ...] = ()
    counted_after: tuple[str, ...] = ()
    incomparable: dict[str, float] = dataclasses.field(default_factory=dict)
    first: str | None = None
    place: str | None = None
    mixture: dict[str, float] = dataclasses.field(default_factory=dict)


def verdict_of(measured: Measured, between: "Mapping[str, float]", mixture: "Mapping[str, float]") -> Verdict:
    """Says whose child a network is.

    Args:
        measured: what was measured.
        between: centred kernel cosines of the candidate that `name_one` names with the other relatives.
        mixture: what each relative weighs in the child, where a mixture explains it; empty where none does.
    """
    weights = measured.weights
    if not weights.sizes["parent"]:
        (itself, *_) = measured.left_out
        return Verdict(
            child=measured.child, prediction=itself, relation="same network", decided_by="identity", nearest=None
        )
    related = relatives(weights)
    prediction, decided_by = name_one(measured)
    incomparable = {name: weights["compared"].sel(parent=name).item() for name in set_aside(weights)}
    came_first = {name: first(measured, name) for name in related}
    lies = lambda name: place_of(name, related, between)  # noqa: E731
    parts = [name for name in mixture if name in related]
    heaviest = max(parts, key=lambda name: mixture[name]) if parts and prediction else prediction
    verdict = Verdict(
        child=measured.child,
        prediction=heaviest,
        relation="none of these" if len(incomparable) < weights.sizes["parent"] else "cannot be compared",
        decided_by=decided_by,
        nearest=nearest(weights),
        related=related,
        opposite=opposites(weights),
        near_ties=ties(
            by_information(weights, [name for name in related if came_first[name] != "child"]), named=prediction
        ),
        counted_after=tuple(name for name in related if came_first[name] == "child"),
        incomparable=incomparable,
        first=came_first[prediction] if prediction else None,
        place=lies(prediction) if prediction else None,
        mixture=dict(mixture) if prediction else {},
    )
    return dataclasses.replace(verdict, relation=_relation(verdict)) if prediction else verdict


def _relation(verdict: Verdict) -> str:
    """Says how the candidate named and the child are related; where two cues contradict each other, neither counts."""
    if verdict.mixture:
        return "mixture"
    if verdict.first == "child":
        return "descendant"
    if verdict.place == "siblings":
        return "related"
    return "parent" if verdict.first == "candidate" or verdict.place == "between" else "related"


def name_one(measured: Measured) -> tuple[str | None, str]:
    """Names one of the relatives, or none, and says what chose: kernels, information, or a detector."""
    from lineage_jax import lineage

    related = relatives(measured.weights)
    if measured.probabilities is not None:
        allowed = [
            name for name in measured.probabilities["parent"].values if name in related or name == measured.nobody
        ]
        if related and allowed:
            chosen = lineage.decide(measured.probabilities.sel(parent=allowed)).prediction.item()
            return (None if chosen == measured.nobody else chosen), "detector"
    possible = possible_parents(measured)
    return next(iter(possible), None), BY_INFORMATION if len(possible) > 1 else DECISIVE.replace("_", " ")


def possible_parents(measured: Measured) -> list[str]:
    """Returns the relatives that may be the parent, the one that gives most information first.

    Those that by their counters came after the child are among them only where there is no other.
    """
    related = relatives(measured.weights)
    earlier = [name for name in related if first(measured, name) != "child"] or list(related)
    return list(by_information(measured.weights, earlier))


def by_information(weights: "xarray.Dataset", names: Sequence[str]) -> dict[str, float]:
    """Returns the bits a weight that some candidates give, the nearest first; of equals the first named."""
    bits = {name: weights[NEAREST].sel(parent=name).item() for name in names}
    return dict(sorted(bits.items(), key=lambda item: -item[1]))


def votes(features: "Mapping[str, xarray.DataArray]", candidates: Sequence[str]) -> dict[str, int]:
    """Returns how many scores name each of some candidates."""
    from lineage_jax import lineage

    named = [lineage.decide(scores.sel(parent=list(candidates))).prediction.item() for scores in features.values()]
    return {name: named.count(name) for name in candidates}


def set_aside(weights: "xarray.Dataset") -> list[str]:
    """Returns the candidates of which too little could be compared."""
    from lineage_jax import lineage

    return weights["parent"].values[weights["compared"].values < lineage.LEAST_COMPARED].tolist()


def relatives(weights: "xarray.Dataset") -> dict[str, float]:
    """Returns the candidates that are related to the child and their centred kernel cosines, the highest first."""
    found = {name: cosine for name, cosine in _cosines(weights).items() if cosine >= least_cosine(weights, name)}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def opposites(weights: "xarray.Dataset") -> dict[str, float]:
    """Returns the candidates that are related with the opposite sign and their centred kernel cosines."""
    return {name: cosine for name, cosine in _cosines(weights).items() if -cosine >= least_cosine(weights, name)}


def operands(measured: Measured) -> list[str]:
    """Returns the candidates that a child may be mixed from: the nearest relatives of either sign that came before."""
    found = relatives(measured.weights) | opposites(measured.weights)
    earlier = [name for name in found if first(measured, name) != "child"]
    return sorted(earlier, key=lambda name: -abs(found[name]))[:MOST_OPERANDS]


def least_cosine(weights: "xarray.Dataset", name: str) -> float:
    """Returns the cosine from which on a candidate is related: that of no strangers, nor of chance among few weights.

    Examples:
        >>> import xarray
        >>> few = xarray.Dataset({"chance": ("parent", [0.1, 0.001])}, coords={"parent": ["a", "b"]})
        >>> least_cosine(few, "a"), least_cosine(few, "b")
        (0.4, 0.08)
    """
    from lineage_jax import lineage

    return max(lineage.UNRELATED, lineage.CHANCE * weights["chance"].sel(parent=name).item())


def nearest(weights: "xarray.Dataset") -> str:
    """Returns the candidate of highest centred kernel cosine, or the one that shares most if none can be compared."""
    found = _cosines(weights)
    shares = dict(zip(weights["parent"].values.tolist(), weights["compared"].values.tolist(), strict=True))
    return max(found, key=found.__getitem__) if found else max(shares, key=shares.__getitem__)


def _cosines(weights: "xarray.Dataset") -> dict[str, float]:
    aside = set_aside(weights)
    pairs = zip(weights["parent"].values.tolist(), weights[DECISIVE].values.tolist(), strict=True)
    return {name: cosine for name, cosine in pairs if name not in aside}


def ties(bits: Mapping[str, float], named: str | None) -> tuple[str, ...]:
    """Returns the relatives that are almost as near as the nearest, but for the one that is named.

    Args:
        bits: the nearest first, as `by_information` returns them.
        named: whom a detector may have chosen, though others give more.

    Examples:
        >>> bits = {"a": 2.71, "b": 2.65, "c": 0.8}
        >>> ties(bits, "a"), ties(bits, "b"), ties({"a": 0.3, "b": 0.1}, "a")
        (('b',), ('a',), ())
    """
    most = max(bits.values(), default=0.0)
    return tuple(name for name, value in bits.items() if name != named and most - value < NEAR_TIE)


def first(measured: Measured, candidate: str) -> str | None:
    """Says who came first by the counters of the modules that correspond: "candidate", "child" or None."""
    from lineage_jax import lineage

    row = measured.weights.sel(parent=candidate)
    modules = {candidate: row["parent_module"].item(), measured.child: row["child_module"].item()}
    of_candidate, of_child = (
        inside(measured.counters.get(name, {}), modules[name]) for name in (candidate, measured.child)
    )
    return lineage.first_by_counters(of_candidate, of_child)


def inside(counters: Mapping[str, int], module: str) -> dict[str, int]:
    """Returns the counters of what lies in a module, by the path inside."""
    paths = {name.replace(".", "/"): count for name, count in counters.items()}
    start = f"{module}/" if module else ""
    return {path.removeprefix(start): count for path, count in paths.items() if path.startswith(start)}


def place_of(candidate: str, related: Mapping[str, float], between: Mapping[str, float]) -> str | None:
    """Says how a candidate and the child lie to each other, seen from the other relatives."""
    from lineage_jax import lineage

    others = {name: cosine for name, cosine in between.items() if name in related and name != candidate}
    return lineage.place(candidate, related, others)
