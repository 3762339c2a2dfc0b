"""Units of one size: scales that are nobody's choice, so that no unit counts for more than others in a comparison."""

import numpy as np

from lineage_jax.symmetry._element import Element
from lineage_jax.symmetry._groups import Groups
from lineage_jax.symmetry._match import on_host
from lineage_jax.symmetry._scales import factors_to, squares_of
from lineage_jax.typing import Params


def equalise(variables: Params, groups: Groups) -> Element:
    """Finds the factors that make the numbers of all units as equally large as they can be made.

    A network that somebody rescaled computes the same, but in any sum over its weights some units count for more than
    they did and others for less. Equalised, networks that differ by factors alone are one network.

    Args:
        variables: of the network.
        groups: of the network; where they have no factors, nothing changes.

    Returns:
        An element that rescales only: it permutes and flips nothing.

    Raises:
        ValueError: If the leaves of `variables` are not those of `groups`, or hold NaN or infinity; names the first.

    References:
        Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019, section 4.1.

    Examples:
        >>> import jax
        >>> from lineage_jax import symmetry
        >>> f = lambda p, x: jax.nn.relu(x @ p["a"]) @ p["b"]
        >>> p = {"a": np.array([[4.0, 1.0]]), "b": np.array([[1.0], [4.0]])}
        >>> groups = symmetry.groups(f, p, np.ones((1, 1)))
        >>> symmetry.apply_on_host(p, groups, equalise(p, groups))["a"].round(3).tolist()
        [[2.0, 2.0]]
    """
    leaves = on_host(variables, groups, "to equalise", ())
    logarithms = factors_to(squares_of(leaves, groups), groups, np.zeros(groups.slots))
    return Element(order=np.arange(groups.slots), factor=np.exp(logarithms))
