"""Other leaves in a tree: what is given by path takes the place of the tree's own."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lineage_jax.leaves._paths import leaf_paths

if TYPE_CHECKING:
    from lineage_jax.typing import Params


def replace_leaves(
    tree: "Params", leaves: Mapping[str, Any], *, missing: Callable[[Any], Any] = lambda leaf: leaf
) -> "Params":
    """Returns a tree like another one with other leaves.

    Args:
        tree: the tree; its leaves may be shapes alone.
        leaves: by path; paths that the tree has not are passed over.
        missing: makes a leaf that is not given from the tree's own; by default that stays.

    Raises:
        ValueError: If two leaves of the tree have one path.

    Examples:
        >>> replace_leaves({"fc": {"kernel": 1.0, "bias": 2.0}}, {"fc/bias": 5.0, "fc9/bias": 7.0})
        {'fc': {'bias': 5.0, 'kernel': 1.0}}
        >>> replace_leaves({"fc": {"kernel": 1.0, "bias": 2.0}}, {"fc/bias": 5.0}, missing=lambda leaf: 0 * leaf)
        {'fc': {'bias': 5.0, 'kernel': 0.0}}
    """
    import jax

    placed = [leaves[path] if path in leaves else missing(leaf) for path, leaf in leaf_paths(tree).items()]
    return jax.tree.unflatten(jax.tree.structure(tree), placed)
