"""What is said of a detector that has learned: how many parents it names, beside what needs no learning."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray

    from lineage_jax.detector import Examples, Fitted, Split
    from lineage_jax.typing import Population


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class StudiedFamily:
    """What is kept of a family that is learned from.

    Attributes:
        examples: what the detector sees.
        scores: those of weights that need no learning, `[parent, child, setting]`.
        truth: the name of every child's parent.
    """

    examples: "Examples"
    scores: "xarray.DataArray"
    truth: Mapping[str, str]


def report_lines(fitted: "Fitted", families: Sequence[StudiedFamily], parts: "Split") -> list[str]:
    """Says what was learned from and how right the detector is on the test children, beside the best weight score."""
    from lineage_jax import detector, lineage

    learned, chose, tested = (sum(map(len, part)) for part in (parts.train, parts.validation, parts.test))
    found = detector.evaluate_fitted(fitted, parts.test)
    scores, truth = together(families)
    of_validation, of_test = (_children_of(part) for part in (parts.validation, parts.test))
    best = lineage.choose(scores, truth, of_validation)
    by_weights = lineage.accuracy(lineage.decide(scores.sel({**best, "child": of_test})), truth).item()
    lines = [
        f"families: {len(families)}; {learned} children taught, {chose} chose among epochs, {tested} tested",
        f"parents named rightly of the {tested}: {round(found.accuracy * tested)} by the detector, "
        f"{by_weights * tested:.0f} by {best['setting']}, the best weight score on the {chose}",
        f"calibration error of the probabilities: {found.calibration_error:.2f}",
    ]
    if fitted.detector.nobody:
        orphans = detector.evaluate_fitted(fitted, parts.test, orphans=1.0)
        lines.append(
            f"shown without their parent, {round(orphans.accuracy * tested)} of the {tested} have none of these"
        )
    return lines


def weight_scores(parents: "Population", children: "Population", layers: Sequence[str]) -> "xarray.DataArray":
    """Compares all weights and those of some layers, `[parent, child, setting]`, settings in words."""
    from lineage_jax import lineage

    labels = [lineage.WHOLE, *map(lineage.layer_label, layers)]
    flat = lineage.weight_scores(parents, children).sel(layer=labels).stack(setting=("layer", "measure"))
    whose = {lineage.WHOLE: "all layers"}
    names = [f"{measure.replace('_', ' ')} of {whose.get(layer, layer)}" for layer, measure in flat.setting.values]
    return flat.drop_vars(["setting", "layer", "measure"]).assign_coords(setting=names)


def together(families: Sequence[StudiedFamily]) -> "tuple[xarray.DataArray, dict[str, str]]":
    """Returns scores and truth of all families as of one, each child called by its family's place and its name."""
    import xarray

    scores: list[xarray.DataArray] = []
    truth: dict[str, str] = {}
    for place, family in enumerate(families):
        names = [_called(place, child) for child in family.scores["child"].values]
        scores.append(family.scores.assign_coords(child=names))
        truth |= {_called(place, child): parent for child, parent in family.truth.items()}
    return xarray.concat(scores, dim="child", join="outer"), truth


def _children_of(part: "Sequence[Examples]") -> list[str]:
    """Returns the names of a part's children among all families `together`."""
    return [_called(place, child) for place, examples in enumerate(part) for child in examples.child_names]


def _called(place: int, child: str) -> str:
    return f"{place}/{child}"
