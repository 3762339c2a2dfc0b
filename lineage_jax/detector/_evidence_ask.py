"""A detector of evidence asked about networks in memory, of whatever architecture."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from lineage_jax import linearize
from lineage_jax.detector._evaluate import NOBODY
from lineage_jax.detector._evidence import evidence_of
from lineage_jax.detector._evidence_fitted import FittedEvidence, evidence_probabilities, load_evidence_detector
from lineage_jax.leaves import Weights, weights_of
from lineage_jax.typing import Networks, Params, Population

if TYPE_CHECKING:
    import xarray


def evidence_scores(
    parents: Population, children: Population, *, fitted: FittedEvidence | None = None
) -> "xarray.DataArray":
    """Returns the probability of every candidate of every child by the weights that they share; no network is run.

    Args:
        parents: the candidates, `{name: variables}` or stacked.
        children: the children, `{name: variables}` or stacked.
        fitted: the detector; by default the one that comes with the library.

    Returns:
        `xarray.DataArray` with dimensions parent, of which `NOBODY` is the last, and child; those of a child add up
        to 1.

    Raises:
        ValueError: If there is no candidate, a child shares no weight with any, or a weight is NaN or infinite.

    Examples:
        >>> start = np.random.default_rng(0).normal(size=(2, 16, 16))
        >>> anna, bert = ({"fc": {"kernel": kernel}} for kernel in start)
        >>> carl = {"fc": {"kernel": start[1] + 0.1 * start[0]}}
        >>> evidence_scores({"anna": anna, "bert": bert}, {"carl": carl}).idxmax("parent").item()
        'bert'
    """
    import xarray

    fitted = load_evidence_detector() if fitted is None else fitted
    candidates, descendants = _weights(parents), _weights(children)
    shares = []
    for name, child in descendants.items():
        alike = [_shared(parent, child) for parent in candidates.values()]
        if alike and not any(alike):
            raise ValueError(f"expected weights that child '{name}' shares with a candidate, got none")
        shares.append(evidence_probabilities(fitted, evidence_of(alike, child)))
    coords = {"parent": [*candidates, NOBODY], "child": list(descendants)}
    return xarray.DataArray(np.stack(shares, axis=1), coords=coords, name="probability")


def _weights(networks: Population) -> dict[str, Weights]:
    names = networks.names if isinstance(networks, Networks) else list(networks)
    if isinstance(networks, Networks):
        networks = _on_host(networks)
    return {name: weights_of(networks[name], linearize.HELD) for name in names}


def _on_host(networks: Networks) -> Mapping[str, Params]:
    import jax

    variables = jax.tree.map(np.asarray, networks.variables)
    return {
        name: jax.tree.map(lambda leaf, place=place: leaf[place], variables)
        for place, name in enumerate(networks.names)
    }


def _shared(parent: Weights, child: Weights) -> Weights:
    return {path: leaf for path, leaf in parent.items() if path in child and leaf.shape == child[path].shape}
