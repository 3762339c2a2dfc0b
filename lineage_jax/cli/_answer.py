"""Who the parent is: how scores decide, and everything that is said about it."""

import collections
import dataclasses
from typing import TYPE_CHECKING, Any

from lineage_jax.cli._features import Scores

if TYPE_CHECKING:
    import xarray


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """Who the parent is, and what says so.

    Attributes:
        prediction: the parent named.
        named_by: which scores name it.
        evidence: what was compared.
        kinds: all scores.
        weights: what `lineage.overlap` found.
        verdict: one line.
    """

    prediction: str
    named_by: dict[str, Any]
    evidence: dict[str, Any]
    kinds: Scores
    weights: "xarray.Dataset"
    verdict: str


def choose(kinds: Scores, cosine: "xarray.DataArray", *, on_noise: bool) -> tuple[str, str]:
    """Returns the parent that the scores speak for, and which decide: approximated scores by majority, or kernels.

    Features of unrelated networks can look alike, and on noise even those of relatives mislead: on real networks of one
    initialisation the majority was wrong on noise where it was right on images, and kernels were right throughout. So
    only candidates whose kernels are related to the child's are voted for where there are any, and on noise the kernels
    decide among those themselves. The first of several wins at a tie.
    """
    from lineage_jax import lineage

    related = cosine["parent"].values[cosine.values >= lineage.UNRELATED].tolist()
    if len(related) == 1 or (related and on_noise):
        return lineage.decide(cosine).prediction.item(), "kernel cosine"
    among = [scores.sel(parent=related) for scores in approximated(kinds)] if related else approximated(kinds)
    votes = collections.Counter(lineage.decide(scores).prediction.item() for scores in among)
    return votes.most_common(1)[0][0], "approximated scores"


def votes_for(parent: str, kinds: Scores) -> tuple[int, int]:
    """Returns how many approximated scores name a parent among all candidates, and of how many."""
    from lineage_jax import lineage

    named = [lineage.decide(scores).prediction.item() for scores in approximated(kinds)]
    return named.count(parent), len(named)


def approximated(kinds: Scores) -> "list[xarray.DataArray]":
    """Returns the scores of the Taylor and of the exact form."""
    return [scores for kind, scores in kinds.items() if "taylor" in kind or "exact" in kind]


def summary(child: str, answer: Answer) -> dict[str, Any]:
    """Collects everything the tables say, for programs."""
    from lineage_jax import lineage

    rows = []
    for kind, scores in answer.kinds.items():
        decision = lineage.decide(scores)
        rows.append(
            {
                "score": kind,
                "prediction": decision.prediction.item(),
                "margin": decision.margin.item(),
                "ranking": decision.ranking.values.tolist(),
                "by parent": {parent: scores.sel(parent=parent).item() for parent in scores["parent"].values.tolist()},
            }
        )
    weights = answer.weights
    shared = {
        parent: {name: weights[name].sel(parent=parent).item() for name in lineage.SHARES}
        for parent in weights["parent"].values.tolist()
    }
    return {
        "child": child,
        "prediction": answer.prediction,
        "named by": answer.named_by,
        **answer.evidence,
        "shared": {"of": dict(weights.attrs), "by parent": shared},
        "scores": rows,
    }
