"""A verdict in words: one sentence, and a line for everything else that a reader should know."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from lineage_jax.evidence._p import ACCUSED
from lineage_jax.evidence._verdict import Measured, Verdict, by_information, votes

if TYPE_CHECKING:
    import xarray

LEAST_P = 1e-290
"""P-values below this one are no longer told apart: near the least that `kinship` tells, times the candidates."""

MOST_NAMES = 5
"""Names in a list before the rest is counted."""


def sentence(measured: Measured, verdict: Verdict) -> str:
    """Says the verdict in one line."""
    child, named = verdict.child, verdict.prediction
    if verdict.relation == "same network":
        how = measured.left_out[named or child]
        itself = f"{child} is itself the only candidate"
        return f"{itself}." if named == child else f"{child} is the same network as {named}: {how}."
    if verdict.relation == "cannot be compared":
        return f"{_least(measured, verdict)}."
    more = f"{_other_evidence(measured, verdict)}."
    if named is None:
        return f"{_nobody(measured, verdict)}: {_found(measured, verdict.nearest, verdict)}{more}"
    return f"{_claim(verdict)}: {_found(measured, named, verdict)}{_order(verdict)}{more}"


def _claim(verdict: Verdict) -> str:
    child, named = verdict.child, verdict.prediction
    if verdict.relation == "parent":
        return f"{named} is the most likely parent of {child}"
    if verdict.relation == "mixture":
        parts = ", ".join(f"{weight:.2f} of {name}" for name, weight in verdict.mixture.items())
        return f"{child} is a mixture, {parts}; it is related most to {named}"
    return f"{child} is related to {named}"


def _nobody(measured: Measured, verdict: Verdict) -> str:
    """Says that nobody is named, and who comes nearest."""
    child, nearest = verdict.child, verdict.nearest
    them = "none of the others" if measured.left_out else "none of these"
    if verdict.related:  # a detector says so
        return f"{them.capitalize()} is the parent of {child}, says the detector, though {nearest} is related"
    if measured.weights.sizes["parent"] == 1 and not measured.left_out:
        return f"{child} is not related to {nearest}"
    return f"{them.capitalize()} is the parent of {child}, {nearest} comes nearest"


def _found(measured: Measured, name: str | None, verdict: Verdict) -> str:
    """Says how like the child one candidate is, how the next, and how much was compared."""
    from lineage_jax import lineage

    row = measured.weights.sel(parent=name)
    cosine = row["centred_kernel_cosine"].item()
    others = {other: value for other, value in verdict.related.items() if other != name}
    following = ""
    if name and others:
        bits = by_information(measured.weights, [name, *others])
        other = next(each for each in bits if each != name)
        rank = "next" if bits[name] >= bits[other] else "nearer"
        following = f", {rank} {other} ({format_cosine(others[other])})"
        if rank == "next" and others[other] > cosine:
            following += f", though {name} gives more information about {verdict.child}"
    compared = f"{format_share(row['compared'].item())} of its kernels were compared"
    chance = cosine >= lineage.UNRELATED and name not in verdict.related and not following
    doubt = ", which units numbered at random reach too, so few are they" if chance else ""
    grounds = f"{_how_sure(measured, name)}{doubt}{following}"
    return f"centred kernel cosine {format_cosine(cosine)}{grounds}; {compared}{_equal(row)}"


def _how_sure(measured: Measured, name: str | None) -> str:
    """Says how rarely strangers are so like the child as a candidate is, where that was asked."""
    matched = ", its units matched" if name in measured.matched else ""
    p = measured.p.get(name) if name else None
    if p is None:
        return matched
    claimed = "" if p <= ACCUSED else f", too much to claim a kinship at {ACCUSED:g}"
    return f"{matched} ({format_p(p)} among strangers{claimed})"


def _order(verdict: Verdict) -> str:
    """Says which came first, and how that shows."""
    named, child = verdict.prediction, verdict.child
    relatives = [name for name in verdict.related if name != named]
    others, they = (relatives[0], "it descends") if len(relatives) == 1 else ("the other relatives", "they descend")
    if verdict.relation == "mixture":
        return ""
    if verdict.first == "child":
        return f"; but {named} has counted more batches than {child}, so it came later if nobody set its counters"
    if verdict.place == "siblings" and verdict.first:
        return f"; {named} has counted fewer batches, but both lie apart from {others} as siblings do"
    if verdict.first == "candidate":
        return f"; {named} has counted fewer batches than {child}"
    if verdict.place == "between":
        return f"; it lies between {child} and {others}, as a parent does unless {they} from {child}"
    if verdict.place == "siblings":
        return f"; seen from {others}, both lie apart, as siblings do, and ancestors of what has forgotten much"
    if verdict.place == "child between":
        return f"; {child} lies between {named} and {others}, so one of them may descend from it"
    return "; which came first the weights do not say"


def _other_evidence(measured: Measured, verdict: Verdict) -> str:
    """Says what features and a detector say of the candidate named."""
    named, said = verdict.prediction or verdict.nearest, ""
    everyone = measured.weights["parent"].values.tolist()
    if measured.features and len(everyone) > 1:
        count = votes(measured.features, everyone)[named] if named else 0
        where = " on noise" if measured.on_noise else ""
        said += f"; {count} of {len(measured.features)} approximated scores of features{where} name {named}"
    shares = measured.shares
    if named and named in shares and not (measured.among_relatives and verdict.mixture):
        most = max(shares, key=shares.__getitem__)
        others = f", most, {format_probability(shares[most])}, to {most}" if most != named else ""
        among = f"if one of the {len(shares)} relatives is the parent, " if measured.among_relatives else ""
        said += f"; {among}the detector gives {named} {format_probability(shares[named])}{others}"
    return said


def _least(measured: Measured, verdict: Verdict) -> str:
    """Says with whom the child cannot be compared, how little could be at most, and why."""
    child, most = verdict.child, verdict.nearest
    row, weights = measured.weights.sel(parent=most), measured.weights
    whom = f"{most}: there" if weights.sizes["parent"] == 1 else f"any of these: in {most}, which has most,"
    shared, tensors = row["tensors"].item(), weights.attrs["tensors"]
    compared = f"{shared:,} of its {tensors:,} tensors have a counterpart of equal name and shape{_equal(row)}"
    share = f"{format_share(row['compared'].item())} of its kernels"
    return f"{child} cannot be compared with {whom} {compared}, {share}{_not_plain(measured, child, most)}"


def _equal(row: "xarray.Dataset") -> str:
    """Says how many tensors are equal, where some are."""
    identical, tensors = row["identical"].item(), row.attrs["tensors"]
    return f", {identical:,} of {tensors:,} tensors are bit for bit equal" if identical else ""


def _not_plain(measured: Measured, *names: str | None) -> str:
    return "".join(f"; of {name}, {measured.not_plain[name]}" for name in names if name and name in measured.not_plain)


def notes(measured: Measured, verdict: Verdict) -> Iterator[str]:
    """Yields a line for everything beside the verdict that a reader should know."""
    for name, reason in measured.left_out.items():
        if name == verdict.child != verdict.prediction:
            yield f"{name} is itself among the candidates, and left out"
        elif name != verdict.prediction:
            yield f"{name} is left out, it is the same network as {verdict.child}: {reason}"
    if verdict.near_ties and verdict.relation != "mixture":
        tied = ", ".join(f"{name} ({format_cosine(verdict.related[name])})" for name in verdict.near_ties)
        yield f"almost as near: {tied}; {verdict.child} may descend from either, or from both"
    more = {n: c for n, c in verdict.related.items() if n != verdict.prediction and n not in verdict.near_ties}
    if more:
        yield f"also related: {listed(f'{name} ({format_cosine(cosine)})' for name, cosine in more.items())}"
    after = [name for name in verdict.counted_after if name != verdict.prediction]
    if after:
        yield f"counted more batches than {verdict.child}, so rather later networks: {listed(after)}"
    for name, cosine in verdict.opposite.items():
        turned = "it was subtracted, or its signs were turned"
        yield f"{name} is related with the opposite sign ({format_cosine(cosine)}): {turned}"
    shown = verdict.prediction or verdict.nearest
    if shown in measured.weights["parent"].values and measured.weights["turned"].sel(parent=shown).item():
        turned = measured.weights["turned"].sel(parent=shown).item()
        yield f"{turned} kernels of {shown} were transposed or flipped to the layout of {verdict.child}"
    if verdict.relation != "cannot be compared":
        yield from _aside(measured, verdict)


def _aside(measured: Measured, verdict: Verdict) -> Iterator[str]:
    """Yields the candidates that could not be compared, and what of the others took no part."""
    child = verdict.child
    for name, share in verdict.incomparable.items():
        why = _not_plain(measured, child, name)
        yield f"{name} could not be compared: {format_share(share)} of {child}'s kernels have a counterpart there{why}"
    if not verdict.incomparable:
        for each in (child, verdict.prediction or verdict.nearest):
            if each and each in measured.not_plain:
                yield f"of {each}, {measured.not_plain[each]}"


def listed(names: Iterable[str]) -> str:
    """Joins names, and counts those that would be too many.

    Examples:
        >>> listed("abc"), listed("abcdefgh")
        ('a, b, c', 'a, b, c, d, e and 3 more')
    """
    names = list(names)
    rest = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")


def format_cosine(cosine: float) -> str:
    """Writes a cosine so that it differs from 1 where it does.

    Examples:
        >>> format_cosine(0.5), format_cosine(0.99971), format_cosine(1.0)
        ('0.500', '0.9997', '1.000')
    """
    gap = 1 - abs(cosine)
    return f"{cosine:.{3 if not 1e-12 < gap < 5e-4 else math.ceil(-math.log10(gap))}f}"


def format_p(p: float) -> str:
    """Writes a p-value.

    Examples:
        >>> format_p(0.0312), format_p(4e-31), format_p(0.0), format_p(math.nan)
        ('p = 0.031', 'p = 4e-31', 'p < 1e-290', 'no p-value')
    """
    if math.isnan(p):
        return "no p-value"
    return f"p < {LEAST_P:g}" if p < LEAST_P else f"p = {p:.2g}"


def format_probability(probability: float) -> str:
    """Writes a probability, of which no detector is ever certain.

    Examples:
        >>> format_probability(0.9999), format_probability(0.973), format_probability(0.0)
        ('more than 99.9%', '97.3%', '0.0%')
    """
    return "more than 99.9%" if probability >= 0.9995 else f"{probability:.1%}"


def format_share(share: float) -> str:
    """Writes a share so that 100% is all and 0% is nothing.

    Examples:
        >>> format_share(1.0), format_share(0.999), format_share(0.001), format_share(0.0), format_share(0.42)
        ('100%', '99%', '1%', '0%', '42%')
    """
    per_cent = 100 * share
    return f"{math.ceil(per_cent) if per_cent < 1 else math.floor(per_cent + 1e-9)}%"


def as_json(measured: Measured, verdict: Verdict) -> Mapping[str, object]:
    """Returns what a verdict says, for programs; see `Answer.as_dict`."""
    shown = verdict.prediction or verdict.nearest
    row = measured.weights.sel(parent=shown) if shown in measured.weights["parent"].values else None
    return {
        "child": verdict.child,
        "prediction": verdict.prediction,
        "relation": verdict.relation,
        "verdict": sentence(measured, verdict),
        "notes": list(notes(measured, verdict)),
        "nearest": verdict.nearest,
        "p": dict(measured.p),
        "matched": list(measured.matched),
        "compared": None if row is None else row["compared"].item(),
        "identical": None if row is None else row["identical"].item(),
        "direction": {"by counters": verdict.first, "by place": verdict.place},
        "also related": {name: cosine for name, cosine in verdict.related.items() if name != verdict.prediction},
        "opposite": verdict.opposite,
        "near-ties": list(verdict.near_ties),
        "mixture": verdict.mixture,
        "not compared": verdict.incomparable,
        "left out": dict(measured.left_out),
        "skipped": dict(measured.skipped),
    }
