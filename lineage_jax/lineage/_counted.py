"""Who came first by what was counted: batches seen by normalisations, steps of an optimiser, classes of a head.

Batch normalisation counts the batches it has seen, and fine-tuning goes on counting. A network that was put together
from a pretrained part and new layers holds two numbers: the new layers saw the batches of its own training, the
pretrained ones saw more, and the difference is what the pretrained network had seen when it was taken. The steps of
the optimiser in the file, subtracted, say the same of a network without new layers. Where that is just what a
candidate has seen, the candidate is what was taken.
"""

from collections.abc import Mapping

from lineage_jax.lineage._cue import Cue, cue
from lineage_jax.lineage._direction import first_by_counters

ROUNDING = 1
"""Batches by which an optimiser and a counter may differ: files are written before or after a step is counted."""

PRETRAINING = ({21_841, 21_842, 21_843, 11_221, 10_450}, {1_000, 1_001})
"""Classes of the sets that networks are pretrained on, the usual first ones first: ImageNet-21k and its parts, then
ImageNet."""


def begun_at(counters: Mapping[str, int], steps: int | None = None) -> int | None:
    """Says how many batches the network had seen that a network was tuned from, its hidden ancestor.

    Siblings have the same ancestor and so the same number, however long each was trained.

    Args:
        counters: batches seen, by module.
        steps: of the optimiser in the file, if it says; see `checkpoints.training_state`.

    Returns:
        Batches; None where the counters have one value and there are no steps, more than two values, or fewer batches
        than steps. 0 says that this is no tuned network: it was trained from its initialisation.

    Examples:
        A backbone that saw 1,905,515 batches under a head that saw 343,102:

        >>> begun_at({"backbone.bn1": 1_905_515, "backbone.bn2": 1_905_515, "head.bn": 343_102})
        1562413
        >>> begun_at({"bn1": 5_000, "bn2": 5_000}, steps=1_000)
        4000
    """
    seen = sorted({count for count in counters.values() if count > 0})
    if not seen or len(seen) > 2:
        return None
    if len(seen) == 2:
        return seen[1] - seen[0]
    if steps is None or steps <= 0 or steps > seen[0] + ROUNDING:
        return None
    return 0 if seen[0] - steps <= ROUNDING else seen[0] - steps


def cue_by_counters(
    candidate: Mapping[str, int],
    child: Mapping[str, int],
    *,
    candidate_steps: int | None = None,
    child_steps: int | None = None,
) -> Cue | None:
    """Says who came first by the batches that normalisations have counted.

    If one of two networks has seen just as many batches as the other had when its own training began, it is what the
    other was tuned from ("batches at the start"). Else the one that has seen fewer is the older one, if either descends
    from the other ("batch counters"). Steps alone say nothing: an optimiser that fine-tunes counts from 0 again.

    Args:
        candidate: batches seen, by module; `checkpoints.batch_counters` or `LoadedNetwork.counters`. Where networks
            correspond in a part only, the counters of that part, by their names inside it.
        child: the same.
        candidate_steps: of the optimiser in the candidate's file, `checkpoints.training_state(file).get("steps")`.
        child_steps: the same of the child's.

    Returns:
        A cue, or None where counters are missing, equal, set back to 0, or contradict each other.

    Examples:
        >>> cue_by_counters({"bn1": 100, "bn2": 100}, {"bn1": 250, "bn2": 250}).first
        'candidate'
        >>> cue_by_counters({"bn": 100}, {"bn": 250}, child_steps=150).said
        'the child began its training at 100 batches, which is what the candidate has seen'
        >>> cue_by_counters({"bn": 100}, {"bn": 100}) is None
        True
    """
    first = first_by_counters(candidate, child)
    if first is None:
        return None
    one, other = ("candidate", "child") if first == "candidate" else ("child", "candidate")
    counters = {"candidate": candidate, "child": child}
    steps = {"candidate": candidate_steps, "child": child_steps}
    most = {who: max(of.values()) for who, of in counters.items()}
    begun = begun_at(counters[other], steps[other])
    if begun and abs(begun - most[one]) <= ROUNDING:
        said = f"the {other} began its training at {begun:,} batches, which is what the {one} has seen"
        return cue("batches at the start", first, said, forgeable=True)
    said = f"the {one} has counted {most[one]:,} batches, the {other} {most[other]:,}"
    return cue("batch counters", first, said, forgeable=True)


def cue_by_head(candidate: int | None, child: int | None) -> Cue | None:
    """Says who came first by the classes of two heads on one body: whoever has those of a set for pretraining.

    A new head shows that one of two networks was adapted to another task, not which. Only where exactly one head has
    as many classes as a set that networks are pretrained on, it is taken for the older one; of two such sets
    ImageNet-21k comes before ImageNet. This is how networks are made as a rule, and no family could be made here to
    measure it on: the cue is told, and decides nothing.

    Args:
        candidate: classes of the candidate's head, or None where that is not known.
        child: the same of the child's.

    Returns:
        A cue, or None where classes are unknown, equal, or neither is a set for pretraining.

    Examples:
        >>> cue_by_head(1000, 37).first, cue_by_head(1000, 21_843).first, cue_by_head(10, 37)
        ('candidate', 'child', None)
    """
    if candidate is None or child is None:
        return None
    ranks = [
        next((rank for rank, sizes in enumerate(PRETRAINING) if classes in sizes), len(PRETRAINING))
        for classes in (candidate, child)
    ]
    if ranks[0] == ranks[1]:
        return None
    first = "candidate" if ranks[0] < ranks[1] else "child"
    many, few = (candidate, child) if first == "candidate" else (child, candidate)
    other = "child" if first == "candidate" else "candidate"
    said = f"the {first} has the {many:,} classes of a set for pretraining, the {other} {few:,} others"
    return cue("head", first, said, forgeable=True)
