"""What was found of one child against each of its candidates, and what may be claimed."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from lineage_jax.evidence import _statement
from lineage_jax.evidence._claims import KIN, RELATED, UNDECIDED, UNRELATED
from lineage_jax.evidence._finding import Finding, plain


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Verification:
    """What may be claimed of a child and its candidates, and on what grounds.

    `print(verification)` says it in words; `as_dict()` is what `lineage-jax verify --json` prints.

    Attributes:
        child: its name.
        findings: by candidate.
        fpr: the rate of false accusations that was asked for: the most that the probability may be of claiming a
            kinship with any candidate when all of them are strangers.
        skipped: candidates that could not be read, and why.
        facts: of each network its path, SHA-256, architecture and container, as far as it has them.
        versions: of what computed this.
        seed: of the random numbers in it.
    """

    child: str
    findings: Mapping[str, Finding]
    fpr: float
    skipped: Mapping[str, str] = dataclasses.field(default_factory=dict)
    facts: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    seed: int = 0

    @property
    def status(self) -> int:
        """0 where a kinship is claimed; 3 where its absence is, of every candidate that was given; 4 for neither."""
        relations = {finding.relation for finding in self.findings.values()}
        if relations & set(KIN):
            return RELATED
        return UNRELATED if relations == {"unrelated"} and not self.skipped else UNDECIDED

    @property
    def sentence(self) -> str:
        """What may be claimed, in one line."""
        return _statement.sentence(self.child, self.findings, self.fpr)

    @property
    def notes(self) -> list[str]:
        """A line for everything else that a reader should know."""
        return list(_statement.notes(self.findings, self.skipped))

    def __str__(self) -> str:
        """Says what may be claimed, then what else should be known."""
        return "\n".join([self.sentence, *self.notes])

    def __repr__(self) -> str:
        """Says the relations in a line."""
        relations = {name: finding.relation for name, finding in self.findings.items()}
        return f"Verification(child={self.child!r}, {relations}, fpr={self.fpr:g})"

    def as_dict(self) -> dict[str, Any]:
        """Returns everything as JSON can hold it.

        Returns:
            `child`, the `sentence`, the `notes` and the `status`; `fpr`; `findings` by candidate, each with all its
            fields and its evidence layer by layer; `skipped`, `facts`, `versions` and `seed`.
        """
        return {
            "child": self.child,
            "sentence": self.sentence,
            "notes": self.notes,
            "status": self.status,
            "fpr": self.fpr,
            "findings": {name: finding.as_dict() for name, finding in self.findings.items()},
            "skipped": dict(self.skipped),
            "facts": plain(self.facts),
            "versions": dict(self.versions),
            "seed": self.seed,
        }
