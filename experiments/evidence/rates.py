"""From records to rates: how often strangers are accused, how often relatives are found, and how sure that is."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.stats
from jaxtyping import Bool, Float

from experiments.evidence.statistics import SCORES, unpacked
from lineage_jax import kinship

LEVEL = 0.01
"""The rate of false accusations that is asked for."""

TESTS = ("in place", "matched", "inner products")

HOW = {"in place": "in place", "laundered": "matched", "turned": "inner products"}
"""By how a network is looked at the test that can see its kinship."""

Records = Mapping[str, Mapping[str, Any]]


def of(records: Records, what: str, *, chooses: bool | None = None) -> dict[str, Mapping[str, Any]]:
    """Returns by kind the records of strangers, children or relatives: all, those that choose or those that show."""
    named = {tuple(name.split(", ")): record for name, record in records.items()}
    return {
        kind: record
        for (kind, other), record in named.items()
        if other == what and chooses in (None, record["chooses"])
    }


def upper(count: int, tries: int, *, sure: float = 0.95) -> float:
    """Returns the one-sided upper bound of a share of which `count` in `tries` were seen.

    References:
        Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
        Biometrika 1934.

    Examples:
        >>> round(upper(0, 3000), 4), upper(3, 3)
        (0.001, 1.0)
    """
    return 1.0 if count == tries else float(scipy.stats.beta.ppf(sure, count + 1, tries - count))


def lower(count: int, tries: int, *, sure: float = 0.95) -> float:
    """Returns the one-sided lower bound of a share.

    Examples:
        >>> round(lower(300, 300), 3), lower(0, 3)
        (0.99, 0.0)
    """
    return 1 - upper(tries - count, tries, sure=sure)


def uniform(p: Float[np.ndarray, " n"]) -> tuple[float, float]:
    """Returns the p-values of Kolmogorov and Smirnov for "these are uniform" and for "these are not too small".

    Pairs of the same runs are not independent, so both are approximate.
    """
    return scipy.stats.kstest(p, "uniform").pvalue, scipy.stats.kstest(p, "uniform", alternative="greater").pvalue


def accused(record: Mapping[str, Any], test: str, level: float = LEVEL) -> Bool[np.ndarray, " runs"]:
    """Returns of every run whether it is said to be a relative of any other, with all others as candidates (Holm)."""
    p = unpacked(record["pairs"])[f"{test} p"]
    count = len(record["runs"])
    first, second = np.triu_indices(count, 1)
    least = np.array([p[(first == run) | (second == run)].min() for run in range(count)])
    return least * (count - 1) <= level


def verdict(pairs: Mapping[str, np.ndarray], how: str) -> Float[np.ndarray, " n"]:
    """Returns p-values of kinship of networks as they are, laundered or turned; none where nothing is turned.

    Of laundered ones that of the test that undoes it, times the number of tests: nobody knows beforehand which says it.
    """
    if f"{HOW[how]} p" not in pairs:
        return np.zeros(0)
    tests = 1 if how == "in place" else sum(f"{test} p" in pairs for test in TESTS)
    return np.minimum(1, tests * pairs[f"{HOW[how]} p"])


def found(parts: Iterable[Mapping[str, np.ndarray]], how: str) -> Bool[np.ndarray, " n"]:
    """Returns of pairs of several records whether they are called relatives."""
    return np.concatenate([verdict(pairs, how) <= LEVEL for pairs in parts])


def thresholds(records: Records, *, level: float = LEVEL) -> dict[str, float]:
    """Returns by score what a share `level` of the strangers that choose exceeds."""
    chosen = [unpacked(record["pairs"]) for record in of(records, "strangers", chooses=True).values()]
    return {score: float(np.quantile(np.concatenate([each[score] for each in chosen]), 1 - level)) for score in SCORES}


def joined(parts: Iterable[Mapping[str, np.ndarray]], names: Sequence[str]) -> dict[str, np.ndarray]:
    """Puts columns of several records one after the other."""
    parts = list(parts)
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def labelled(records: Records, *, chooses: bool) -> tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """Returns p-values of pairs, plain and laundered, of strangers and descendants, and whether the two are related."""
    p: list[np.ndarray] = []
    related: list[np.ndarray] = []
    for what in ("strangers", "children"):
        for record in of(records, what, chooses=chooses).values():
            pairs = unpacked(record["pairs"])
            p += [verdict(pairs, how) for how in HOW]
            related += [np.full(len(each), what == "children") for each in p[-len(HOW) :]]
    return np.concatenate(p), np.concatenate(related)


def fitted(records: Records) -> kinship.Calibration:
    """Fits the calibration to the kinds that choose."""
    p, related = labelled(records, chooses=True)
    runs = [
        sum(len(record["runs"]) for record in of(records, "strangers", chooses=True).values()),
        sum(len(set(record["starts"])) for record in of(records, "children", chooses=True).values()),
    ]
    kinds = tuple(f"experiments/evidence: {kind}" for kind in of(records, "strangers", chooses=True))
    return kinship.fit_calibration(p.tolist(), related.tolist(), runs=(runs[1], runs[0]), families=kinds)


def reliability(
    records: Records, calibration: kinship.Calibration, *, chooses: bool, bins: int = 10
) -> tuple[list[tuple[int, float, float]], float]:
    """Compares probabilities with what is true, at even odds: relatives and strangers weigh equally much in all.

    Returns:
        For each tenth of probabilities that occurs the number of pairs, the mean that was told and the share of
        relatives; and the mean distance of the two (the expected calibration error).

    References:
        Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015.
    """
    p, related = labelled(records, chooses=chooses)
    told = np.array([kinship.probability(each, calibration) for each in p])
    weight = np.where(related, 0.5 / related.sum(), 0.5 / (~related).sum())
    place = np.minimum((told * bins).astype(int), bins - 1)
    rows, error = [], 0.0
    for number in np.unique(place):
        inside = place == number
        here = weight[inside]
        mean, share = np.average(told[inside], weights=here), np.average(related[inside], weights=here)
        rows.append((int(inside.sum()), float(mean), float(share)))
        error += here.sum() * abs(mean - share)
    return rows, float(error)
