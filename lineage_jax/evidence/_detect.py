"""One call from networks to the answer."""

import functools
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from lineage_jax.checkpoints import obstacle
from lineage_jax.evidence._answer import Answer
from lineage_jax.evidence._compare import ComparedChild, by_features, by_weights
from lineage_jax.evidence._detector import EvidenceDetector, ask_detector, read_detector
from lineage_jax.evidence._laundered import brought_back
from lineage_jax.evidence._probes import draw_noise, read_probes, too_large
from lineage_jax.evidence._question import Candidates, Given, Question, read_question
from lineage_jax.evidence._scores import DEFAULT_MEASURES, chosen_measures
from lineage_jax.evidence._verdict import opposites, relatives

if TYPE_CHECKING:
    from flax import linen as nn

    from lineage_jax.detector import Fitted, FittedEvidence
    from lineage_jax.typing import FeatureFn, Inputs, Measure

logger = logging.getLogger(__name__)


def detect(
    parents: Candidates,
    child: Given,
    probes: "str | os.PathLike | Inputs | None" = None,
    detector: "str | os.PathLike | Fitted | FittedEvidence | None" = None,
    *,
    measures: "Sequence[str] | Mapping[str, Measure]" = DEFAULT_MEASURES,
    alphas: Sequence[float] | None = None,
    weights_only: bool = False,
    network: "nn.Module | None" = None,
    features: "FeatureFn | None" = None,
    input_shape: tuple[int, int, int] | None = None,
    arch: str | None = None,
    nesting: str | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Answer:
    """Names the parent of a child network among candidates, or says that it is none of these.

    Networks of one known architecture are compared by features and weights, any others by the weights they share. One
    candidate is enough. Only one whose kernels are related to the child's is named, whatever features say. The command
    `lineage-jax detect` prints what this returns; where a message names one of its options, such as `--probes`, it is
    the argument of that name. What is skipped, assumed or left out is logged under `lineage_jax`.

    Args:
        parents: the candidates by name, each a path, variables, a `checkpoints.LoadedNetwork` or
            `models.SavedNetwork`; or stacked `Networks`; or a list of paths or loaded networks; or a folder, everything
            in which is a candidate. Of several, one that cannot be read is skipped.
        child: a path, variables, or a loaded network; among the candidates it is left out.
        probes: images `[n, h, w, c]`, or a file of them (.npy, .npz, IDX); by default standard-normal noise, whose
            features are shown and decide nothing; of networks that take large images only weights are compared then.
        detector: what chooses among relatives: a detector that was trained on a family, or its folder; or one of
            evidence, or its file; by default the one of evidence that comes with the library.
        measures: similarities of features, by name (`similarity.MEASURES`) or as functions by name.
        alphas: strengths of the approximation, each >= 0; by default the one that is recommended for each measure.
        weights_only: compare weights, run no network.
        network: the Flax module of variables in memory; features are those after the last of its `taps`.
        features: pure function `(variables, inputs) -> [n, d]`, or `{layer: [n, ...]}`, of which the last layer counts;
            of all networks, in place of those that are known.
        input_shape: one image `(h, w, c)` of `network` or `features`; by default that of the probes.
        arch: the entry that files are of, such as `torchvision/resnet50`; by default each is recognised.
        nesting: which network of files that hold several, such as `model_ema`.
        progress: called with what is being done ("loading", "scoring"), how much is done, and how much there is.

    Raises:
        FileNotFoundError: If the child, every candidate, the probes or the detector are not there.
        ValueError: If there is no candidate, the child or every candidate cannot be read, a weight or a probe is not
            finite, probes are of another shape than the networks take, a measure is unknown, an alpha is negative, or a
            detector has not what it looks at.
        TypeError: If candidates that are no paths have no names.
        ImportError: If a file needs a package that is not installed.

    Examples:
        >>> import numpy as np
        >>> anna, bert = ({"fc": {"kernel": np.random.default_rng(seed).normal(size=(32, 32))}} for seed in (0, 1))
        >>> carl = {"fc": {"kernel": bert["fc"]["kernel"] + 0.1 * np.random.default_rng(2).normal(size=(32, 32))}}
        >>> answer = detect({"anna": anna, "bert": bert}, carl)
        >>> answer.prediction, answer.relation
        ('bert', 'related')
        >>> print(answer)
        child is related to bert: centred kernel cosine 0.995 (p = 2e-32 among strangers); 100% of its kernels were ...
        >>> answer.weights.centred_kernel_cosine.sel(parent="anna").item() < 0.1
        True
    """
    chosen = chosen_measures(measures)
    show = progress or (lambda stage, done, total: None)
    shape = getattr(probes, "shape", None)
    if input_shape is None and shape is not None:
        input_shape = tuple(shape[1:])
    settings = {"arch": arch, "nesting": nesting, "network": network, "input_shape": input_shape}
    question = read_question(parents, child, progress=functools.partial(show, "loading"), **settings)
    asked = read_detector(detector) if question.parents else EvidenceDetector()
    asked.check_probes(probes, weights_only=weights_only)
    reason = "as --weights-only asks" if weights_only else None if features else obstacle(question.everyone)
    if reason is None and features is None and probes is None:
        reason = too_large(question.child.input_shape)
    needed = reason is None or asked.sees_features
    given = read_probes(probes) if probes is not None and needed else None
    if reason:
        logger.info(f"only weights are compared: {reason}")
    shown = given if reason else given or draw_noise(question.child.input_shape or input_shape)
    scoring = functools.partial(show, "scoring")

    def compare(question: Question) -> ComparedChild:
        why = reason or question.partial
        if why or shown is None:
            compared = by_weights(question, why or "")
        else:
            compared = by_features(question, shown, features, measures=chosen, alphas=alphas, progress=scoring)
        if isinstance(asked, EvidenceDetector):
            return compared.among_relatives(asked)
        if question.partial:
            return compared
        return compared.with_detector(asked, ask_detector(asked, question, given))

    compared = compare(question)
    weights = compared.measured.weights
    if not relatives(weights) and not opposites(weights):
        restored = brought_back(question, strangers=weights["parent"].values.tolist())
        compared = compared if restored is None else compare(restored)
    return compared.answer()
