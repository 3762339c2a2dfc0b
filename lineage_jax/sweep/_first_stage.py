"""The first stage of a sweep: a catalogue names the few parents of each child that are worth comparing in full."""

import logging
from collections.abc import Mapping
from pathlib import Path

from lineage_jax import catalogue, checkpoints
from lineage_jax.checkpoints import LazyNetworks, in_one_line
from lineage_jax.sweep._plan import Plan
from lineage_jax.sweep._sides import UNREADABLE, Side

logger = logging.getLogger(__name__)

Chosen = Mapping[str, frozenset[str]]
"""By child the parents that it is compared with."""


def chosen_parents(plan: Plan, children: Side) -> tuple[Side, Chosen]:
    """Searches the plan's catalogue for the best parents of each child.

    Args:
        plan: with a catalogue.
        children: files or folders.

    Returns:
        All parents that some child is compared with, and by child which ones. A child that cannot be read has none.

    Raises:
        ValueError: If children are no files, the plan names parents as well, or no child has a relative.
        OSError: If there is no catalogue.
    """
    assert plan.catalogue is not None
    if plan.parents is not None:
        raise ValueError(
            "expected parents or a catalogue in the plan, got both: the networks of a catalogue are parents"
        )
    if not isinstance(children.networks, LazyNetworks):
        raise ValueError("expected children in files, which a catalogue is searched for, got networks in memory")
    opened = catalogue.open(plan.place_of(plan.catalogue["index"]))
    hits: dict[str, list[Path]] = {}
    for name, path in children.networks.given.items():
        try:
            found = catalogue.search(opened, path, top=plan.catalogue["top"])
        except UNREADABLE as error:
            logger.warning(f"no parent is looked for of child '{name}': {in_one_line(error)}")
            continue
        hits[name] = [hit.path for hit in found.hits]
    paths = sorted({path for of_child in hits.values() for path in of_child})
    if not paths:
        raise ValueError(f"expected relatives of {len(children.names)} children in the catalogue, got none")
    names = dict(zip(paths, checkpoints.names_of(paths), strict=True))
    networks = LazyNetworks(given={name: path for path, name in names.items()}, arch=plan.arch, nesting=plan.nesting)
    return Side(role="parent", networks=networks), {
        child: frozenset(names[path] for path in of_child) for child, of_child in hits.items()
    }
