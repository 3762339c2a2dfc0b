"""Evidence that no turn of a stream hides: other layers turn it back, and units are judged by halves of the rest."""

import numpy as np

from lineage_jax.kinship._agreements import ELSEWHERE, FEWEST_UNITS, TOO_FEW
from lineage_jax.kinship._combine import Judged, judged, total
from lineage_jax.kinship._compared import compared
from lineage_jax.kinship._evidence import Evidence, numbered
from lineage_jax.kinship._hidden import Hidden
from lineage_jax.kinship._orders import Sum, over_all_orders
from lineage_jax.kinship._parts import Units, at_unit_length
from lineage_jax.kinship._turned import Streams, assigned, taught
from lineage_jax.symmetry import Groups
from lineage_jax.typing import Params

FOLDS = 3
"""Parts of the layers; each is judged under rotations that the others have taught."""
ALIKE = 1.0
"""How alike a layer of strangers is told to be, in standard deviations over all orders of its units. Small transformers
are not alike at all (`experiments/evidence`), but others may have learned similar things."""
SPREAD = 1.5
"""How far apart strangers are told to be: layers share rotations and are not independent; measured it is 1.0."""

LEAST_SQUARE = 1e-6
"""Share of the largest variance of units along an axis, below which rounding makes it."""

ALL_ALIKE = "all units of one of the networks are alike"
NOT_HIDDEN = "it belongs to no hidden layer between streams"
UNKNOWN = "nothing else says how its stream was turned"


def by_inner_products(a: Params, b: Params, groups: Groups) -> Evidence:
    """Asks whether two networks are kin by hidden units alone, whatever was done to streams and heads between them.

    A transformer's stream may be turned by any rotation that its normalisations allow, and heads may be mixed inside;
    then no number that is read or written compares with its counterpart. But inner products stay: of the stream with
    what never moves, such as the kernel of patches, whose pixels have their places; of queries with keys; and among
    hidden units. From these the rotation is found (Procrustes), and units that are matched under it teach it more.

    A layer is judged under the rotation that others have taught. The stream turned back, units are matched by one half
    of its numbers; how alike they are by the other half has a mean and a variance over all orders of units, which are
    known exactly, as in `in_place`. Strangers are told to be a whole deviation more alike than that in every layer, and
    to be half as far apart again, both more than was ever measured.

    Judged are families of units all of whose kernels are matrices from streams and to them, a stream being what two
    kernels write or more: hidden layers of transformers, mixers over channels, ConvNeXt. Scales that a rotation takes
    in, such as a normalisation's, are multiplied into kernels, and means over the stream taken off.

    Args:
        a: a network, such as a candidate.
        b: another one, such as the child.
        groups: of `b`, from `symmetry.groups`.

    Returns:
        Evidence of kind "inner products".

    Raises:
        ValueError: If the leaves of `b` are not those of `groups`, or a weight that is compared is not finite.
    """
    seen = compared(a, b, groups)
    pair, layers, units = seen.pair, seen.layers, seen.units
    left_out = dict.fromkeys(pair.kernels, NOT_HIDDEN) | dict.fromkeys(pair.missing, ELSEWHERE)
    found: dict[int, Judged] = {}
    for fold in range(min(FOLDS, len(layers))):
        streams = taught(seen.anchors, seen.heads, [each for n, each in enumerate(units) if n % FOLDS != fold])
        for number in range(fold, len(layers), FOLDS):
            test = _judged(layers[number], units[number], streams)
            if isinstance(test, str):
                left_out |= dict.fromkeys(layers[number].paths, test)
            else:
                found[number] = test
    tests = [found[number] for number in sorted(found)]
    statistic, p = total(tests)
    judged_paths = {path for test in tests for path in test.layer.paths}
    return Evidence(
        kind="inner products",
        layers=numbered(test.layer for test in tests),
        statistic=statistic,
        p=p,
        share=sum(size for path, size in pair.kernels.items() if path in judged_paths)
        / max(1, sum(pair.kernels.values())),
        left_out={path: left_out[path] for path in pair.kernels if path not in judged_paths},
    )


def _judged(layer: Hidden, units: Units, streams: Streams) -> Judged | str:
    """Judges a layer whose streams others have turned back, or says why it cannot be judged."""
    if min(len(units.rows), len(units.columns)) < FEWEST_UNITS:
        return TOO_FEW
    if not streams.know(units.streams):
        return UNKNOWN
    one, two = _coordinates(units, streams)
    ways = [_held_out(one, two, half, signless=units.signless) for half in (0, 1)]
    if any(way.variance == 0 for way in ways):
        return ALL_ALIKE
    value = sum(way.value / way.variance**0.5 for way in ways) / 2**0.5
    null = Sum(
        value=(value - ALIKE) / SPREAD,
        variance=1.0,
        third=sum(way.third / way.variance**1.5 for way in ways) / 2**1.5,
        fourth=sum(way.fourth / way.variance**2 for way in ways) / 4,
    )
    return judged(layer.paths, min(len(units.rows), len(units.columns)), null)


def _held_out(one: np.ndarray, two: np.ndarray, half: int, *, signless: bool) -> Sum:
    """Matches units by one half of their coordinates, and returns how alike they are by the other one."""
    alike = one[:, half::2] @ two[:, half::2].T
    rows, columns = assigned(np.abs(alike) if signless else alike)
    others = (at_unit_length(side[:, 1 - half :: 2], axis=1) for side in (one[rows], two[columns]))
    cosines = np.matmul(next(others), next(others).T)
    if signless:
        cosines = cosines * np.sign(alike[rows, columns])
    cosines = cosines - cosines.mean(0)
    return over_all_orders(cosines - cosines.mean(1, keepdims=True))


def _coordinates(units: Units, streams: Streams) -> tuple[np.ndarray, np.ndarray]:
    """Returns what units read and write, the streams turned back, along the principal axes of the first network's.

    No half of these coordinates tells anything of another one by a straight line, in the first network, so that what
    units of all networks have in common, such as a direction that all read, does not make strangers alike.
    """
    one = np.concatenate([part.one[units.rows] for part in units.parts], 1)
    two = np.concatenate([part.two[units.columns] @ streams.rotation(part.stream).T for part in units.parts], 1)
    centred = one - one.mean(0)
    squares, axes = np.linalg.eigh(centred @ centred.T)
    told = squares > LEAST_SQUARE * max(float(squares[-1]), float(np.finfo(np.float32).tiny))
    axes = centred.T @ (axes[:, told] / np.sqrt(squares[told]))
    return centred @ axes, (two - two.mean(0)) @ axes
