"""What is computed of a pair: tests of kinship, and the scores that no p-value belongs to."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import xarray
from jaxtyping import Array, Float

from experiments.evidence.images import load
from experiments.evidence.laundering import groups_of, turn
from lineage_jax import data, kinship, leaves, lineage, linearize, similarity, symmetry
from lineage_jax.typing import Params

Columns = dict[str, str]
"""By name the numbers of all pairs, one after the other, so that thousands of them are a few lines of a file."""

Test = Callable[[Params, Params, symmetry.Groups], kinship.Evidence]

TESTS: dict[str, Test] = {
    "in place": kinship.in_place,
    "matched": kinship.matched,
    "inner products": kinship.by_inner_products,
}

SCORES = ("cosine", "weight l2", "CKA", "approximated CKA")
"""What has no p-value: the centred cosine of kernels, minus their relative distance, the last layer's CKA, and the same
after the parent was moved along its tangent to the child."""

MEASURE = "cka"

LAUNDERED = ", laundered"
"""What stands behind the name of a score of laundered children."""


def laundered(
    network: nn.Module, networks: Mapping[str, Params], shape: tuple[int, ...], *, continuous: bool = False
) -> dict[str, Params]:
    """Returns networks that compute the same, each with units in another order, rescaled and flipped.

    Args:
        network: of all of them.
        networks: their variables.
        shape: of a batch of images that it takes.
        continuous: whether a transformer's stream is turned and heads are mixed too.
    """
    groups = groups_of(network, shape)
    move = jax.jit(lambda variables, element: symmetry.apply(variables, groups, element))
    found = {}
    for number, (name, variables) in enumerate(networks.items()):
        moved, turned = jax.random.split(jax.random.key(number))
        found[name] = move(variables, symmetry.random(moved, groups))
        if continuous:
            found[name] = turn(found[name], network.heads, turned)
    return jax.tree.map(np.asarray, found)


def tested(test: str, pairs: Sequence[tuple[Params, Params]], groups: symmetry.Groups) -> dict[str, list[float]]:
    """Returns the statistic and the p-value of every pair by one test, and the share of weights that it judges."""
    found = [TESTS[test](a, b, groups) for a, b in pairs]
    return {
        f"{test} z": [each.statistic for each in found],
        f"{test} p": [each.p for each in found],
        f"{test} share": [each.share for each in found],
    }


def views(
    network: nn.Module, networks: Mapping[str, Params], shape: tuple[int, ...]
) -> dict[str, Mapping[str, Params]]:
    """Returns by test the networks as it is to see them: as they are, laundered, as far as a transformer can be."""
    seen = {"in place": networks, "matched": laundered(network, networks, shape)}
    return seen | (
        {"inner products": laundered(network, networks, shape, continuous=True)} if hasattr(network, "heads") else {}
    )


def overlapping(
    network: nn.Module, parents: Mapping[str, Params], children: Mapping[str, Params]
) -> dict[str, xarray.DataArray]:
    """Returns scores of weights of all pairs, heads apart, as `lineage.overlap` has them; higher is more alike.

    Networks of one shape are vectors here, so that thousands of pairs are one product of matrices.
    """
    (p, all_p), (c, all_c) = (_vectors(network, side.values()) for side in (parents, children))
    distances = np.stack([np.linalg.norm(all_c - one, axis=1) for one in all_p]) / np.linalg.norm(all_c, axis=1)
    lengths = np.linalg.norm(p, axis=1)[:, None] * np.linalg.norm(c, axis=1)
    coordinates = {"parent": list(parents), "child": list(children)}
    return {
        "cosine": xarray.DataArray(p @ c.T / lengths, coords=coordinates),
        "weight l2": xarray.DataArray(-distances, coords=coordinates),
    }


def _vectors(network: nn.Module, networks: Iterable[Params]) -> tuple[np.ndarray, np.ndarray]:
    """Returns kernels less their mean over output units, and all weights, a row for each network."""
    kernels, weights = [], []
    for variables in networks:
        body = {name: layer for name, layer in variables["params"].items() if name != network.head}
        found = {path: leaf.astype(np.float64) for path, leaf in leaves.weights_of(body, held=()).items()}
        centred = [
            found[path] - found[path].mean(axis=-1, keepdims=True) for path in sorted(leaves.kernels_among(found))
        ]
        kernels.append(np.concatenate([leaf.ravel() for leaf in centred]))
        weights.append(np.concatenate([found[path].ravel() for path in sorted(found)]))
    return np.stack(kernels), np.stack(weights)


def featured(
    network: nn.Module, parents: Mapping[str, Params], children: Mapping[str, Params], probes: Float[Array, "n h w c"]
) -> dict[str, xarray.DataArray]:
    """Returns scores of features of all pairs of parent and child; higher is more alike."""
    scores = lineage.score(
        linearize.features_of(network, network.taps[-1:]),
        parents,
        children,
        probes,
        measures={MEASURE: similarity.MEASURES[MEASURE]},
        alphas=(lineage.RECOMMENDED_EXACT_ALPHA[MEASURE],),
        forms=("direct", "exact"),
    ).isel(layer=0, alpha=0, measure=0)
    return {"CKA": scores.sel(form="direct"), "approximated CKA": scores.sel(form="exact")}


def scored(
    network: nn.Module,
    parents: Mapping[str, Params],
    children: Mapping[str, Params],
    washed: Mapping[str, Params],
    pairs: Sequence[tuple[str, str]],
    *,
    side: int,
    config: ml_collections.ConfigDict,
) -> dict[str, list[float]]:
    """Returns all scores of pairs, children as they are and laundered; probes are test images of all sets."""
    ends = dict(children) | {f"{name}{LAUNDERED}": washed[name] for name in children}
    probes = jnp.concatenate(
        [data.probes(load(name, side=side, count=config.images)[1], config.probes, seed=0) for name in config.sets]
    )
    found = overlapping(network, parents, ends) | featured(network, parents, ends, probes)
    columns: dict[str, list[float]] = {}
    for suffix in ("", LAUNDERED):
        some = of_pairs(found, [(a, f"{b}{suffix}") for a, b in pairs])
        columns |= {f"{score}{suffix}": values for score, values in some.items()}
    return columns


def of_pairs(scores: Mapping[str, xarray.DataArray], pairs: Sequence[tuple[str, str]]) -> dict[str, list[float]]:
    """Returns the scores of some pairs of names."""
    first, second = (xarray.DataArray(list(side), dims="pair") for side in zip(*pairs, strict=True))
    return {name: values.sel(parent=first, child=second).values.tolist() for name, values in scores.items()}


def packed(columns: Mapping[str, Sequence[float]]) -> Columns:
    """Writes numbers down in four significant digits.

    Examples:
        >>> packed({"p": [0.123456, 1e-30]})
        {'p': '0.1235 1e-30'}
    """
    return {name: " ".join(f"{number:.4g}" for number in numbers) for name, numbers in columns.items()}


def unpacked(columns: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Reads what `packed` wrote."""
    return {name: np.array(numbers.split(), float) for name, numbers in columns.items()}
