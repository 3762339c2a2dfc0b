"""From networks to a verdict on one child: what is measured, and everything that is said about it."""

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lineage_jax.checkpoints import Asked, Loaded
from lineage_jax.evidence import _wording
from lineage_jax.evidence._features import Scores
from lineage_jax.evidence._verdict import DECISIVE, Measured, Verdict, judge, name_one, operands, relatives, votes

if TYPE_CHECKING:
    import xarray

    from lineage_jax.typing import Params


LEAST_WEIGHT = 0.05
"""Share in a mixture below which a relative had no part in it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """Whose child a network is, and what says so.

    Attributes:
        verdict: whose.
        measured: what the verdict rests on.
        evidence: what was compared.
        kinds: all scores.
    """

    verdict: Verdict
    measured: Measured
    evidence: dict[str, Any]
    kinds: Scores


def weigh(asked: Asked, trees: "Mapping[str, Params]", tree: "Params") -> Measured:
    """Compares weights; a candidate all of whose weights are the child's is the child itself and left out.

    Args:
        asked: the networks.
        trees: arrays of the candidates.
        tree: arrays of the child.
    """
    from lineage_jax import lineage

    weights = lineage.overlap(trees or {asked.child: tree}, tree)
    weights = weights.assign(compared=weights["compared"] * _brought(asked.suspect, weights.attrs["parameters"]))
    left_out = {name: how for name in asked.parents if (how := _itself(asked, name, weights.sel(parent=name)))}
    networks = {asked.child: asked.suspect, **asked.parents}
    return Measured(
        child=asked.child,
        weights=weights.sel(parent=[name for name in asked.parents if name not in left_out]),
        counters={name: loaded.counters for name, loaded in networks.items()},
        lacking={name: said for name, loaded in networks.items() if (said := lacking(loaded))},
        left_out=({asked.child: "the same place"} if asked.among else {}) | left_out,
        skipped=asked.skipped,
    )


def _brought(loaded: Loaded, parameters: int) -> float:
    """Returns the share of a network's weights that are in a form that can be compared."""
    tensors = loaded.file.tensors if loaded.file else {}
    held_back = sum(tensors[name].size for name in loaded.unresolved if name in tensors)
    return parameters / (parameters + held_back)


def _itself(asked: Asked, name: str, row: "xarray.Dataset") -> str | None:
    """Says by what a candidate shows to be the child itself, or None where it is another network."""
    one, other = asked.parents[name], asked.suspect
    if one.file and other.file and (one.file.sha256, one.file.nesting) == (other.file.sha256, other.file.nesting):
        return "an equal file"
    tensors = row["tensors"].item()
    if tensors == row.attrs["tensors"] and row["overlap_distance"].item() == 0 and not other.unresolved:
        return f"all {tensors:,} tensors are bit for bit equal"
    return None


def lacking(loaded: Loaded) -> str | None:
    """Says what of a network takes no part, or None where all does."""
    unresolved, buffers = loaded.unresolved, loaded.file.buffers if loaded.file else {}
    said = []
    if unresolved:
        name, reason = next(iter(unresolved.items()))
        said.append(f"{len(unresolved):,} tensors cannot be brought to plain weights, '{name}' for one ({reason})")
    return "; ".join(said) + (f" and {len(buffers):,} buffers are no weights" if said and buffers else "") or None


def conclude(measured: Measured, trees: "Mapping[str, Params]", tree: "Params") -> Verdict:
    """Looks at how the relatives lie to each other, where there are several, and says whose child it is."""
    from lineage_jax import lineage

    related = relatives(measured.weights)
    named, _ = name_one(measured)
    others = {name: trees[name] for name in related if name != named}
    among: dict[str, float] = {}
    if named and others:
        found = lineage.overlap(others, trees[named])[DECISIVE]
        among = dict(zip(others, found.values.tolist(), strict=True))
    return judge(measured, among, mixed({name: trees[name] for name in operands(measured)}, tree))


def mixed(parents: "Mapping[str, Params]", child: "Params") -> dict[str, float]:
    """Returns what each relative weighs in a child of several, or nothing where a mixture does not explain it."""
    from lineage_jax import lineage

    if len(parents) < 2:
        return {}
    found = lineage.mixture(parents, child)
    if found.attrs["residual"] > lineage.MERGED * found.attrs["residual_alone"]:
        return {}
    weights = dict(zip(parents, found["weight"].values.tolist(), strict=True))
    return {name: weight for name, weight in weights.items() if abs(weight) >= LEAST_WEIGHT}


def summary(answer: Answer, loaded: Mapping[str, Loaded]) -> dict[str, Any]:
    """Collects everything the tables and lines say, for programs."""
    from lineage_jax import lineage

    rows = []
    for kind, scores in answer.kinds.items():
        decision = lineage.decide(scores)
        margin = decision.margin.item()
        rows.append(
            {
                "score": kind,
                "prediction": decision.prediction.item(),
                "margin": margin if math.isfinite(margin) else None,
                "ranking": decision.ranking.values.tolist(),
                "by parent": {parent: scores.sel(parent=parent).item() for parent in scores["parent"].values.tolist()},
            }
        )
    weights = answer.measured.weights
    shared = {
        parent: {name: weights[name].sel(parent=parent).item() for name in lineage.SHARES}
        for parent in weights["parent"].values.tolist()
    }
    return {
        **_wording.as_json(answer.measured, answer.verdict),
        "named by": named_by(answer.measured, answer.verdict),
        **answer.evidence,
        "notes of files": {name: list(network.notes) for name, network in loaded.items() if network.notes},
        "shared": {"of": dict(weights.attrs), "by parent": shared},
        "scores": rows,
    }


def named_by(measured: Measured, verdict: Verdict) -> dict[str, Any]:
    """Returns what chose the candidate named, or the nearest where none is, and what else speaks for it."""
    said: dict[str, Any] = {"decided by": verdict.decided_by}
    name, everyone = verdict.prediction or verdict.nearest, measured.weights["parent"].values.tolist()
    if name is None or name not in everyone:
        return said
    row = measured.weights.sel(parent=name)
    if measured.features:
        said |= {"scores": votes(measured.features, everyone)[name], "of": len(measured.features)}
    if measured.shares is not None:
        without = name_one(dataclasses.replace(measured, shares=None))
        said |= {
            "probability": measured.shares.sel(parent=name).item(),
            "without the detector": {"prediction": without[0], "decided by": without[1]},
        }
    return said | {"centred kernel cosine": row[DECISIVE].item(), "kernel cosine": row["kernel_cosine"].item()}
