"""Units where they stand: are units of equal number more alike than any others?"""

import dataclasses
from collections.abc import Mapping
from itertools import chain
from math import fsum, prod

from lineage_jax.kinship._combine import total
from lineage_jax.kinship._evidence import Evidence
from lineage_jax.kinship._heads import heads_among
from lineage_jax.kinship._judge import judge
from lineage_jax.kinship._streams import Stream, streams_apart, streams_of
from lineage_jax.leaves import Weights, all_counterparts, check_shapes, kernels_among, leaf_shapes, weights_of
from lineage_jax.symmetry import Groups
from lineage_jax.typing import Params

LEAST_INPUTS = 8
"""Weights of a unit below which its direction says too little."""


def in_place(a: Params, b: Params, groups: Groups | None = None) -> Evidence:
    r"""Asks whether units of equal number are more alike than they would be if one network's were numbered at random.

    With $C$ the cosines of what the units of a kernel read in both networks, the sum of its diagonal has mean
    $\sum C / n$ and variance $\sum D^2 / (n - 1)$ over all n! orders, where $D$ is $C$ less the means of its rows and
    columns: both are exact, so nothing is drawn, and what all units read alike plays no part. Of the distribution's
    tail the third and fourth moments are known too. Layers of strangers are independent but for one stream that many
    kernels write to, which is one test; the statistic is the sum of all tests' by the root of their number.

    It holds for any `a` that was made without `b`, whatever it looks like, since the units of `b` have no order. Where
    a rule gave them one, such as sorting them by length or beginning with an identity, networks under one rule are
    alike by it. It says nothing of a network whose units were given another order: `matched` does. Networks trained
    from one initialisation are related here, whoever came first. Two tests are correlated where a kernel that reads a
    stream resembles the transpose of one that writes to it: by the product of both networks' cosines of the two, which
    is little unless a decoder is its encoder.

    Args:
        a: a network, such as a candidate.
        b: another one, such as the child.
        groups: of `b`, from `symmetry.groups`: which kernels write to one stream, which units have a meaning of their
            own (outputs, padding) and are left out, and which stay within their block, such as a head. Without them
            kernels whose outputs no other kernel reads are left out as heads, and since streams cannot be seen, the
            variance of the sum is the larger one of that of independent kernels and that where all kernels of equally
            many units write to one stream.

    Returns:
        Evidence of kind "in place". Kernels correspond by path and shape up to a module, such as a backbone's; of
        several modules that could be meant the best is taken, and p-values multiplied by their number.

    Raises:
        ValueError: If `b` has no kernel, its leaves are not those of `groups`, or a weight that is compared is NaN or
            infinite.

    References:
        Hoeffding, "A combinatorial central limit theorem", Annals of Mathematical Statistics 22, 1951, theorem 2.

    Examples:
        >>> import numpy as np
        >>> a, b = np.random.default_rng(1).normal(size=(2, 64, 32))
        >>> network = lambda kernel: {"fc1": {"kernel": kernel}, "fc2": {"kernel": np.ones((32, 10))}}
        >>> strangers, relatives = in_place(network(a), network(b)), in_place(network(a), network(a + b))
        >>> strangers.p > 0.05, relatives.p < 1e-6, strangers.left_out
        (True, True, {'fc2/kernel': 'no other kernel reads its outputs: it looks like a head'})
    """
    ours, theirs = weights_of(b, held=()), weights_of(a, held=())
    paths = kernels_among(ours)
    kernels = {path: leaf.shape for path, leaf in ours.items() if path in paths}
    if not kernels:
        raise ValueError(f"expected a network b with kernels, got none among its {len(ours)} weights")
    if groups is not None:
        check_shapes(leaf_shapes(b), groups.shapes, variables="network b with the leaves that groups were read off")
    shapes = [{path: leaf.shape for path, leaf in network.items()} for network in (theirs, ours)]
    found = [_compare(theirs, ours, each.pairs, kernels, groups) for each in all_counterparts(*shapes)]
    return _for_choosing(max(found, key=lambda evidence: evidence.statistic), len(found))


def _compare(
    a: Weights, b: Weights, pairs: Mapping[str, str], kernels: Mapping[str, tuple[int, ...]], groups: Groups | None
) -> Evidence:
    left_out = _not_compared(b, pairs, kernels, groups)
    ours = {path: b[path] for path in kernels if path not in left_out}
    theirs = {path: a[pairs[path]] for path in ours}
    bundles, unplaced = _bundles(ours, groups)
    found = [judge(streams, theirs, ours) for streams in bundles]
    tests = list(chain.from_iterable(each.tests for each in found))
    tests.sort(key=lambda test: list(ours).index(test.layer.paths[0]))
    statistic, p = total(tests, fsum(each.variance for each in found))
    for reasons in (unplaced, *(each.left_out for each in found)):
        left_out |= reasons
    layers = tuple(test.layer for test in tests)
    judged = sum(prod(kernels[path]) for layer in layers for path in layer.paths)
    return Evidence(
        kind="in place",
        layers=layers,
        statistic=statistic,
        p=p,
        share=judged / sum(map(prod, kernels.values())),
        left_out={path: left_out[path] for path in kernels if path in left_out},
    )


def _not_compared(
    b: Weights, pairs: Mapping[str, str], kernels: Mapping[str, tuple[int, ...]], groups: Groups | None
) -> dict[str, str]:
    heads = heads_among(kernels, b) if groups is None else frozenset()
    found = {}
    for path, shape in kernels.items():
        if path not in pairs:
            found[path] = "network a has no kernel of this name and shape"
        elif path in heads:
            found[path] = "no other kernel reads its outputs: it looks like a head"
        elif prod(shape[:-1]) < LEAST_INPUTS:
            found[path] = f"fewer than {LEAST_INPUTS} weights a unit"
    return found


def _bundles(kernels: Weights, groups: Groups | None) -> tuple[list[list[Stream]], dict[str, str]]:
    """Returns streams, those together that may be one although nothing shows it: of equally many units."""
    streams, left_out = (streams_apart(kernels), {}) if groups is None else streams_of(groups, kernels)
    if groups is not None and not groups.by_order:
        return [[stream] for stream in streams], left_out
    found: dict[int, list[Stream]] = {}
    for stream in streams:
        found.setdefault(stream.units, []).append(stream)
    return list(found.values()), left_out


def _for_choosing(evidence: Evidence, among: int) -> Evidence:
    """Multiplies p-values by the number of comparisons of which the best was taken."""
    layers = tuple(dataclasses.replace(layer, p=min(1.0, among * layer.p)) for layer in evidence.layers)
    return dataclasses.replace(evidence, layers=layers, p=min(1.0, among * evidence.p))
