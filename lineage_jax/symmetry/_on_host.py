"""An element applied to arrays on the host: nothing is compiled, which for a network of many shapes takes longest."""

import jax
import numpy as np

from lineage_jax.leaves import check_shapes, leaf_paths, leaf_shapes
from lineage_jax.symmetry._element import Element
from lineage_jax.symmetry._groups import Groups
from lineage_jax.symmetry._slices import move
from lineage_jax.typing import Params


def apply_on_host(variables: Params, groups: Groups, element: Element) -> Params:
    """Does what `apply` does, in numpy: for variables that are moved once.

    Raises:
        ValueError: If the leaves of `variables` are not those of `groups`; names the first.

    Examples:
        >>> import lineage_jax.symmetry as symmetry
        >>> f = lambda p, x: jax.nn.relu(x @ p["a"]) @ p["b"]
        >>> p = {"a": np.array([[1.0, 2.0]]), "b": np.array([[3.0], [4.0]])}
        >>> groups = symmetry.groups(f, p, np.ones((1, 1)))
        >>> apply_on_host(p, groups, symmetry.from_permutations(groups, {0: [1, 0]}))["a"].tolist()
        [[2.0, 1.0]]
    """
    check_shapes(leaf_shapes(variables), groups.shapes, variables="variables of the network that groups were read off")
    leaves = {path: np.asarray(leaf) for path, leaf in leaf_paths(variables).items()}
    paths = list(leaves)
    move(leaves, groups.axes, element)
    return jax.tree.unflatten(jax.tree.structure(variables), [leaves[path] for path in paths])
