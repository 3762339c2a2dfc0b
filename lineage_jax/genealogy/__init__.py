"""Who descends from whom, as it is known and as it was found: edges from parents to children, without circles.

    truth = from_mapping({"bert": "anna", "carl": "anna"})           # one parent each; `to_mapping` goes back
    merged = from_edges([Edge("dora", "bert", "merged", 0.6), Edge("dora", "carl", "merged", 0.4)])
    print(from_edges(truth.edges + merged.edges))                     # a text tree; `to_json` for a file

A mapping from every child to its parent cannot express a merge. Where one parent each is enough, the functions that
find relatives take such a mapping too: the `truth` of a family is one.
"""

from lineage_jax.genealogy._edge import KINDS as KINDS
from lineage_jax.genealogy._edge import Edge as Edge
from lineage_jax.genealogy._forest import Forest as Forest
from lineage_jax.genealogy._forest import Genealogy as Genealogy
from lineage_jax.genealogy._forest import from_edges as from_edges
from lineage_jax.genealogy._forest import from_layers as from_layers
from lineage_jax.genealogy._forest import from_mapping as from_mapping
from lineage_jax.genealogy._forest import to_mapping as to_mapping
from lineage_jax.genealogy._json import from_json as from_json
from lineage_jax.genealogy._json import to_json as to_json
from lineage_jax.genealogy._relatives import ancestor as ancestor
from lineage_jax.genealogy._relatives import ancestors as ancestors
from lineage_jax.genealogy._relatives import children_of as children_of
from lineage_jax.genealogy._relatives import generations as generations
from lineage_jax.genealogy._relatives import parents_of as parents_of
from lineage_jax.genealogy._relatives import roots as roots
