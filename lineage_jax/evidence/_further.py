"""Beyond units where they stand: a candidate whose units may have been renumbered, rescaled or flipped."""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from lineage_jax.evidence._subject import Sides, Subject
from lineage_jax.leaves import Weights, kernels_among

if TYPE_CHECKING:
    from lineage_jax.kinship import Evidence
    from lineage_jax.symmetry import Element, Groups

LEAST_KERNELS = 2
"""Kernels below which there are no hidden units."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Movable:
    """A child and a candidate with what may be permuted in both.

    Attributes:
        child: leaves by path.
        candidate: the same leaves, zeros where the candidate has none of the child's shape.
        groups: of both.
        lacking: paths of those zeros.
    """

    child: Weights
    candidate: Weights
    groups: "Groups"
    lacking: tuple[str, ...]

    def evidence(self) -> "tuple[Evidence, ...]":
        """Returns the kinds of evidence that do not care for the order of units, of kernels that both have.

        Inner products are asked only of a program, which says what is a stream.
        """
        from lineage_jax import kinship

        kinds = [kinship.matched] if self.groups.by_order else [kinship.matched, kinship.by_inner_products]
        found = [each(self._shared(self.candidate), self.child, self.groups) for each in kinds]
        return tuple(each for each in found if each.layers)

    def matched(self) -> "Evidence":
        """Returns the evidence of matched units."""
        from lineage_jax import kinship

        return kinship.matched(self._shared(self.candidate), self.child, self.groups)

    def by_inner_products(self) -> "Evidence | None":
        """Returns the evidence of inner products; None without a program, or without hidden layers between streams."""
        from lineage_jax import kinship

        if self.groups.by_order:
            return None
        found = kinship.by_inner_products(self._shared(self.candidate), self.child, self.groups)
        return found if found.layers else None

    def turned_back(self) -> tuple[Weights, Weights]:
        """Returns hidden layers of the candidate, streams turned to the child's, and of the child."""
        from lineage_jax import kinship

        return kinship.turned_back(self._shared(self.candidate), self.child, self.groups)

    def is_matched(self, candidate: Weights, level: float) -> bool:
        """Says whether a network in the candidate's place shows a kinship by its matched units."""
        from lineage_jax import kinship

        return kinship.is_matched(self._shared(candidate), self.child, self.groups, level=level)

    def _shared(self, candidate: Weights) -> Weights:
        return {path: leaf for path, leaf in candidate.items() if path not in self.lacking}

    def aligning(self) -> "Element":
        """Returns what brings the candidate's units to the child's."""
        from lineage_jax import symmetry

        return symmetry.match(self.child, self.candidate, self.groups, without=self.lacking)

    def aligned(self, element: "Element") -> Weights:
        """Returns what the candidate has, its units brought to the child's."""
        from lineage_jax import symmetry

        moved = symmetry.apply_on_host(self.candidate, self.groups, element)
        return {path: leaf for path, leaf in moved.items() if path not in self.lacking}


def movable(subject: Subject, sides: Sides) -> tuple[Movable | None, str]:
    """Says what of a child and a candidate may be moved, and a line about it, empty where there is nothing to say.

    By the program where there is one, and it is checked in numbers once; else by the order of the layers in the file.
    """
    from lineage_jax import symmetry

    groups = None if sides.orders is None else subject.groups
    if groups is not None:
        try:
            subject.check_groups()
        except ValueError as error:
            return None, f"units were not matched: {error}"
        child, said = sides.child, ""
    else:
        child = {path: leaf for path, leaf in sides.child.items() if path in sides.candidate}
        if len(kernels_among(child)) < LEAST_KERNELS:
            return None, "units were not matched: too few layers correspond"
        groups = symmetry.groups_by_order(child)
        said = "units were matched as if layers were a chain in the order of the file, for no program is known of both"
    theirs = {path: leaf.shape for path, leaf in sides.candidate.items()}
    lacking = tuple(path for path, leaf in child.items() if theirs.get(path) != leaf.shape)
    candidate = {
        path: np.zeros(leaf.shape, np.float32) if path in lacking else sides.candidate[path]
        for path, leaf in child.items()
    }
    return Movable(child=child, candidate=candidate, groups=groups, lacking=lacking), said
