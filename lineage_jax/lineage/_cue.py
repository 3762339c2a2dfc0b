"""A cue of which of two related networks came first, how often such a cue errs, and what several say together.

What a cue is worth was measured on pairs of known order, each from a family of its own, so that pairs are independent:
`experiments/evidence/direction.py` makes the families, and its results hold the counts that `MEASURED` repeats. The
error of a cue is the upper end of the 95 % interval of its error rate: without a single error among n families it is
about 3 / n, and a cue that could be tried on no family has error 1 and names nobody.

Of two networks alone a cue says who is older *if one descends from the other*: siblings of unequal age have counters
that differ too. Only a third relative shows that one descends from the other, or neither.

What is not among the cues: norms and kurtosis of the weights, which grow by fine-tuning without weight decay and shrink
with it; the weights' fading alone, which `cue_by_outgroup` asks beside distances; how well a network classifies; dates
of files.

    cues = [cue_by_counters(...), cue_by_outgroup(...), cue_by_rounding(...), cue_by_zeros(...), cue_by_head(...)]
    order = came_first(cues)                  # None among the cues is passed over
    order.first, order.error                  # ("candidate", 0.01)
"""

import dataclasses
from collections.abc import Iterable

LEVEL = 0.95
"""Of the interval whose upper end is the error of a cue."""

MOST_ERROR = 0.1
"""Error above which a cue is told and decides nothing."""

ORDERS = ("candidate", "child", None)
"""Who may have come first; None says that neither descends from the other."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cue:
    """One sign of which of two related networks came first.

    Attributes:
        name: what was looked at, a key of `MEASURED`.
        first: "candidate" or "child", whoever came first; None where the cue says that neither descends from the other.
            (Where nothing is said there is no cue.)
        error: upper end of the 95 % interval of how often such a cue is wrong where it decides.
        tried: on how many families that rests.
        forgeable: whether the owner of one of the two networks can make it say so without harm to the network.
        said: the same in words, a clause with "the candidate" and "the child" in it.
    """

    name: str
    first: str | None
    error: float
    tried: int
    forgeable: bool
    said: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Order:
    """What cues say together.

    Attributes:
        first: "candidate", "child", or None where they say nothing, contradict each other, or say "neither".
        error: bound of the probability that this is wrong: the smallest error among the cues that say so; 1 where
            nothing was decided.
        decided_by: names of the cues that say so.
        contradicted_by: names of the cues that say otherwise; of all that were sure, where nothing was decided.
        siblings: whether what was decided is that neither descends from the other, as far as cues show.
    """

    first: str | None
    error: float
    decided_by: tuple[str, ...] = ()
    contradicted_by: tuple[str, ...] = ()
    siblings: bool = False


MEASURED: dict[str, tuple[int, int]] = {
    "batch counters": (0, 242),
    "batches at the start": (0, 241),
    "outgroup": (0, 53),
    "rounding": (1, 241),
    "zeros": (0, 150),
}
"""Cue -> (families on which it was wrong, families on which it said anything), of small networks and public files; a
test holds it to the results of `experiments/evidence/direction.py`. "head" could be tried on none."""


def cue(name: str, first: str | None, said: str, *, forgeable: bool) -> Cue:
    """Makes a cue with the error that was measured."""
    wrong, tried = MEASURED.get(name, (0, 0))
    return Cue(name=name, first=first, error=cue_error(wrong, tried), tried=tried, forgeable=forgeable, said=said)


def cue_error(wrong: int, tried: int) -> float:
    """Returns the upper end of the one-sided 95 % interval of a rate, exact by Clopper and Pearson.

    Raises:
        ValueError: If there are more errors than trials, or fewer than none.

    References:
        Clopper and Pearson, Biometrika 26, 1934.

    Examples:
        >>> round(cue_error(0, 300), 4), round(cue_error(1, 20), 3), cue_error(0, 0)
        (0.0099, 0.216, 1.0)
    """
    if not 0 <= wrong <= tried:
        raise ValueError(f"expected from 0 to {tried} errors in {tried} trials, got {wrong}")
    if wrong == tried:
        return 1.0
    from scipy.special import betaincinv

    return float(betaincinv(wrong + 1, tried - wrong, LEVEL))


def came_first(cues: Iterable[Cue | None]) -> Order:
    """Says who came first, by all cues together.

    Cues that nobody can forge decide first; those that can be forged are asked where these are silent. Within either
    kind, cues that contradict each other cancel: then nothing is decided, and a forgeable one settles no quarrel of
    those that are not. A forgeable cue against an unforgeable one is told in `contradicted_by` and changes nothing,
    else whoever sets a counter could undo what the weights say. A cue of error above `MOST_ERROR` decides nothing, but
    one that nobody can forge still keeps forgeable ones from saying otherwise.

    Several that agree are no product of errors, for they may err together: the smallest of their errors is the bound.

    Args:
        cues: as the functions of this part return them; None is passed over.

    Examples:
        >>> by = lambda name, first, error, forgeable: Cue(
        ...     name=name, first=first, error=error, tried=300, forgeable=forgeable, said=""
        ... )
        >>> order = came_first([by("counters", "candidate", 0.02, True), by("outgroup", "candidate", 0.01, False)])
        >>> order.first, order.error, order.decided_by
        ('candidate', 0.01, ('outgroup', 'counters'))
        >>> came_first([by("counters", "child", 0.02, True), by("zeros", "candidate", 0.01, True)]).first is None
        True
    """
    told = sorted((each for each in cues if each is not None), key=lambda each: (each.forgeable, each.error))
    sure = [each for each in told if each.error <= MOST_ERROR]
    unforgeable = [each for each in told if not each.forgeable]
    asked = [each for each in sure if not each.forgeable] or [*sure, *unforgeable]
    if not sure or len({each.first for each in asked}) != 1:
        return Order(first=None, error=1.0, contradicted_by=tuple(each.name for each in sure))
    first = asked[0].first
    agreed = [each for each in sure if each.first == first]
    return Order(
        first=first,
        error=min(each.error for each in agreed),
        decided_by=tuple(each.name for each in agreed),
        contradicted_by=tuple(each.name for each in told if each.first != first),
        siblings=first is None,
    )
