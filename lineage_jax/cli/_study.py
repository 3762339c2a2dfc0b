"""What is learned from, and how well: families that were looked at, and what needs no learning beside the detector."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_jax.checkpoints import load_known
from lineage_jax.cli._layers import Layers, choose_layers
from lineage_jax.cli._look import look_at

if TYPE_CHECKING:
    import xarray

    from lineage_jax.detector import Evaluation, Examples, Fitted, Split


@dataclasses.dataclass(frozen=True, kw_only=True)
class Study:
    """What is kept of a family.

    Attributes:
        examples: what the detector sees.
        scores: those of weights that need no learning, `[parent, child, setting]`.
        truth: the name of every child's parent.
    """

    examples: "Examples"
    scores: "xarray.DataArray"
    truth: dict[str, str]


def study_all(
    paths: Sequence[Path],
    weights: list[str] | None,
    features: list[str] | None,
    images: Any,
    arch: str | None,
    *,
    advance: Callable[[], None],
) -> tuple[list[Study], Layers]:
    """Looks at one family after another; the first one decides which layers."""
    studies, layers = [], None
    for path in paths:
        known = load_known(path, arch)
        layers = layers or choose_layers(known, weights, features, probes=images is not None)
        examples = look_at(known, layers, images)
        scores = weight_scores(known.parents, known.children, layers)
        studies.append(Study(examples=examples, scores=scores, truth=known.truth))
        advance()
    if layers is None:
        raise ValueError("expected at least one --family, got none")
    return studies, layers


def weight_scores(parents: Any, children: Any, layers: Layers) -> "xarray.DataArray":
    """Compares all weights and those of the layers by distance and cosine, one setting each."""
    from lineage_jax import lineage

    labels = [lineage.WHOLE, *map(lineage.layer_label, layers.weights)]
    scores = lineage.weight_scores(parents, children).sel(layer=labels)
    flat = scores.stack(setting=("layer", "measure"))
    whose = {lineage.WHOLE: "all layers"}
    names = [f"{measure.replace('_', ' ')} of {whose.get(layer, layer)}" for layer, measure in flat.setting.values]
    return flat.drop_vars(["setting", "layer", "measure"]).assign_coords(setting=names)


def check_parents(studies: Sequence[Study], *, nobody: bool) -> None:
    """Refuses children of nobody where that is not to be learned."""
    for study in studies:
        for child, parent in study.truth.items():
            if parent not in study.examples.parent_names and not nobody:
                raise ValueError(f"expected '{parent}', the parent of '{child}', among the parents; or give --nobody")


def report_of(fitted: "Fitted", studies: Sequence[Study], parts: "Split") -> list[str]:
    """Says what was learned from and how right the detector is on the test children, beside the best weight score."""
    from lineage_jax import lineage

    learned, chose, tested = (sum(map(len, part)) for part in (parts.train, parts.validation, parts.test))
    found = evaluated(fitted, parts.test, orphans=0.0)
    scores, truth = together(studies)
    of_validation, of_test = (children_of(part) for part in (parts.validation, parts.test))
    best = lineage.choose(scores, truth, of_validation)
    by_weights = lineage.accuracy(lineage.decide(scores.sel({**best, "child": of_test})), truth).item()
    lines = [
        f"families: {len(studies)}; {learned} children taught, {chose} chose among epochs, {tested} tested",
        f"parents named rightly of the {tested}: {round(found.accuracy * tested)} by the detector, "
        f"{by_weights * tested:.0f} by {best['setting']}, the best weight score on the {chose}",
        f"calibration error of the probabilities: {found.calibration_error:.2f}",
    ]
    if fitted.detector.nobody:
        orphans = evaluated(fitted, parts.test, orphans=1.0)
        lines.append(
            f"shown without their parent, {round(orphans.accuracy * tested)} of the {tested} have none of these"
        )
    return lines


def evaluated(fitted: "Fitted", part: "Sequence[Examples]", *, orphans: float) -> "Evaluation":
    """Judges children, a share of them without their parent."""
    from lineage_jax import detector

    judged = detector.judge(
        fitted.detector, fitted.variables, part, batch_size=fitted.training.batch_size, orphans=orphans
    )
    return detector.evaluate(judged, temperature=fitted.temperature)


def together(studies: Sequence[Study]) -> "tuple[xarray.DataArray, dict[str, str]]":
    """Returns scores and truth of all families as of one, each child called by its family's place and its name."""
    import xarray

    scores, truth = [], {}
    for place, study in enumerate(studies):
        names = [_called(place, child) for child in study.scores["child"].values]
        scores.append(study.scores.assign_coords(child=names))
        truth |= {_called(place, child): parent for child, parent in study.truth.items()}
    return xarray.concat(scores, dim="child", join="outer"), truth


def children_of(part: "Sequence[Examples]") -> list[str]:
    """Returns the names of a part's children among all families `together`."""
    return [_called(place, child) for place, examples in enumerate(part) for child in examples.child_names]


def _called(place: int, child: str) -> str:
    return f"{place}/{child}"
