"""References to names of ours, found by where they are public."""

import inspect
import sys
from typing import Any

from _signatures import OURS
from sphinx.application import Sphinx
from sphinx.util.nodes import make_refnode

REFERENCED = ("class", "data", "exception", "function")


def resolve(app: Sphinx, env: Any, node: Any, content: Any) -> Any:
    """Finds a name of ours by where it is public: `lineage_jax.x._y.Name` and `Name` are `lineage_jax.x.Name`."""
    *path, last = node.get("reftarget", "").split(".")
    if node.get("refdomain") != "py":
        return None
    public = ".".join([*(part for part in path if not part.startswith("_")), last])
    objects = env.domains.python_domain.objects
    found = {
        full: entry
        for full, entry in objects.items()
        if entry.objtype in REFERENCED and not entry.aliased and (full == public or full.endswith(f".{public}"))
    }
    if len(found) != 1:
        return None
    ((full, entry),) = found.items()
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, content, full)


def is_private_class(app: Sphinx, domain: Any, node: Any) -> bool | None:
    """Keeps quiet where a signature names a class of ours that is private: it has no place to lead to."""
    name = node["reftarget"].rpartition(".")[2]
    ours = [module for module_name, module in sys.modules.items() if module_name.split(".")[0] in OURS]
    private = name not in app.env.public_names and any(inspect.isclass(vars(each).get(name)) for each in ours)
    return private or None
