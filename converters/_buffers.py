"""Which arrays of a network are no weights: what was not learned says nothing of who a network descends from.

A fixed table is equal in strangers and a queue differs between relatives, and both can be larger than all weights.
`KINDS` tells them by the names that the field gives them, most with a look at the values, since a name alone can mean a
weight too (a grid of knots is fixed, a grid of features is learned). A new kind is a line there. Arrays under names
that say nothing are told by their values alone: arithmetic progressions, whole numbers, sines and cosines of positions.
Learned position embeddings are weights.
"""

import dataclasses
import math
import re
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from converters._numbers import is_floating

LEARNED = re.compile(r"(.*_)?(weight|bias|kernel|scale|gamma|beta|alpha|embedding|running_(mean|var))(_.*)?")
"""Last parts of names whose arrays are weights or statistics whatever their values are."""
FEW = 16
"""Numbers of a mean or deviation by channel at most."""
SHORTEST = 8
"""Elements of an array that its values alone can tell at least."""
PIECE = 1 << 14
"""Elements that are looked at in one go: a weight shows in the first few that it is no table."""
EVEN = 1e-6
"""How far numbers of an arithmetic progression may be off, of the whole range."""
TOLERANCE = 1e-3
"""How far sums of squares of sines and cosines may be off: they are stored in 16 bits at times."""


def anything(array: np.ndarray) -> bool:
    """Takes every array."""
    return True


def single(array: np.ndarray) -> bool:
    """Takes single numbers."""
    return array.size == 1


def few(array: np.ndarray) -> bool:
    """Takes as many numbers as an image has channels."""
    return array.size <= FEW


def whole(array: np.ndarray) -> bool:
    """Takes whole numbers, those in a floating format too."""
    if array.dtype.kind == "c":
        return False
    if not is_floating(array.dtype):
        return True
    return all(np.isfinite(piece).all() and (piece == np.rint(piece)).all() for _, piece in _pieces(array))


def ascending(array: np.ndarray) -> bool:
    """Takes rows of knots: whole numbers, or rows that ascend."""
    if not array.ndim or not 1 < array.shape[-1] <= PIECE or array.dtype.kind == "c":
        return whole(array)
    steps = [np.diff(rows, axis=-1) for rows in _rows(array)] if array.size <= PIECE else []
    return (bool(steps) and all((step >= 0).all() and (step > 0).any() for step in steps)) or whole(array)


def masking(array: np.ndarray) -> bool:
    """Takes truth values: false and true, 0 and 1, or 0 and something far below it."""
    if not is_floating(array.dtype):
        return True
    if array.dtype.kind == "c":
        return False
    seen: set[float] = set()
    for _, piece in _pieces(array):
        seen |= set(np.unique(piece).tolist())
        if len(seen) > 2 or np.isnan(piece).any():
            return False
    return len(seen) < 2 or 0 in seen


def triangular(array: np.ndarray) -> bool:
    """Takes masks of what came before: ones up to the diagonal, zeros after it."""
    square = array.ndim == 4 and array.shape[0] == 1 and array.shape[-1] == array.shape[-2] > 1
    return square and all(
        (array[0, 0, row] == (np.arange(array.shape[-1]) <= row)).all() for row in range(len(array[0, 0]))
    )


def sinusoidal(array: np.ndarray) -> bool:
    """Takes tables of sines and cosines: the squares of every row sum to half its length, up to a row of zeros."""
    if array.ndim < 2 or not 4 <= array.shape[-1] <= PIECE or array.shape[-1] % 2 or array.dtype.kind == "c":
        return False
    half, count, odd = array.shape[-1] / 2, 0, 0
    for rows in _rows(array):
        squares = np.einsum("nd,nd->n", rows, rows)
        table = abs(squares - half) <= TOLERANCE * half
        if not (table | (squares == 0)).all():
            return False
        count, odd = count + len(rows), odd + int((~table).sum())
    return count >= 4 and odd <= 1


