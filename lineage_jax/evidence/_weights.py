"""What the weights say: how much of each candidate is in the child, and which candidates are the child itself."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lineage_jax.checkpoints import LoadedNetwork
from lineage_jax.evidence._question import Question
from lineage_jax.evidence._verdict import Measured

if TYPE_CHECKING:
    import xarray

    from lineage_jax.typing import Params


def compare_weights(question: Question, parents: "Mapping[str, Params]", child: "Params") -> Measured:
    """Compares weights; a candidate all of whose weights are the child's is the child itself and left out.

    Args:
        question: the networks.
        parents: arrays of the candidates that are compared, `{name: variables}`.
        child: arrays of the child.
    """
    from lineage_jax import lineage

    asked = question.child
    weights = lineage.overlap(parents or {asked.name: child}, child)
    weights = weights.assign(compared=weights["compared"] * share_of_plain(asked, weights.attrs["parameters"]))
    same = {
        name: how
        for name, network in question.parents.items()
        if (how := same_file(network, asked) or same_tensors(asked, weights.sel(parent=name)))
    }
    return Measured(
        child=asked.name,
        weights=weights.sel(parent=[name for name in question.parents if name not in same]),
        counters={name: network.counters for name, network in question.networks.items()},
        not_plain={name: said for name, network in question.networks.items() if (said := network.not_plain)},
        left_out=question.left_out | same,
        skipped=question.skipped,
        matched=question.matched,
    )


def share_of_plain(network: LoadedNetwork, parameters: int) -> float:
    """Returns the share of a network's weights that are in a form that can be compared."""
    tensors = network.file.tensors if network.file else {}
    held_back = sum(tensors[name].size for name in network.unresolved if name in tensors)
    return parameters / (parameters + held_back)


def same_file(candidate: LoadedNetwork, child: LoadedNetwork) -> str | None:
    """Says that a candidate's file is the child's, or None."""
    one, other = candidate.file, child.file
    if one and other and (one.sha256, one.nesting) == (other.sha256, other.nesting):
        return "an equal file"
    return None


def same_tensors(child: LoadedNetwork, row: "xarray.Dataset") -> str | None:
    """Says that a candidate has all of a child's tensors, by what `lineage.overlap` found of it, or None."""
    tensors = row["tensors"].item()
    if tensors == row.attrs["tensors"] and row["overlap_distance"].item() == 0 and not child.unresolved:
        return f"all {tensors:,} tensors are bit for bit equal"
    return None
