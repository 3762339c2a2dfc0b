"""What was found of a child and one candidate."""

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lineage_jax.evidence._claims import KIN

if TYPE_CHECKING:
    from lineage_jax.kinship import Evidence
    from lineage_jax.lineage import Cue


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Finding:
    """What was found of the child and one candidate.

    Attributes:
        candidate: its name.
        relation: one of `CLAIMS`.
        p: the p-value of "the two are strangers" over all kinds of evidence, NaN where nothing could be judged, 0 for
            a copy bit for bit.
        p_holm: the same, adjusted for all candidates that were judged; a kinship is claimed where it is at most the
            rate of false accusations that was asked for.
        probability: calibrated probability of a kinship, NaN where nothing could be judged.
        cosine: centred kernel cosine, of matched units where these were matched.
        compared: share of the child's kernel weights that have a counterpart.
        shared: how many tensors have one.
        tensors: how many the child has.
        identical: how many are equal bit for bit, constant ones apart.
        evidence: the kinds of evidence that were looked at.
        aligned: the candidate's units were put into the order of the child's.
        limit: centred kernel cosine down to which a relative would have been found, its units in their places; None
            where none would, or where one was found.
        limit_matched: the same, its units renumbered.
        cues: what speaks for one of the two having come first.
        notes: what else should be known, a line each.
    """

    candidate: str
    relation: str
    p: float = math.nan
    p_holm: float = math.nan
    probability: float = math.nan
    cosine: float = 0.0
    compared: float = 0.0
    shared: int = 0
    tensors: int = 0
    identical: int = 0
    evidence: "tuple[Evidence, ...]" = ()
    aligned: bool = False
    limit: float | None = None
    limit_matched: float | None = None
    cues: "tuple[Cue, ...]" = ()
    notes: tuple[str, ...] = ()

    @property
    def is_kin(self) -> bool:
        """A kinship is claimed."""
        return self.relation in KIN

    def as_dict(self) -> dict[str, Any]:
        """Returns everything as JSON can hold it."""
        return {field.name: plain(getattr(self, field.name)) for field in dataclasses.fields(self)}


def plain(value: Any) -> Any:
    """Brings nested values to what JSON can hold; numbers that it cannot are None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
