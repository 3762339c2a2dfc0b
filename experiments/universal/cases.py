"""What a detector of evidence learns from: families, made once, and the evidence of their children."""

import functools
import itertools
import os
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path

import ml_collections
import numpy as np

from experiments.evidence.kept import FOLDER
from experiments.universal import families
from experiments.universal.config import PLAN
from experiments.universal.families import Family
from lineage_jax.detector import Case, evidence_of
from lineage_jax.leaves import Weights, weights_of

SIBLINGS, STRANGERS = 4, 3
"""Of every child, so many other children stand beside the candidates, and so many candidates of another family."""

FamilyCases = tuple[str, list[Case]]
"""The column of a family and its cases."""

HELD = ("batch_stats",)


@functools.cache
def cases_of(kind: str, config: ml_collections.FrozenConfigDict) -> list[FamilyCases]:
    """Makes the families of a kind and returns their cases; in the folder that `FOLDER` names, cases are kept."""
    name = f"{kind} {config.families[kind]} {config.children} {config.steps}.pkl"
    path = Path(os.environ[FOLDER], name) if FOLDER in os.environ else None
    if path and path.exists():
        return pickle.loads(path.read_bytes())
    found = list(_made(kind, config))
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(found))
    return found


def _made(kind: str, config: ml_collections.FrozenConfigDict) -> Iterator[FamilyCases]:
    strangers: list[Weights] = []
    for family in _families(kind, config):
        parents = [weights_of(parent, HELD) for parent in family.parents]
        yield family.column, _cases(family, parents, strangers)
        strangers = [parents[place] for place in np.linspace(0, len(parents) - 1, STRANGERS).astype(int)]


def _families(kind: str, config: ml_collections.FrozenConfigDict) -> Iterator[Family]:
    """Yields families; those of which a run diverged are left out."""
    for number, column in zip(range(config.families[kind]), itertools.cycle(PLAN), strict=False):
        family = families.make(kind, column, number, children=config.children, steps=config.steps)
        if families.finite(family):
            yield family


def _cases(family: Family, parents: Sequence[Weights], strangers: Sequence[Weights]) -> list[Case]:
    children = [weights_of(child, HELD) for child in family.children]
    cases = []
    for place, (child, parent) in enumerate(zip(children, family.truth, strict=True)):
        siblings = [other for index, other in enumerate(children) if index != place][:SIBLINGS]
        roles = np.repeat([0, 1, 2], [len(parents), len(siblings), len(strangers)])
        evidence = evidence_of([*parents, *siblings, *strangers], child)
        cases.append(Case(evidence=evidence, label=parent, strangers=roles == 2, rivals=roles == 1))
    return cases
