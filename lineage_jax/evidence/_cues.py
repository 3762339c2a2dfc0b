"""Who of two relatives came first: what their files and weights show, and how both lie to third relatives."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from lineage_jax import checkpoints
from lineage_jax.checkpoints import LoadedNetwork
from lineage_jax.evidence._subject import Sides
from lineage_jax.evidence._verdict import inside
from lineage_jax.evidence._wording import listed
from lineage_jax.leaves import kernels_among

if TYPE_CHECKING:
    from lineage_jax.lineage import Cue, Likeness

MOST_EQUAL = 0.05
"""Share of single weights that are equal above which a third relative is not asked."""


def cues_of_pair(child: LoadedNetwork, candidate: LoadedNetwork, sides: Sides) -> "tuple[Cue, ...]":
    """Returns what two networks alone show.

    Args:
        child: the child.
        candidate: a relative.
        sides: their leaves, the candidate's units in the child's order.
    """
    from lineage_jax import lineage

    steps = {network: checkpoints.training_state(network.file).get("steps") for network in (child, candidate)}
    found = (
        lineage.cue_by_counters(
            inside(candidate.counters, sides.modules["candidate"]),
            inside(child.counters, sides.modules["child"]),
            candidate_steps=steps[candidate],
            child_steps=steps[child],
        ),
        lineage.cue_by_rounding(sides.candidate, sides.child),
        lineage.cue_by_zeros(sides.candidate, sides.child),
        lineage.cue_by_head(_classes(candidate), _classes(child)),
    )
    return tuple(each for each in found if each is not None)


def _classes(network: LoadedNetwork) -> int | None:
    """Returns how many classes a network of known architecture has, if it has its head."""
    headless = network.match is not None and network.match.headless
    return None if headless else getattr(network.network, "num_classes", None)


def share_of_equal(sides: Sides) -> float:
    """Returns the share of single weights that are equal bit for bit, of kernels that are not so as a whole.

    Zeros do not count. Training moves all weights of a kernel or none; of a network that was put together from another
    one's weights, to look as if it lay on the way to a third, this share remains.
    """
    equal = total = 0
    for path in kernels_among(sides.child):
        ours, theirs = sides.child[path], sides.candidate.get(path)
        if theirs is not None and theirs.shape == ours.shape and not np.array_equal(ours, theirs):
            alive = ours != 0
            equal += int(np.count_nonzero((ours == theirs) & alive))
            total += int(np.count_nonzero(alive))
    return equal / total if total else 0.0


def place_in_words(name: str, of_child: "Mapping[str, Likeness]", of_candidate: "Mapping[str, Likeness]") -> list[str]:
    """Says who lies between the others, where nothing tells at which end the beginning is: what weights do show.

    Args:
        name: the candidate.
        of_child: how the child and its relatives are alike.
        of_candidate: the same of the candidate and the others.
    """
    from lineage_jax import lineage

    middles = lineage.between(name, of_child, of_candidate)
    others = {middle: [other for other, one in middles.items() if one == middle] for middle in middles.values()}
    lines = {
        "candidate": "it lies between the child and {}; one of these descends from it",
        "child": "the child lies between it and {}; one of these descends from the child",
        "third": "between it and the child lies {}, from which one of them descends",
    }
    return [lines[middle].format(listed(them)) for middle, them in others.items()]
