"""The scores of all pairs, labelled."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lineage_jax import linearize
from lineage_jax.pairs import Scoring, compare_all, feature_comparison
from lineage_jax.typing import FeatureFn, Inputs, Measure, Population

if TYPE_CHECKING:
    import xarray

FORMS = ("direct", "taylor", "exact")
"""S(F_p, F_c), its first-order expansion along the tangent, and S(F_p + alpha J D, F_c)."""

Strengths = Sequence[float | int] | Float[np.ndarray, " k"] | Float[Array, " k"]


def score(
    feature_fn: FeatureFn,
    parents: Population,
    children: Population,
    probes: Inputs,
    *,
    measures: Mapping[str, Measure],
    alphas: Strengths = (0.0, 0.1, 0.3),
    forms: Sequence[str] = FORMS,
    held: Sequence[str] = linearize.HELD,
    memory: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> "xarray.DataArray":
    r"""Scores every candidate parent against every child.

    Each child's own features are computed once; where probes are shown piece by piece, once for each group of parents
    that is held. Each parent is linearised once per block of children and piece; one linear pass per pair then serves
    every layer, measure and alpha. The first layer is shared between all pairs where it can be
    (`linearize.split_stem`).

    **Forms.** The exact form, $S(F_p + \alpha J D, F_c)$, is among the defaults because the Taylor form turns the
    order of near candidates round where a measure is smooth at its maximum (CKA, cosine, distance correlation). Let a
    candidate differ from the child by a small $e = F_c - F_p$. Then $S = 1 - q(e)$ with a quadratic $q$, and a near
    candidate's tangent is nearly $e$. The exact form is $1 - q((1 - \alpha) e) = 1 - (1 - \alpha)^2 q(e)$: the nearest
    candidate is best at every $\alpha$ but 1, where all are equal. The slope of $S$ along $e$ is $2 q(e)$, so that the
    Taylor form is $1 - q(e) + 2 \alpha q(e) = 1 + (2 \alpha - 1) q(e)$: above $\alpha = 1/2$ the farthest of the near
    candidates wins. Read the Taylor form of such measures below 1/2 (`TAYLOR_LIMIT` has all limits). In 26
    families that had no part in choosing alphas, CKA names 100 % of the parents by the exact form, 82 % by Taylor and
    41 % directly where candidates are independent, and 70, 65 and 56 % where they are near each other
    (`experiments/linearization`).

    **What takes part.** Only parameters of equal path and shape in all networks do. Others (a new head, low-rank
    adapters beside the weights) are held and listed in the result's `not_shared`; a layer that depends on one is
    refused. Floating-point leaves of several precisions are compared in the one that holds all of them. Complex
    leaves take part; integers that a layer depends on must be equal in all networks, or held. None of this depends on
    the order of the networks.

    **Memory.** Parents, a block of children with their features, and the temporaries of a pair share the budget. A
    `dict` is looked through first; any other mapping may load a network when it is asked for one. Of such a mapping
    each child is read once, and each parent once where all of them take a quarter of the memory, once for each block
    of children else. If a later network is of another kind than those before it, all are looked at once more, and
    scoring starts again. Where one pair does not fit and all measures are means over the examples
    (`similarity.mean_over_examples`), the networks are shown the probes piece by piece.

    Args:
        feature_fn: pure function `(params, inputs) -> [n, ...]`, or such arrays in a dictionary, tuple, list, or nested
            ones, that accepts the parents or the children.
        parents: candidate parents, `{name: variables}` or `Networks`.
        children: children, `{name: variables}` or `Networks`.
        probes: `[n, ...]`, finite.
        measures: similarities by the name they get in the result; functions, so that users can bring their own.
        alphas: strengths of the approximation, each >= 0; `RECOMMENDED_ALPHA` and `RECOMMENDED_EXACT_ALPHA` are ours.
        forms: which of `FORMS` to compute; `direct` does not depend on alpha and is repeated along it.
        held: path prefixes that stay the parent's in the linearisation; by default the batch statistics.
        memory: bytes of working memory; by default `DEFAULT_MEMORY`, or what one pair needs where that is more.
        progress: called with (pairs done, pairs in all) after each block.

    Returns:
        `xarray.DataArray` with dimensions parent, child, layer, measure, form, alpha; higher means more alike. Its
        attribute `not_shared` lists the paths that some network lacks or has in another shape.

    Raises:
        ValueError: If networks share no parameters, names repeat, weights are not finite, probes are empty, not finite
            or of a shape the network does not accept, features have no row for every probe, an alpha is negative, a
            form is unknown, a layer depends on parameters that the networks do not share or on integers that differ,
            or features of a probe depend on other probes where these must be cut.
        TypeError: If networks do not come by name, a measure is not a function, probes or features are not
            floating-point, or a leaf is no array of numbers.

    Warns:
        UserWarning: If a given `memory` is less than one pair needs; then that much is taken.

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
        >>> scores.sel(form="exact", measure="l1", alpha=0.1, layer="output").idxmax("parent").item()
        'bert'
    """
    _check_settings(measures, forms)
    linearize.check_held(held)
    comparison_of = functools.partial(
        feature_comparison,
        scoring=Scoring(feature_fn, tuple(measures.values()), tuple(forms), tuple(held)),
        measures=tuple(measures),
        probes=checked_probes(probes),
        alphas=strengths_of(alphas),
        memory=memory,
    )
    return compare_all(comparison_of, parents, children, held=held, progress=progress)


def strengths_of(alphas: Strengths) -> tuple[float, ...]:
    """Returns strengths as plain numbers, from a tuple, list or array; or says what is wrong with them."""
    strengths = tuple(float(alpha) for alpha in np.ravel(np.asarray(alphas)))
    if not strengths or not all(np.isfinite(alpha) and alpha >= 0 for alpha in strengths):
        raise ValueError(f"expected finite alphas >= 0, got {strengths}")
    return strengths


def _check_settings(measures: Mapping[str, Measure], forms: Sequence[str]) -> None:
    if not measures:
        raise ValueError("expected at least one measure, got none; for example measures={'l1': similarity.l1}")
    for name, measure in measures.items():
        if not callable(measure):
            raise TypeError(f"measure '{name}' must be a function such as similarity.l1, got {measure!r}")
    if isinstance(forms, str):
        raise TypeError(f"expected a tuple of forms, got the string '{forms}'; write ('{forms}',)")
    unknown = [form for form in forms if form not in FORMS]
    if unknown or not forms:
        raise ValueError(f"expected forms out of {FORMS}, got {tuple(forms)}")


def checked_probes(probes: Inputs) -> jax.Array:
    """Returns the probes as a JAX array, or says what is wrong with them.

    Raises:
        ValueError: If there are none, or not all are finite.
        TypeError: If they are no floating-point numbers.
    """
    probes = jnp.asarray(probes)
    if probes.ndim < 2 or probes.shape[0] == 0:
        raise ValueError(f"expected probes of shape [n, ...] with n >= 1, got {probes.shape}")
    if not jnp.issubdtype(probes.dtype, jnp.floating):
        raise TypeError(f"expected floating-point probes, got {probes.dtype}; scale images to floats as in training")
    bad = int(jnp.sum(~jnp.isfinite(probes)))
    if bad:
        raise ValueError(f"expected finite probes, got {bad} NaN or infinite values of {probes.size}")
    return probes
