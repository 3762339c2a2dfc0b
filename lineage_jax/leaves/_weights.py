"""Which arrays of a network are weights, and which of the weights are kernels.

Only weights tell of kinship. A tree also holds what was never learned: counters, queues, grids, masks, tables of
positions; statistics of the data; moments of an optimiser. They are the same in networks that have nothing in common
but their kind (a grid of splines gives strangers a cosine of 0.84), or change without any learning, so they take no
part. An array is left out for what it is: not floating-point, under a name of `NO_WEIGHTS`, in a collection of
`NO_NETWORK`, or holding values that a rule writes down (`_tables`) under a name that does not say kernel. For files
the same is done by name, and said, where they are read (`converters`), before a tree is made; this is the rule for
every other tree.

A kernel maps inputs to outputs and its values scatter around a mean that training gives it. Scales lie around 1 and
tables of positions and biases have patterns of their own, so they are no kernels, however many axes stacking or
scanning gave them. Kernels are laid out as in Flax, `[..., in, out]`: a `weight` is `[out, in, ...]` and brought to it
as a view, and so is a convolution of another name that has more units first than its window is wide.
"""

import functools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lineage_jax.leaves._paths import is_under, leaf_paths
from lineage_jax.leaves._tables import is_table

if TYPE_CHECKING:
    from lineage_jax.typing import Params

NO_NETWORK = frozenset(
    {"opt_state", "optimizer", "optimizer_state", "optimiser_state", "cache", "intermediates", "losses", "metrics"}
)
"""Collections beside the weights of a training state: moments, caches, what a forward pass sowed."""

NO_WEIGHTS = re.compile(
    r"""
    (running|moving|pixel|image|input|data)_(mean|var|variance|std) | num_batches_tracked | (image_)?(mean|std)
    | (input_|label_|image_)?queue(_\w+)? | memory_bank(_\w+)?
    | mesh_?grid | anchors? | anchor_\w+ | (all_)?priors?
    | (relative_)?(position|token_type)_(ids?|index) | rel(ative)?_pos_(index|idx) | relative_coords_table
    | inv_freqs? | freqs(_cis)? | (cos|sin)_cached? | rope_cache | (attn_|attention_|causal_|weight_)?mask
    | total_(ops|params) | step | count | counter | n_averaged | cluster_size | usage
    """,
    re.VERBOSE,
)
"""Names of buffers and statistics, as networks of the field have them."""

NO_KERNEL = frozenset(
    {"scale", "bias", "gamma", "beta", "mean", "var", "token", "tokens", "pos", "position", "positions", "positional"}
    | {"temperature", "wpe"}
)
"""Words in the name of a leaf, or of the module that a table lies in, that say that it is no kernel."""

NAMED_KERNEL = re.compile(r"w|.*(kernel|weight|embedding).*")
"""Names of leaves that are kernels wherever they have the axes of one."""

NORMALISATION = re.compile(r"\w*norm\w*|(ln|bn|gn|rms)(_?\w*\d)?")
"""Modules whose stacked `weight` is a scale."""

KNOTS = re.compile(r"(\w+_)?(grids?|knots)")
"""Names of the knots of splines, which ascend; a grid of features is learned."""

NAMES = 1 << 14
"""Names that what they say is remembered of: thousands of networks have few."""

Weights = dict[str, np.ndarray]
"""Weights of one network by path, kernels laid out `[..., in, out]`."""


def weights_of(network: "Params", held: Sequence[str]) -> Weights:
    """Returns the weights by path, without the collection and without boxes, kernels laid out as in Flax.

    Args:
        network: variables, a training state with them, or any other tree of arrays.
        held: path prefixes that are left out.

    Returns:
        Arrays on the host, views where the network's are there, by path.

    Raises:
        ValueError: If two leaves have one path.

    Examples:
        >>> network = {"params": {"fc": {"weight": np.ones((3, 2))}}, "batch_stats": {"mean": np.ones(3)}}
        >>> found = weights_of(network, held=("batch_stats",))
        >>> {path: leaf.shape for path, leaf in found.items()}
        {'fc/kernel': (2, 3)}
    """
    weights = {}
    for path, leaf in leaf_paths(network).items():
        steps = _steps(path)
        if is_under(path, held) or _is_no_weight(steps) or not _has_fractions(leaf):
            continue
        array = np.asarray(leaf)
        if _is_named_kernel(steps[-1]) or not ((_may_be_knots(steps[-1]) and _ascends(array)) or is_table(array)):
            place, laid_out = _laid_out(path, array)
            weights[place] = laid_out
    return weights


