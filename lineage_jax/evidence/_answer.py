"""The answer to "whose child is this?": a verdict, what it rests on, and everything as words, tables or JSON."""

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lineage_jax.evidence import _wording
from lineage_jax.evidence._scores import Scores
from lineage_jax.evidence._verdict import DECISIVE, Measured, Verdict, name_one, votes

if TYPE_CHECKING:
    import xarray


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Answer:
    """Whose child a network is, and what says so.

    `print(answer)` shows what the command says at its end; `as_dict()` is what it prints as JSON.

    Attributes:
        verdict: whose.
        measured: what the verdict rests on.
        compared: what was compared, for programs: the layer and the probes, or why only weights; the detector.
        scores: by kind of score an `xarray.DataArray` over parent: of features, of weights, a detector's probabilities.
        file_notes: by network how its file was read, where there is something to say.
    """

    verdict: Verdict
    measured: Measured
    compared: Mapping[str, Any]
    scores: Scores
    file_notes: Mapping[str, list[str]] = dataclasses.field(default_factory=dict)

    @property
    def child(self) -> str:
        """What the child is called."""
        return self.verdict.child

    @property
    def prediction(self) -> str | None:
        """The candidate that is named, or None."""
        return self.verdict.prediction

    @property
    def relation(self) -> str:
        """One of `RELATIONS`."""
        return self.verdict.relation

    @property
    def sentence(self) -> str:
        """The verdict in one line."""
        return _wording.sentence(self.measured, self.verdict)

    @property
    def notes(self) -> list[str]:
        """A line for everything beside the verdict that a reader should know."""
        return list(_wording.notes(self.measured, self.verdict))

    @property
    def weights(self) -> "xarray.Dataset":
        """What `lineage.overlap` found, over parent; candidates that are the child itself are left out."""
        return self.measured.weights

    @property
    def probabilities(self) -> "xarray.DataArray | None":
        """A detector's probabilities over parent, or None where none was asked.

        The one of evidence, as it comes with the library, is asked only where several candidates are related, and which
        of these is the parent if one of them is.
        """
        return self.measured.probabilities

    def __str__(self) -> str:
        """Says the verdict, then what else should be known."""
        return "\n".join([self.sentence, *self.notes])

    def __repr__(self) -> str:
        """Says the verdict in a word."""
        return f"Answer(child={self.child!r}, prediction={self.prediction!r}, relation={self.relation!r})"

    def as_dict(self) -> dict[str, Any]:
        """Returns everything that the tables and lines say, as JSON can hold it.

        Returns:
            `prediction` (a candidate or None), `relation` (one of `RELATIONS`), the sentence as `verdict` and the lines
            beside it as `notes`; `nearest`, the candidate of highest centred kernel cosine; `p`, of the candidate named
            the p-value of "the two are strangers", adjusted for the number of candidates; `matched`, the candidates
            whose units were brought to the child's order first; `compared`, the share of
            the child's kernels that was, and `identical`, how many tensors are bit for bit equal, both of the candidate
            named or else the nearest; `direction`, who came first by counters and how both lie among the other
            relatives; `also related`, `opposite` and `not compared` with their cosines or shares; `near-ties`;
            `mixture`, what every parent weighs; candidates that were `left out` or `skipped`, and why; `named by`, what
            chose; `layer` and `probes`, or `weights only`, why; `detector`, which one was asked, and its
            `probabilities`; `notes of files`; `shared`, how much each candidate shares; `scores`, a row for each kind.
        """
        weights = self.weights
        return {
            **_wording.as_json(self.measured, self.verdict),
            "named by": _named_by(self.measured, self.verdict),
            "probabilities": self.measured.shares,
            **self.compared,
            "notes of files": dict(self.file_notes),
            "shared": {"of": dict(weights.attrs), "by parent": _shared(weights)},
            "scores": [_row(kind, scores) for kind, scores in self.scores.items()],
        }


def _row(kind: str, scores: "xarray.DataArray") -> dict[str, Any]:
    """Returns one kind of score and whom it names."""
    from lineage_jax import lineage

    decision = lineage.decide(scores)
    margin = decision.margin.item()
    return {
        "score": kind,
        "prediction": decision.prediction.item(),
        "margin": margin if math.isfinite(margin) else None,
        "ranking": decision.ranking.values.tolist(),
        "by parent": {parent: scores.sel(parent=parent).item() for parent in scores["parent"].values.tolist()},
    }


def _shared(weights: "xarray.Dataset") -> dict[str, dict[str, Any]]:
    """Returns by candidate how much it shares with the child."""
    from lineage_jax import lineage

    return {
        parent: {name: weights[name].sel(parent=parent).item() for name in lineage.SHARES}
        for parent in weights["parent"].values.tolist()
    }


def _named_by(measured: Measured, verdict: Verdict) -> dict[str, Any]:
    """Returns what chose the candidate named, or the nearest where none is, and what else speaks for it."""
    found: dict[str, Any] = {"decided by": verdict.decided_by}
    name, everyone = verdict.prediction or verdict.nearest, measured.weights["parent"].values.tolist()
    if name is None or name not in everyone:
        return found
    row = measured.weights.sel(parent=name)
    if measured.features:
        found |= {"scores": votes(measured.features, everyone)[name], "of": len(measured.features)}
    if name in measured.shares:
        without = name_one(dataclasses.replace(measured, probabilities=None))
        found |= {
            "probability": measured.shares[name],
            "without the detector": {"prediction": without[0], "decided by": without[1]},
        }
    return found | {"centred kernel cosine": row[DECISIVE].item(), "kernel cosine": row["kernel_cosine"].item()}
