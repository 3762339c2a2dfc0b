"""Whose child a block is: the block of every network fed with each candidate parent's own activations."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from lineage_jax import linearize
from lineage_jax.lineage._score import FORMS, Strengths, checked_probes, score, strengths_of
from lineage_jax.pairs import names_of, population_of, read
from lineage_jax.typing import Inputs, Measure, Networks, Population

if TYPE_CHECKING:
    import xarray


def score_block(
    block: linearize.LinenBlock,
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
    """Scores every candidate parent against every child on one block alone, as `score` does on whole networks.

    The parent's activations at the start of the block are fed to its own block and to every child's. What a child
    does before the block then plays no part: a block that was grafted into another network is compared with the
    block that it came from on the inputs which that one knows. Of a mapping that loads its networks, each parent is
    read once, and each child once for every parent.

    Args:
        block: what `linearize.block_of` returned.
        parents: candidate parents, `{name: variables}` or `Networks`.
        children: children, `{name: variables}` or `Networks`.
        probes: `[n, ...]`, inputs of the whole network.
        measures: as in `score`.
        alphas: as in `score`.
        forms: as in `score`; the exact one is among the defaults for the reason given there.
        held: as in `score`.
        memory: as in `score`.
        progress: called with (pairs done, pairs in all) after each parent.

    Returns:
        `xarray.DataArray` with dimensions parent, child, layer, measure, form, alpha; higher means more alike. Each
        parent has its own activations, so that distances of different parents are in different units: prefer
        measures without a unit, or compare with the direct form of the same parent.

    Raises:
        ValueError: As `score`.
        TypeError: As `score`.
    """
    import xarray

    linearize.check_held(held)
    held = tuple(held)
    strengths = strengths_of(alphas)
    parents, children = population_of(parents, "parent", held=held), population_of(children, "child", held=held)
    names, count = names_of(parents, "parent"), len(names_of(children, "child"))
    probes = checked_probes(probes)
    scores = []
    for name in names:
        variables = parents[name] if isinstance(parents, Networks) else read(parents, name, "parent", held=held)
        scores.append(
            score(
                block,
                {name: variables},
                children,
                block.entry(variables, probes),
                measures=measures,
                alphas=strengths,
                forms=forms,
                held=held,
                memory=memory,
            )
        )
        if progress:
            progress(len(scores) * count, len(names) * count)
    not_shared = dict.fromkeys(path for of_one in scores for path in of_one.attrs["not_shared"])
    return xarray.concat(scores, dim="parent").assign_attrs(not_shared=list(not_shared))
