"""The child compared with its candidates: by the weights they share, or by features and weights of one architecture."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lineage_jax.evidence._answer import Answer
from lineage_jax.evidence._conclude import conclude
from lineage_jax.evidence._detector import EvidenceDetector, TrainedDetector, ask_among
from lineage_jax.evidence._p import p_in_place
from lineage_jax.evidence._probes import Probes
from lineage_jax.evidence._question import Question
from lineage_jax.evidence._scores import (
    Scores,
    approximated,
    scores_of_features,
    scores_of_overlap,
    scores_of_weights,
)
from lineage_jax.evidence._verdict import Measured, possible_parents
from lineage_jax.evidence._weights import compare_weights

if TYPE_CHECKING:
    import xarray

    from lineage_jax.typing import FeatureFn, Measure, Params


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ComparedChild:
    """A child that was compared.

    Attributes:
        question: the networks.
        parents: arrays of the candidates as they were compared.
        child: arrays of the child.
        measured: what a verdict rests on.
        compared: what was compared, for programs.
        scores: by kind of score, over parent.
    """

    question: Question
    parents: "Mapping[str, Params]"
    child: "Params"
    measured: Measured
    compared: dict[str, Any]
    scores: Scores

    def among_relatives(self, trained: EvidenceDetector) -> "ComparedChild":
        """Adds which of the relatives that may be the parent a detector of evidence takes for it, if there are two."""
        names = possible_parents(self.measured)
        if len(names) < 2 or trained.fitted is None:
            return self
        probabilities = ask_among(trained.fitted, names, self.parents, self.child)
        return dataclasses.replace(
            self,
            measured=dataclasses.replace(self.measured, probabilities=probabilities, among_relatives=True),
            compared=self.compared | {"detector": trained.as_dict()},
        )

    def with_detector(self, trained: TrainedDetector, probabilities: "xarray.DataArray") -> "ComparedChild":
        """Adds what a detector of the family says of all candidates."""
        kept = [name for name in probabilities["parent"].values.tolist() if name not in self.measured.left_out]
        probabilities = probabilities.sel(parent=kept)
        return dataclasses.replace(
            self,
            measured=dataclasses.replace(self.measured, probabilities=probabilities),
            compared=self.compared | {"detector": trained.as_dict()},
            scores=self.scores | {"detector": probabilities},
        )

    def answer(self) -> Answer:
        """Says whose child it is."""
        networks = self.question.networks
        verdict = conclude(self.measured, self.parents, self.child)
        named, p = verdict.prediction, dict(self.measured.matched)
        if named is not None and named in self.measured.weights["parent"].values and named not in p:
            standing = p_in_place(self.parents[named], self.child, self.measured.weights.sel(parent=named))
            p |= {} if standing is None else {named: min(1.0, len(self.question.parents) * standing)}
        return Answer(
            verdict=verdict,
            measured=dataclasses.replace(self.measured, p=p),
            compared=self.compared,
            scores=self.scores,
            file_notes={name: list(network.notes) for name, network in networks.items() if network.notes},
        )


def by_weights(question: Question, reason: str) -> ComparedChild:
    """Compares any networks by the weights they share; `reason` is why by these alone."""
    parents, child = {name: network.tree for name, network in question.parents.items()}, question.child.tree
    measured = compare_weights(question, parents, child)
    return ComparedChild(
        question=question,
        parents=parents,
        child=child,
        measured=measured,
        compared={"weights only": reason},
        scores=scores_of_overlap(measured.weights),
    )


def by_features(
    question: Question,
    probes: Probes,
    features: "FeatureFn | None",
    *,
    measures: "Mapping[str, Measure]",
    alphas: Sequence[float] | None,
    progress: Callable[[int, int], None],
) -> ComparedChild:
    """Compares networks of one architecture by their weights, and by their features on probes.

    Args:
        question: the networks.
        probes: what they are shown.
        features: pure function `(variables, inputs) -> [n, ...]`, or None for the last tap of the networks.
        measures: similarities by name.
        alphas: strengths of the approximation, or None for those that are recommended.
        progress: called with (pairs done, pairs in all).
    """
    parents = {name: network.variables for name, network in question.parents.items()}
    child = question.child.variables
    measured = compare_weights(question, parents, child)
    if question.child.input_shape is not None:
        probes.check_shape(question.child.input_shape)
    layer = None if features else _last_tap(question.child.network)
    candidates = {name: parents[name] for name in measured.weights["parent"].values.tolist()}
    scores: Scores = {}
    if candidates:
        seen = features or _features_of(question.parents[next(iter(candidates))].network, layer)
        scores, layer = scores_of_features(
            seen, candidates, child, probes.inputs, measures=measures, alphas=alphas, progress=progress
        )
        scores |= scores_of_weights(candidates, child)
    return ComparedChild(
        question=question,
        parents=parents,
        child=child,
        measured=dataclasses.replace(measured, features=approximated(scores), on_noise=probes.is_noise),
        compared={"layer": layer, "probes": probes.as_dict()},
        scores=scores,
    )


def _last_tap(network: Any) -> str:
    """Returns the layer of a network whose features are compared."""
    if not getattr(network, "taps", ()):
        raise ValueError(
            f"expected a network that names its layers in `taps`, got {type(network).__name__}: give features, such as "
            "linearize.features_of(network, (layer,))"
        )
    return network.taps[-1]


def _features_of(network: Any, layer: Any) -> "FeatureFn":
    from lineage_jax import linearize

    return linearize.features_of(network, (layer,))
