"""Sharing the first layer between all pairs.

The first layer z = stem(theta, x) is affine in its weights, so its tangent along a fine-tuning step is z_c - z_p: known
from the forward passes of parent and child, which are done once per network and not once per pair. On the fully
connected net of the paper this halves the work of a pair, from 2N(2S - w_1) to 4N(S - w_1) operations (S weights, w_1
of them in the first layer).

In float32 the difference carries an error of about 1e-7 |z| / |z_c - z_p|, relative to itself. Where products round
their factors first, as by default on GPUs (TF32) and TPUs (bfloat16), that is 5e-4 or 4e-3 for 1e-7, and the tangent of
a small step is lost: there, the first layer is not shared (`_precision.has_accurate_products`).
"""

import dataclasses
from collections.abc import Callable, Sequence

import jax
from jaxtyping import Array

from lineage_jax.leaves import is_under
from lineage_jax.linearize._held import HELD, check_held
from lineage_jax.linearize._linen import ContinuedFrom, LinenFeatures, OutputAt, find_stem
from lineage_jax.linearize._step import finetuning_step, split_one_of
from lineage_jax.linearize._tangent import as_matrices
from lineage_jax.typing import FeatureFn, Features, Inputs, Params


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stemmed:
    """A feature function in two parts, f(theta, x) = rest(theta, x, stem(theta, x)).

    Attributes:
        stem: `(params, inputs) -> z`, affine in the parameters.
        rest: `(params, inputs, z) -> features`.
        stem_paths: path prefixes of the parameters that `stem` reads.
    """

    stem: Callable[[Params, Inputs], Array]
    rest: Callable[[Params, Inputs, Array], Features]
    stem_paths: tuple[str, ...]

    def __call__(self, params: Params, inputs: Inputs) -> Features:
        return self.rest(params, inputs, self.stem(params, inputs))


def split_stem(
    feature_fn: FeatureFn, variables: Params, inputs: Inputs | jax.ShapeDtypeStruct, *, held: Sequence[str] = HELD
) -> Stemmed | None:
    """Finds the first layer that all pairs can share.

    Only shapes are traced. A `Stemmed` function is taken as it is; a Linen network is split after its first layer if
    that is a `Dense` or `Conv` fed by the inputs alone, with accurate products; any other function is left whole.

    Args:
        feature_fn: the feature function.
        variables: variables of one network, arrays or shapes.
        inputs: probes, arrays or shapes.
        held: path prefixes that stay the parent's; a stem whose parameters are held cannot be shared.

    Returns:
        The function in two parts, or None where there is nothing to share.

    Raises:
        TypeError: If `held` is a single string.
    """
    check_held(held)
    stemmed = feature_fn if isinstance(feature_fn, Stemmed) else None
    if isinstance(feature_fn, LinenFeatures):
        path = find_stem(feature_fn, variables, inputs)
        if path is not None:
            stemmed = Stemmed(
                stem=OutputAt(feature_fn, path),
                rest=ContinuedFrom(feature_fn, path),
                stem_paths=("params/" + "/".join(path),),
            )
    if stemmed is None or any(is_under(own, held) or is_under(h, (own,)) for own in stemmed.stem_paths for h in held):
        return None
    return stemmed


def linearize_stemmed(
    feature_fn: Stemmed, parent: Params, inputs: Inputs, *, held: Sequence[str] = HELD
) -> tuple[Features, Callable[[Params, Array], Features]]:
    """Linearises the features around one parent, for children whose stem output is already known.

    Args:
        feature_fn: a feature function in two parts.
        parent: variables of the parent.
        inputs: probes.
        held: path prefixes that stay the parent's; none may be under `feature_fn.stem_paths`.

    Returns:
        F_p, and the function from `(child, stem output of the child)` to the tangent J (theta_c - theta_p).
    """
    moving, rebuild = split_one_of(parent, held)
    stem_output = feature_fn.stem(parent, inputs)

    def rest(leaves: dict[str, Array], z: Array) -> Features:
        return as_matrices(feature_fn.rest(rebuild(leaves), inputs, z))

    value, push = jax.linearize(rest, moving, stem_output)
    return value, lambda child, child_stem: push(finetuning_step(parent, child, held=held), child_stem - stem_output)
