"""Verdicts on files as their authors published them, each as it is and laundered."""

import dataclasses
import itertools
import math

import jax

from experiments.lab import published, runs
from lineage_jax import checkpoints, evidence, symmetry
from lineage_jax.checkpoints import LoadedNetwork
from lineage_jax.evidence._subject import Subject  # the symmetries that a verdict allows for, program or none


def judged() -> runs.Record:
    """Judges every file with those that follow it as candidates; keeps pairs that something can be said of.

    Returns:
        By child and candidate what is documented of the two, and for the child as it is and laundered the p-value of
        the pair alone and what is claimed among all candidates.
    """
    networks = dict(checkpoints.load_many(published.files(published.FOLDERS)))
    pairs: dict[str, dict[str, object]] = {}
    for number, (name, child) in enumerate(list(networks.items())[:-1]):
        others = dict(itertools.islice(networks.items(), number + 1, None))
        for how, asked in (("in place", child), ("laundered", laundered(child, number))):
            for other, finding in evidence.verify(asked, others).findings.items():
                if not math.isnan(finding.p):
                    pair = pairs.setdefault(f"{name} of {other}", {"documented": documented(name, other)})
                    pair[how] = [float(f"{finding.p:.4g}"), finding.relation]
    return {"pairs": pairs}


def documented(child: str, candidate: str) -> str:
    """Says whether two files are relatives or strangers by what their authors say."""
    groups = {published.group_of(name) for name in (child, candidate)}
    return "relatives" if len(groups) == 1 and None not in groups else "strangers"


def laundered(network: LoadedNetwork, seed: int) -> LoadedNetwork:
    """Returns a network moved by a random element: of its program, or where none is known of its order of layers."""
    subject = Subject(network=network)
    groups, leaves = subject.groups, network.variables
    if groups is None:
        groups, leaves = symmetry.groups_by_order(subject.weights), subject.weights
    moved = symmetry.apply_on_host(leaves, groups, symmetry.random(jax.random.key(seed), groups))
    return dataclasses.replace(network, tree=moved, path=None, file=None, match=None)
