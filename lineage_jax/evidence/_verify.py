"""One call from networks to what may be claimed of them."""

import functools
import importlib.metadata
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lineage_jax import checkpoints
from lineage_jax.checkpoints import LoadedNetwork, in_one_line
from lineage_jax.evidence._judge import Judged, judge
from lineage_jax.evidence._question import Asked, Candidates, Given, read_child
from lineage_jax.evidence._relate import relate
from lineage_jax.evidence._subject import SEED, Subject
from lineage_jax.evidence._verification import Verification

if TYPE_CHECKING:
    from flax import linen as nn

logger = logging.getLogger(__name__)

VERSIONS = ("lineage_jax", "jax", "flax", "numpy", "scipy")
"""Packages whose versions are told."""


def verify(
    child: Given,
    against: Candidates,
    *,
    fpr: float = 0.01,
    any_order: bool = False,
    arch: str | None = None,
    nesting: str | None = None,
    network: "nn.Module | None" = None,
    input_shape: tuple[int, int, int] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Verification:
    """Says of each candidate whether it and a child are strangers, at an error rate that the caller chooses.

    Weights alone are asked. Each candidate is tested by itself against "the two are strangers": first with units where
    they stand, then, where these show nothing, with units matched, for they may have been renumbered, rescaled or
    flipped. Its p-value is three times the least one, for three are the kinds of evidence (`kinship`), and Holm's
    method adjusts it for the number of candidates. A kinship is claimed where that is at most `fpr`: if all candidates
    are strangers that were made without the child, whoever chose them, the probability of any claim is at most that.
    Whoever has the child can put a stranger's units into the order that suits it best; a claim that rests on nothing
    but an order of units says so, and with `any_order` there is none. Who of two relatives came first is then asked of
    cues (`lineage.Cue`), which have error rates of their own; those that can be forged are told and claim nothing.
    Absence is claimed where a relative of cosine 0.35 would have been found; how much farther, and whether one with its
    units renumbered would have been, each finding says.

    Candidates are read one at a time.

    Args:
        child: a path, variables, or a loaded network.
        against: the candidates, as `detect` takes them; one is enough.
        fpr: the rate of false accusations, between 0 and 1.
        any_order: whether to claim only what shows in any order of units: for candidates that somebody may have made
            with the child at hand. Relatives have to be nearer to be found.
        arch: the entry that files are of, such as `torchvision/resnet50`; by default each is recognised.
        nesting: which network of files that hold several, such as `model_ema`.
        network: the Flax module of variables in memory.
        input_shape: one image `(h, w, c)` of that.
        progress: called with what is being done ("judging"), how much is done, and how much there is.

    Returns:
        A finding for each candidate, one of `CLAIMS`, and a status for all.

    Raises:
        FileNotFoundError: If the child or every candidate is not there.
        ValueError: If `fpr` is not between 0 and 1, there is no candidate, the child or every candidate cannot be read,
            or the child has a weight that is not finite.
        TypeError: If candidates that are no paths have no names.
        ImportError: If a file needs a package that is not installed.

    References:
        Zhu et al., "Independence tests for language models", ICML 2025: p-values from permuted units.
        Nikolic et al., "Model provenance testing for large language models", NeurIPS 2025: Holm over candidates.

    Examples:
        >>> import numpy as np
        >>> def network(seed):
        ...     rng = np.random.default_rng(seed)
        ...     return {name: {"kernel": rng.normal(size=(64, 64))} for name in ("fc1", "fc2", "fc3")}
        >>> anna, bert, noise = (network(seed) for seed in range(3))
        >>> carl = {name: {"kernel": bert[name]["kernel"] + noise[name]["kernel"]} for name in bert}
        >>> verification = verify(carl, {"anna": anna, "bert": bert}, fpr=0.001)
        >>> {name: finding.relation for name, finding in verification.findings.items()}, verification.status
        ({'anna': 'unrelated', 'bert': 'related'}, 0)
        >>> print(verification)
        child is related to bert: centred kernel cosine 0.7...; which came first is not shown. It is unrelated to ...
    """
    if not 0 < fpr < 1:
        raise ValueError(f"expected a rate of false accusations (fpr) between 0 and 1, such as 0.01, got {fpr:g}")
    show = progress or (lambda stage, done, total: None)
    settings = {"arch": arch, "nesting": nesting, "network": network, "input_shape": input_shape}
    asked = read_child(against, child, progress=lambda done, total: show("judging", 0, total - 1), **settings)
    subject = Subject(network=asked.child)
    facts = {asked.child.name: facts_of(asked.child)}
    level = fpr / max(len(asked.candidates), 1)
    look = functools.partial(judge, subject, level=level, fpr=fpr, any_order=any_order)
    judged, skipped = _judged(asked, look, facts, lambda done, total: show("judging", done, total))
    return Verification(
        child=asked.child.name,
        findings=relate(subject, asked.candidates, judged, fpr),
        fpr=fpr,
        skipped=skipped,
        facts=facts,
        versions={name: importlib.metadata.version(name) for name in VERSIONS},
        seed=SEED,
    )


def _judged(
    asked: Asked,
    look: Callable[[LoadedNetwork], Judged],
    facts: dict[str, dict[str, Any]],
    progress: Callable[[int, int], None],
) -> tuple[dict[str, Judged], dict[str, str]]:
    """Judges candidates one after another, and says which cannot be read; of each its facts are added."""
    judged = {name: Judged(candidate=name, same=how) for name, how in asked.left_out.items()}
    failed: dict[str, Exception] = {}
    for name, found in checkpoints.each_readable(asked.candidates, progress=progress):
        if isinstance(found, LoadedNetwork):
            judged[name] = look(found)
            facts[name] = facts_of(found)
        else:
            failed[name] = found
        del found
    if failed and not judged:
        raise next(iter(failed.values()))
    skipped = {name: in_one_line(error) for name, error in failed.items()}
    for name, line in skipped.items():
        logger.warning(f"skipped {name}: {line}")
    return judged, skipped


def facts_of(network: LoadedNetwork) -> dict[str, Any]:
    """Returns what is known of a network's file beside its weights."""
    file = network.file
    facts: Mapping[str, Any] = {
        "path": None if network.path is None else str(network.path),
        "sha256": network.sha256,
        "container": "in memory" if network.path is None else file.container if file else "checkpoint folder",
        "nesting": file.nesting if file else None,
        "architecture": network.source or (type(network.network).__name__ if network.network is not None else None),
    }
    return {name: value for name, value in facts.items() if value not in (None, "")}
