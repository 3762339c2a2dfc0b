"""Candidates that look like strangers where their units stand, and are relatives once these are matched.

Matching takes long among strangers, so it is tried only where nobody is related as they stand: a network that somebody
renumbered is looked for when there is no better answer, and where there is one it costs nothing.

Whoever rescaled units decided how much each counts in any sum over weights, and with it which of several relatives is
nearest. So the child's are brought to one size first (`symmetry.equalise`), and the candidates' to the child's.
"""

import dataclasses
from collections.abc import Mapping, Sequence
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
    """Returns the question with laundered relatives' units in the child's order, all of one size; None without any.

    Where units cannot be matched, as those of a transformer whose stream was turned, hidden layers alone are brought.

    Args:
        question: a child and its candidates.
        strangers: those to look at, all of whom look like strangers as they stand.
    """
    subject = Subject(network=question.child)
    return _matched(question, subject, strangers) or _turned(question, subject, strangers)


def _matched(question: Question, subject: Subject, strangers: Sequence[str]) -> Question | None:
    found: dict[bool, dict[str, tuple[Weights, float]]] = {True: {}, False: {}}
    for name in strangers:
        sides = subject.beside(question.parents[name])
        free, _ = movable(subject, sides)
        tests = KINDS * sides.among * len(strangers)
        if free and free.is_matched(free.candidate, ACCUSED / tests):
            p = tests * free.matched().p
            if sides.orders is not None:
                free = dataclasses.replace(free, child=subject.equalised)
            found[sides.orders is not None][name] = free.aligned(free.aligning()), p
    if found[True]:
        child = replace_leaves(question.child.variables, subject.equalised)
        kin = {
            name: replace_leaves(question.parents[name].variables, leaves) for name, (leaves, _) in found[True].items()
        }
        return _with(question, child, kin, {name: p for name, (_, p) in found[True].items()}, others=True)
    kin = {name: leaves for name, (leaves, _) in found[False].items()}
    return _with(question, subject.weights, kin, {name: p for name, (_, p) in found[False].items()}) if kin else None


def _turned(question: Question, subject: Subject, strangers: Sequence[str]) -> Question | None:
    kin: dict[str, Weights] = {}
    p: dict[str, float] = {}
    hidden: Weights = {}
    for name in strangers:
        free, _ = movable(subject, subject.beside(question.parents[name]))
        evidence = free and free.by_inner_products()
        tests = KINDS * len(strangers)
        if free and evidence and evidence.p <= ACCUSED / tests:
            kin[name], ours = free.turned_back()
            p[name], hidden = tests * evidence.p, hidden | ours
    if not kin:
        return None
    restored = _with(question, replace_leaves(question.child.variables, hidden), kin, p, others=True)
    return dataclasses.replace(restored, partial="streams were turned, and hidden layers alone were turned back")


def _with(
    question: Question, child: "Params", kin: "Mapping[str, Params]", p: dict[str, float], *, others: bool = False
) -> Question:
    """Returns the question with other arrays of the child and its kin; `others` of its program are named as it is."""
    arrays = {name: _in_memory(question.parents[name], tree) for name, tree in kin.items()}
    strange = {
        name: _in_memory(each, each.variables)
        for name, each in question.parents.items()
        if others and name not in kin and obstacle([each, question.child]) is None
    }
    return dataclasses.replace(
        question,
        child=_in_memory(question.child, child),
        parents=question.parents | arrays | strange,
        matched=p,
    )


def _in_memory(network: LoadedNetwork, tree: "Params") -> LoadedNetwork:
    """Returns a network with other arrays than its file has."""
    return dataclasses.replace(network, tree=tree, file=None, match=None)
