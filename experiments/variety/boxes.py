"""From what FCOS says to boxes, and their average precision. All boxes are `(left, top, right, bottom)` in pixels."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from experiments.variety.points import points_of

LEAST = 0.05
"""Score below which a box is dropped."""

MOST = 100
"""Boxes of a class and picture before overlapping ones are dropped."""

OVERLAP = 0.5
"""Intersection over union from which a box is the same as another: one that is found, or one that scores higher."""

Boxes = Float[np.ndarray, "k 4"]
Scores = Float[np.ndarray, " k"]


def decode(outputs: Mapping[str, Float[np.ndarray, "n a _"]], shape: Sequence[int]) -> list[list[tuple[Boxes, Scores]]]:
    """Returns by picture and class the boxes that are left, the best first, with their scores.

    Args:
        outputs: of the network.
        shape: height and width of the pictures.
    """
    points = np.concatenate(points_of(shape))
    corners = np.concatenate([points - outputs["sides"][..., :2], points + outputs["sides"][..., 2:]], axis=-1)
    corners = np.clip(corners, 0, np.tile(np.array(shape[::-1], np.float32), 2))
    scores = np.sqrt(_sigmoid(outputs["logits"]) * _sigmoid(outputs["centredness"]))
    return [
        [_best(boxes, of_class) for of_class in of_picture.T] for boxes, of_picture in zip(corners, scores, strict=True)
    ]


def _best(boxes: Boxes, scores: Scores) -> tuple[Boxes, Scores]:
    order = np.argsort(-scores, kind="stable")[:MOST]
    order = order[scores[order] > LEAST]
    order = order[without_overlap(boxes[order])]
    return boxes[order], scores[order]


def without_overlap(boxes: Boxes) -> Int[np.ndarray, " j"]:
    """Returns the places of boxes, the best first, that no better one which is kept overlaps (non-maximum suppression).

    Examples:
        >>> without_overlap(np.array([[0, 0, 4, 4], [0, 0, 4, 3], [4, 4, 8, 8]], np.float32)).tolist()
        [0, 2]
    """
    same = intersection_over_union(boxes, boxes) > OVERLAP
    kept: list[int] = []
    for place in range(len(boxes)):
        if not same[place, kept].any():
            kept.append(place)
    return np.array(kept, int)


def intersection_over_union(boxes: Boxes, others: Float[np.ndarray, "j 4"]) -> Float[np.ndarray, "k j"]:
    """Returns how much boxes overlap.

    Examples:
        >>> intersection_over_union(np.array([[0, 0, 2, 2]]), np.array([[1, 0, 3, 2], [2, 2, 3, 3]])).tolist()
        [[0.3333333333333333, 0.0]]
    """
    start = np.maximum(boxes[:, None, :2], others[:, :2])
    end = np.minimum(boxes[:, None, 2:], others[:, 2:])
    shared = np.prod(np.maximum(end - start, 0), axis=-1)
    sizes, of_others = (np.prod(each[:, 2:] - each[:, :2], axis=-1) for each in (boxes, others))
    return shared / np.maximum(sizes[:, None] + of_others - shared, 1e-9)  # boxes without a size overlap with nothing


def average_precision(found: Sequence[tuple[Boxes, Scores]], true: Sequence[Boxes]) -> float:
    """Returns the area below the precision of one class over its recall; a box counts once, by the best that finds it.

    Args:
        found: by picture.
        true: by picture.

    References:
        Everingham et al., "The Pascal Visual Object Classes Challenge: A Retrospective", IJCV 2015, section 4.2
        (all points, overlap 0.5).

    Examples:
        >>> one = np.array([[0.0, 0.0, 2.0, 2.0]])
        >>> average_precision([(one, np.array([0.9])), (one, np.array([0.8]))], [one, one + 5])
        0.5
    """
    scores = np.concatenate([scores for _, scores in found])
    right = np.concatenate([_matched(boxes, of_picture) for (boxes, _), of_picture in zip(found, true, strict=True)])
    right = right[np.argsort(-scores, kind="stable")]
    recall = np.cumsum(right) / max(sum(map(len, true)), 1)
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0) * envelope))


def _matched(boxes: Boxes, true: Boxes) -> Bool[np.ndarray, " k"]:
    """Returns which boxes, the best first, find one that none before found."""
    right = np.zeros(len(boxes), bool)
    if not len(true):
        return right
    overlap = intersection_over_union(boxes, true)
    free = np.ones(len(true), bool)
    for place, row in enumerate(overlap):
        best = int(row.argmax())
        right[place] = row[best] > OVERLAP and free[best]
        free[best] &= not right[place]
    return right


def _sigmoid(x: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    return 1 / (1 + np.exp(-x))
