"""The scores of all pairs, labelled."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from lineage_jax import linearize
from lineage_jax.lineage._passes import Scoring, Seen, score_pairs, see_all
from lineage_jax.lineage._plan import plan
from lineage_jax.lineage._shared import Population, Shared, find_shared, names_of, stack_block
from lineage_jax.typing import FeatureFn, Inputs, Measure

if TYPE_CHECKING:
    import xarray

FORMS = ("direct", "taylor", "exact")
"""S(F_p, F_c), its first-order expansion along the tangent, and S(F_p + alpha J D, F_c)."""

DEFAULT_MEMORY = 256 * 2**20
"""Bytes of working memory beyond the networks themselves."""


def score(
    feature_fn: FeatureFn,
    parents: Population,
    children: Population,
    probes: Inputs,
    *,
    measures: Mapping[str, Measure],
    alphas: tuple[float, ...] = (0.0, 0.1, 1.0),
    forms: tuple[str, ...] = ("direct", "taylor"),
    held: tuple[str, ...] = linearize.HELD,
    memory: int = DEFAULT_MEMORY,
    progress: Callable[[int, int], None] | None = None,
) -> "xarray.DataArray":
    r"""Scores every candidate parent against every child.

    Each child's own features are computed once. Each parent is linearised once per block of children; one linear pass
    per pair then serves every layer, measure and alpha. The first layer is shared between all pairs where it can be
    (`linearize.split_stem`). Parameters that differ in path or shape between the networks (a new head) take no part.

    Args:
        feature_fn: pure function `(params, inputs) -> [n, ...]` or `{layer: [n, ...]}` that accepts the parents.
        parents: candidate parents, `{name: variables}` or `Networks`.
        children: children, `{name: variables}` or `Networks`.
        probes: `[n, ...]`, finite.
        measures: similarities by the name they get in the result; functions, so that users can bring their own.
        alphas: strengths of the approximation, each >= 0.
        forms: which of `FORMS` to compute; `direct` does not depend on alpha and is repeated along it.
        held: path prefixes that stay the parent's in the linearisation; by default the batch statistics.
        memory: bytes of working memory; children are taken in blocks and chunks that fit.
        progress: called with (pairs done, pairs in all) after each block.

    Returns:
        `xarray.DataArray` with dimensions parent, child, layer, measure, form, alpha; higher means more alike.

    Raises:
        ValueError: If networks share no parameters, names repeat, probes are empty, not finite or of a shape the
            network does not accept, an alpha is negative, a form is unknown, or a layer depends on parameters that the
            networks do not share.
        TypeError: If a measure is not a function, or probes are not floating-point.

    References:
        Yu and Wang, "Neural Lineage", CVPR 2024.

    Examples:
        >>> from lineage_jax import similarity
        >>> f = lambda params, x: jax.nn.relu(x @ params["w"])
        >>> keys = jax.random.split(jax.random.key(0), 3)
        >>> anna, bert, x = (jax.random.normal(key, (8, 8)) for key in keys)
        >>> scores = score(
        ...     f, {"anna": {"w": anna}, "bert": {"w": bert}}, {"carl": {"w": bert + 0.01}}, x,
        ...     measures={"l1": similarity.l1}, alphas=(0.0, 0.1),
        ... )
        >>> scores.sel(form="taylor", measure="l1", alpha=0.1, layer="output").idxmax("parent").item()
        'bert'
    """
    parent_names, child_names = names_of(parents, "parent"), names_of(children, "child")
    _check_settings(measures, alphas, forms)
    probes = checked_probes(probes)
    shared = find_shared(parents, children, held=held)
    held = (*held, *shared.missing)
    layers, scoring, cut = plan(
        Scoring(feature_fn, tuple(measures.values()), tuple(forms), held),
        shared,
        jax.ShapeDtypeStruct(probes.shape, probes.dtype),
        alphas=len(alphas),
        children=len(child_names),
        memory=memory,
    )

    stacked = stack_block(parents, parent_names, shared)
    strengths = jnp.asarray(alphas, jnp.result_type(float))
    results = []
    for start in range(0, len(child_names), cut.block):
        names = child_names[start : start + cut.block]
        # the last block is filled up with its last child, so that all blocks run the same compiled program
        padded = names + names[-1:] * (cut.block - len(names))
        block = stack_block(children, padded, shared)
        seen = see_all(block, probes, scoring=scoring)
        _check_finite(seen, names, shared)
        pairs = score_pairs(stacked, block, seen, probes, strengths, scoring=scoring, chunk=cut.chunk)
        results.append(np.asarray(pairs)[:, : len(names)])
        if progress:
            progress(len(parent_names) * (start + len(names)), len(parent_names) * len(child_names))
    scores = _label(np.concatenate(results, axis=1), parent_names, child_names, sorted(layers), measures, forms, alphas)
    return scores.sel(layer=list(layers))


def _check_settings(measures: Mapping[str, Measure], alphas: tuple[float, ...], forms: tuple[str, ...]) -> None:
    if not measures:
        raise ValueError("expected at least one measure, got none; for example measures={'l1': similarity.l1}")
    for name, measure in measures.items():
        if not callable(measure):
            raise TypeError(f"measure '{name}' must be a function such as similarity.l1, got {measure!r}")
    if not alphas or not all(np.isfinite(alpha) and alpha >= 0 for alpha in alphas):
        raise ValueError(f"expected finite alphas >= 0, got {tuple(alphas)}")
    unknown = [form for form in forms if form not in FORMS]
    if unknown or not forms:
        raise ValueError(f"expected forms out of {FORMS}, got {tuple(forms)}")


def checked_probes(probes: Inputs) -> jax.Array:
    """Returns the probes as a JAX array, or says what is wrong with them."""
    probes = jnp.asarray(probes)
    if probes.ndim < 2 or probes.shape[0] == 0:
        raise ValueError(f"expected probes of shape [n, ...] with n >= 1, got {probes.shape}")
    if not jnp.issubdtype(probes.dtype, jnp.floating):
        raise TypeError(f"expected floating-point probes, got {probes.dtype}; scale images to floats as in training")
    bad = int(jnp.sum(~jnp.isfinite(probes)))
    if bad:
        raise ValueError(f"expected finite probes, got {bad} NaN or infinite values of {probes.size}")
    return probes


def _check_finite(seen: Seen, names: tuple[str, ...], shared: Shared) -> None:
    for layer, features in seen.features.items():
        finite = np.asarray(jnp.all(jnp.isfinite(features), axis=(1, 2)))[: len(names)]
        if finite.all():
            continue
        name = names[int(np.argmin(finite))]
        cause = (
            f"it may depend on parameters not shared by all ({', '.join(shared.missing)}); choose an earlier layer"
            if shared.missing
            else "check the weights of this network"
        )
        raise ValueError(f"child '{name}' has features that are not finite at layer '{layer}': {cause}")


def _label(
    values: np.ndarray,
    parents: tuple[str, ...],
    children: tuple[str, ...],
    layers: list[str],
    measures: Mapping[str, Measure],
    forms: tuple[str, ...],
    alphas: tuple[float, ...],
) -> "xarray.DataArray":
    import xarray

    coords = {
        "parent": list(parents),
        "child": list(children),
        "layer": layers,
        "measure": list(measures),
        "form": list(forms),
        "alpha": list(alphas),
    }
    return xarray.DataArray(values, dims=tuple(coords), coords=coords, name="score")
