"""What FCOS learns at every point of its levels, and what it loses there."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from experiments.variety.fcos import LIMIT, STRIDES

RADIUS = 1.5
"""Strides from the centre of a box, within which its points are."""

NOTHING = -1
"""The class of a point without a box."""

ALPHA, GAMMA = 0.25, 2.0
"""Of the focal loss."""

Targets = dict[str, np.ndarray]


def points_of(shape: Sequence[int]) -> list[Float[np.ndarray, "a 2"]]:
    """Returns the centres `(x, y)` of the points of every level of pictures `[h, w]`."""
    grids = [np.meshgrid(*(np.arange(stride / 2, side, stride) for side in shape[::-1])) for stride in STRIDES]
    return [np.stack(grid, axis=-1).reshape(-1, 2).astype(np.float32) for grid in grids]


def targets_of(boxes: Float[np.ndarray, "k 4"], classes: Int[np.ndarray, " k"], shape: Sequence[int]) -> Targets:
    """Returns the class, the distances to the sides and the centredness at every point of one picture.

    A point belongs to the smallest box that it is near the centre of; the farthest side decides the level.

    References:
        Tian et al., "FCOS: Fully Convolutional One-Stage Object Detection", ICCV 2019, section 3.
    """
    ranges = ((0, LIMIT), (LIMIT, np.inf))
    boxes, classes = np.concatenate([boxes, np.zeros((1, 4))]), np.append(classes, NOTHING)  # a picture may have none
    levels = [
        _of_level(points, boxes, classes, RADIUS * stride, reach)
        for points, stride, reach in zip(points_of(shape), STRIDES, ranges, strict=True)
    ]
    return {name: np.concatenate([level[name] for level in levels]) for name in levels[0]}


def _of_level(
    points: Float[np.ndarray, "a 2"],
    boxes: Float[np.ndarray, "k 4"],
    classes: Int[np.ndarray, " k"],
    radius: float,
    reach: tuple[float, float],
) -> Targets:
    sides = np.concatenate([points[:, None] - boxes[:, :2], boxes[:, 2:] - points[:, None]], axis=-1)  # [a, k, 4]
    central = np.abs(points[:, None] - (boxes[:, :2] + boxes[:, 2:]) / 2).max(-1) < radius
    farthest = sides.max(-1)
    matched = (sides.min(-1) > 0) & central & (farthest > reach[0]) & (farthest <= reach[1])
    sizes = np.where(matched, np.prod(boxes[:, 2:] - boxes[:, :2], axis=-1), np.inf)
    smallest = sizes.argmin(axis=1)
    positive = matched.any(axis=1)
    chosen = np.where(positive[:, None], sides[np.arange(len(points)), smallest], 1).astype(np.float32)
    across, down = chosen[:, 0::2], chosen[:, 1::2]
    ratio = across.min(-1) / across.max(-1) * down.min(-1) / down.max(-1)
    return {
        "classes": np.where(positive, classes[smallest], NOTHING).astype(np.int32),
        "sides": chosen,
        "centredness": np.sqrt(ratio).astype(np.float32),
    }


def detection(
    outputs: dict[str, Float[Array, "n a _"]], targets: dict[str, Array]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Returns the losses of classes, boxes and centredness, an object, and how much the boxes overlap the true ones.

    References:
        Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, equation 5.
        Rezatofighi et al., "Generalized Intersection over Union", CVPR 2019, algorithm 1.
    """
    positive = (targets["classes"] != NOTHING).astype(jnp.float32)
    objects = jnp.maximum(positive.sum(), 1)
    hot = jax.nn.one_hot(targets["classes"], outputs["logits"].shape[-1])  # nothing is no class: all zeros
    classes = optax.sigmoid_focal_loss(outputs["logits"], hot, alpha=ALPHA, gamma=GAMMA).sum()
    overlap, generalised = overlaps(outputs["sides"], targets["sides"])
    boxes = jnp.sum(positive * (1 - generalised))
    centredness = optax.sigmoid_binary_cross_entropy(outputs["centredness"][..., 0], targets["centredness"])
    return (classes + boxes + jnp.sum(positive * centredness)) / objects, jnp.sum(positive * overlap) / objects


def overlaps(
    sides: Float[Array, "*n 4"], others: Float[Array, "*n 4"]
) -> tuple[Float[Array, "*n"], Float[Array, "*n"]]:
    """Returns intersection over union, and its generalised form, of boxes around the same points."""
    inner, outer = (_area(choose(sides, others)) for choose in (jnp.minimum, jnp.maximum))
    union = _area(sides) + _area(others) - inner
    return inner / union, inner / union - (outer - union) / outer


def _area(sides: Float[Array, "*n 4"]) -> Float[Array, "*n"]:
    return (sides[..., 0] + sides[..., 2]) * (sides[..., 1] + sides[..., 3])
