"""Candidates that look like strangers where their units stand, and are relatives once these are matched.

Matching takes long among strangers, so it is tried only where nobody is related as they stand: a network that somebody
renumbered is looked for when there is no better answer, and where there is one it costs nothing.
"""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lineage_jax.checkpoints import LoadedNetwork, obstacle
from lineage_jax.evidence._further import movable
from lineage_jax.evidence._p import ACCUSED, KINDS
from lineage_jax.evidence._question import Question
from lineage_jax.evidence._subject import Subject
from lineage_jax.leaves import Weights, replace_leaves

if TYPE_CHECKING:
    from lineage_jax.typing import Params


def brought_back(question: Question, strangers: Sequence[str]) -> Question | None:
    """Returns the question with the units of laundered relatives in the child's order, or None where there is none.

    Args:
        question: a child and its candidates.
        strangers: those to look at, all of whom look like strangers as they stand.
    """
    subject = Subject(network=question.child)
    found: dict[bool, dict[str, tuple[Weights, float]]] = {True: {}, False: {}}
    for name in strangers:
        sides = subject.beside(question.parents[name])
        free, _ = movable(subject, sides)
        tests = KINDS * sides.among * len(strangers)
        if free and free.is_matched(free.candidate, ACCUSED / tests):
            p = tests * free.matched().p
            found[sides.orders is not None][name] = free.aligned(free.aligning()), p
    if found[True]:
        child: Params = question.child.variables
        kin = {
            name: _in_memory(question.parents[name], replace_leaves(question.parents[name].variables, leaves))
            for name, (leaves, _) in found[True].items()
        }
        others = {
            name: _in_memory(each, each.variables)
            for name, each in question.parents.items()
            if name not in kin and obstacle([each, question.child]) is None
        }
    else:
        child, others = subject.weights, {}
        kin = {name: _in_memory(question.parents[name], leaves) for name, (leaves, _) in found[False].items()}
    if not kin:
        return None
    return dataclasses.replace(
        question,
        child=_in_memory(question.child, child),
        parents=question.parents | kin | others,
        matched={name: p for name, (_, p) in found[bool(found[True])].items()},
    )


def _in_memory(network: LoadedNetwork, tree: "Params") -> LoadedNetwork:
    """Returns a network with other arrays than its file has."""
    return dataclasses.replace(network, tree=tree, file=None, match=None)