def layout(path: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """Returns the path by which `weights_of` gives a leaf, and in which order its axes stand there.

    Args:
        path: of the leaf in its tree.
        shape: of the leaf.

    Examples:
        >>> layout("params/conv/weight", (8, 3, 5, 5)), layout("params/fc/kernel", (8, 3))
        (('conv/kernel', (2, 3, 1, 0)), ('fc/kernel', (0, 1)))
    """
    *modules, name = _steps(path)
    axes = tuple(range(len(shape)))
    if (name == "weight" and len(shape) > 1) or _has_outputs_first(name, shape):
        axes = (*axes[2:], 1, 0)
    if name == "weight":
        name = "kernel" if len(shape) > 1 else "scale"
    return "/".join((*modules, name)), axes


def kernels_among(weights: Weights) -> frozenset[str]:
    """Returns the paths of kernels, told by the name and the axes of a leaf and by the bias beside it.

    Examples:
        >>> stacked = {"ln/scale": np.ones((12, 8)), "fc/kernel": np.ones((12, 8, 8)), "cls_token": np.ones((1, 2, 8))}
        >>> sorted(kernels_among(stacked))
        ['fc/kernel']
    """
    return frozenset(path for path, leaf in weights.items() if _is_kernel(path, leaf, weights))


def _is_kernel(path: str, leaf: np.ndarray, weights: Weights) -> bool:
    module, _, name = path.rpartition("/")
    around = module.rpartition("/")[2]
    if leaf.ndim < 2 or NO_KERNEL & _words(name):
        return False
    if leaf.ndim == 2 and (NORMALISATION.fullmatch(around.lower()) or NO_KERNEL & _words(around)):
        return False  # a scale or a table of positions, stacked or alone
    bias = weights.get(f"{module}/bias" if module else "bias")
    if bias is not None and bias.ndim >= leaf.ndim:
        return False  # a kernel has an axis that its bias lacks
    return _is_named_kernel(name) or sum(size > 1 for size in leaf.shape) > 1


def _has_fractions(leaf: Any) -> bool:
    """Says whether numbers are floating-point or complex; keys of random numbers and narrow integers are not."""
    dtype = leaf.dtype if hasattr(leaf, "dtype") else np.result_type(leaf)
    return isinstance(dtype, np.dtype) and (dtype.kind in "fc" or "float" in dtype.name)


@functools.lru_cache(maxsize=NAMES)
def _is_no_weight(steps: tuple[str, ...]) -> bool:
    return bool(NO_NETWORK & set(steps[:2])) or NO_WEIGHTS.fullmatch(steps[-1].lower()) is not None


@functools.lru_cache(maxsize=NAMES)
def _is_named_kernel(name: str) -> bool:
    return NAMED_KERNEL.fullmatch(name) is not None


@functools.lru_cache(maxsize=NAMES)
def _may_be_knots(name: str) -> bool:
    return KNOTS.fullmatch(name.lower()) is not None


def _ascends(array: np.ndarray) -> bool:
    return array.ndim > 0 and array.shape[-1] > 1 and bool((np.diff(array, axis=-1) > 0).all())


@functools.lru_cache(maxsize=NAMES)
def _steps(path: str) -> tuple[str, ...]:
    """Splits a path, without the collection of parameters before it and the box around the leaf."""
    steps = path.split("/")
    while len(steps) > 1 and steps[0] == "params":
        del steps[0]
    return tuple(steps[:-1] if len(steps) > 1 and steps[-1] == "value" else steps)


def _laid_out(path: str, array: np.ndarray) -> tuple[str, np.ndarray]:
    name, axes = layout(path, array.shape)
    array = array.transpose(axes)
    return name, np.stack([array.real, array.imag]) if array.dtype.kind == "c" else array


def _has_outputs_first(name: str, shape: tuple[int, ...]) -> bool:
    """Says whether a convolution of a name that does not tell is `[out, in, ...]`: more units than its window is wide.

    Of fewer axes nothing shows: a dense layer has no window, and three axes may be stacked layers.
    """
    return "kernel" not in name and len(shape) > 3 and shape[0] > max(shape[2:])


@functools.lru_cache(maxsize=NAMES)
def _words(name: str) -> frozenset[str]:
    return frozenset(re.split(r"[^a-z]+", name.lower()))