def _pieces(array: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yields where each piece of an array starts, and the piece in float64; a large array is never copied whole."""
    flat = array.reshape(-1) if array.flags.c_contiguous else array.flat
    for start in [*range(0, min(array.size, SHORTEST), SHORTEST), *range(SHORTEST, array.size, PIECE)]:
        end = SHORTEST if start == 0 else start + PIECE
        yield start, np.asarray(flat[start:end]).astype(np.float64)


def _rows(array: np.ndarray) -> Iterator[np.ndarray]:
    """Yields the rows along the last axis, many at a time, in float64."""
    rows = array.reshape(-1, array.shape[-1])
    step = max(PIECE // array.shape[-1], 1)
    for start in range(0, len(rows), step):
        yield rows[start : start + step].astype(np.float64)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of array that is no weight.

    Attributes:
        reason: what it is.
        name: pattern that the whole name matches; `of` and `under` make it of last parts and of modules.
        looks: says of the values whether they may be that.
    """

    reason: str
    name: re.Pattern
    looks: Callable[[np.ndarray], bool] = anything


def of(*leaves: str) -> re.Pattern:
    """Makes the pattern of names by their last part."""
    return re.compile(rf"(?:.*\.)?(?:{'|'.join(leaves)})")


def under(*modules: str) -> re.Pattern:
    """Makes the pattern of names by any of their parts."""
    return re.compile(rf"(?:.*\.)?(?:{'|'.join(modules)})(?:\..*)?")


KINDS = (
    Kind(reason="counter of batches", name=of("num_batches_tracked")),
    Kind(
        reason="counter",
        name=of(
            *("num_updates", "n_averaged", "(global_)?step", "updates?", "decay", "init(ialized|ted)?", "_init\\w*"),
            *("version", "epochs?", "count(er)?", "total_(ops|params)", "num_\\w+", "it(er(ation)?s?)?"),
        ),
        looks=single,
    ),
    Kind(reason="count of operations", name=of("total_ops", "total_params")),
    Kind(reason="queue of a contrastive loss", name=of(r"(\w+_)?queues?(_?\w+)?", "memory_bank", "(queue_)?ptr")),
    Kind(
        reason="observer of a quantisation",
        name=under(r"\w*activation_post_process\w*", r"\w*fake_quant\w*", r"\w*observer\w*"),
    ),
    Kind(
        reason="observer of a quantisation",
        name=of(
            "min_vals?", "max_vals?", "fake_quant_enabled", "observer_enabled", "(in|out)put_scale", "zero_points?"
        ),
    ),
    Kind(
        reason="part of a loss or metric",
        name=under(
            *(r"criteri(on|a|ons)", r"loss(es)?", r"loss_(fn|func|fct|function|module)s?", r"\w+_(loss|criterion)"),
            *(r"\w*metrics?", r"(train|val|valid|validation|test)_(acc|accuracy|auc|auroc|f1|iou|map)\w*", "meters?"),
        ),
    ),
    Kind(
        reason="weights of the classes in a loss",
        name=of("pos_weight", "class_weights?", "loss_weights?", "empty_weight"),
    ),
    Kind(reason="grid of knots", name=of("grid", r"\w+_grid", "knots"), looks=ascending),
    Kind(reason="grid of anchors", name=of("anchor_grid", r"(\w+_)?anchors?", "prior_?boxes", "priors")),
    Kind(reason="steps between pixels", name=of("strides?"), looks=whole),
    Kind(reason="table of positions", name=of(r"rel(ative)?_(pos|position)_ind(ex|ices)", r"\w*attention_bias_idxs")),
    Kind(reason="table of positions", name=of(r"relative_coords_table", r"rel(ative)?_coords\w*")),
    Kind(reason="table of positions", name=of("position_ids", "token_type_ids", r"\w*pos(ition)?_(idx|index|ids)")),
    Kind(reason="table of positions", name=of(r"\w*inv_freqs?", "freqs(_cis|_cos|_sin)?", "(sin|cos)(_cached?)?")),
    Kind(reason="table of positions", name=under("rope", r"rotary_(pos_)?emb(edding)?s?")),
    Kind(
        reason="fixed sines and cosines of positions",
        name=under("pe", r"\w*pos(_|ition)\w*", r"\w*positional\w*", r"pos_?(emb|enc)\w*"),
        looks=sinusoidal,
    ),
    Kind(reason="mask", name=of(r"(\w+_)?mask(_\w+)?", "masked_bias", "tril"), looks=masking),
    Kind(reason="mask", name=of("bias"), looks=triangular),
    Kind(
        reason="mean or deviation of the pixels",
        name=of(r"(?!running_|\w*log_)(\w+_)?(mean|std)", "pixel_var", "image_var"),
        looks=few,
    ),
    Kind(
        reason="schedule of a diffusion",
        name=of(
            *(r"betas", r"alphas(_cumprod\w*)?", r"sqrt_\w*alphas\w*", r"log_one_minus_alphas\w*", r"posterior_\w+"),
            *(r"lvlb_weights", r"log_sigmas", r"sigmas", r"(p2_)?loss_weight"),
        ),
    ),
    Kind(reason="count of a codebook", name=of("(ema_)?cluster_size", "ema_count", "cluster_usage")),
    Kind(reason="fixed noise", name=of(r"noise_\d+", "noise_const", "fixed_noise", "(weight|bias)_epsilon")),
    Kind(
        reason="fixed filter",
        name=of(
            *(r"\w*blur\w*\.kernel", r"(up|down)sample\.kernel", "filt", "resample_filter", r"(up|down)_filter"),
            *(r"fb", "mel_basis", r"(\w+_)?window", "(forward|inverse)_basis", r"sobel\w*", "dct(_mat)?"),
        ),
    ),
)
"""What is told by name, the first that fits."""


def buffers_of(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Says which arrays are no weights, and why.

    Examples:
        >>> arrays = {"fc.weight": np.arange(9.0), "attn.table": np.arange(9.0), "pixel_mean": np.zeros(3)}
        >>> buffers_of(arrays)
        {'attn.table': 'arithmetic progression', 'pixel_mean': 'mean or deviation of the pixels'}
    """
    reasons = {
        name: _reason(name.replace("/", "."), array) or _scale_of_zero_point(name, arrays)
        for name, array in arrays.items()
    }
    return {name: reason for name, reason in reasons.items() if reason is not None}


def is_buffer_by_name(name: str, shape: tuple[int, ...]) -> bool:
    """Says whether a name alone, or with the number of elements, tells an array that is no weight."""
    sure = (anything, single) if math.prod(shape) == 1 else (anything,)
    return any(kind.looks in sure and kind.name.fullmatch(name) for kind in KINDS)


def _scale_of_zero_point(name: str, arrays: Mapping[str, np.ndarray]) -> str | None:
    """Tells the scale of what a quantised layer returns by the zero point beside it."""
    module, dot, leaf = name.rpartition(".")
    beside = arrays.get(f"{module}{dot}zero_point") if leaf == "scale" else None
    alike = beside is not None and beside.shape == arrays[name].shape and beside.size <= 1
    return "scale of a quantisation" if alike else None


def _reason(name: str, array: np.ndarray) -> str | None:
    if not array.size:
        return None
    with np.errstate(all="ignore"):
        for kind in KINDS:
            if kind.name.fullmatch(name) and kind.looks(array):
                return kind.reason
        unknown = not LEARNED.fullmatch(name.rpartition(".")[2]) and is_floating(array.dtype)
        if not unknown or array.size < SHORTEST or array.dtype.kind == "c":
            return None
        if _ascends_evenly(array):
            return "arithmetic progression"
        return "whole numbers" if whole(array) and _varies(array) else None


def _varies(array: np.ndarray) -> bool:
    first = array.flat[0]
    return any((piece != first).any() for _, piece in _pieces(array))


def _ascends_evenly(array: np.ndarray) -> bool:
    """Says whether values lie evenly from the first to the last."""
    first, last = (float(array.flat[place]) for place in (0, array.size - 1))
    step = (last - first) / (array.size - 1)
    if not np.isfinite(step) or step == 0:
        return False
    near = lambda start, piece: abs(piece - (first + step * np.arange(start, start + len(piece)))).max()  # noqa: E731
    return all(near(start, piece) <= abs(last - first) * EVEN for start, piece in _pieces(array))
