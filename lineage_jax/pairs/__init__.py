"""The engine behind scores: one protocol, "prepare each network, compare a pair", and what takes networks in for it.

A `Comparison` says how many networks it holds at a time, prepares them by side and name, compares prepared parents with
prepared children, and labels what a pair gives (layer, measure, form, alpha). A driver asks it for `tiles`, blocks of
pairs with their places among all, and knows nothing of what is compared: `compare_all` puts them into one labelled
array in memory, for `lineage.score` and `lineage.weight_scores` alike.

Another driver, for more networks than can be looked at first, reads them itself and hands them in block by block:
`brought` takes from each what layers depend on, if it fits a tree that was found from the first ones, `stacked` makes
a block of them on the host, `FeatureComparison.place` puts it where it is needed, and `prepare` and `compare` do the
rest; `faults` says whose features are not finite. On a mesh of devices, of one process or several, children are split
over its axis `children` and probes over `probes` (docs/adr/0006-distribution.md).

What comes before is the same for all. Networks come by name, stacked or in a mapping that may load each when it is
asked for (`population_of`, `read`, the only place that asks for one). A `Reading` is what is known of them; of the
first ones at the start, of all if a later one turns out to be of another kind. `shared_by` finds the leaves that all
have in common, and `read_block` stacks networks in one tree.

| comparison | prepares | compares |
|---|---|---|
| `FeatureComparison` | features of children, and what measures make of them alone | along the tangent |
| of `lineage.weight_scores` | the shared leaves and the sums of their squares | one pass over the leaves a pair |

`FeatureComparison` decides from shapes, before anything runs, how many networks fit into a budget of memory, whether
the first layer is shared and whether probes are cut (`Plan`); its programs are compiled once for equal functions.
`lineage.overlap` and `lineage.mixture` stand apart: their networks need not share a tree, which leaves correspond shows
in the values of each pair, and a pair gives names beside numbers, so that there is nothing to stack and nothing to cut.
"""

from lineage_jax.pairs._brought import brought as brought
from lineage_jax.pairs._brought import stacked as stacked
from lineage_jax.pairs._comparison import AtATime as AtATime
from lineage_jax.pairs._comparison import Comparison as Comparison
from lineage_jax.pairs._comparison import Tile as Tile
from lineage_jax.pairs._comparison import compare_all as compare_all
from lineage_jax.pairs._comparison import tiles as tiles
from lineage_jax.pairs._feature_comparison import FeatureComparison as FeatureComparison
from lineage_jax.pairs._features import feature_comparison as feature_comparison
from lineage_jax.pairs._finite import check_finite as check_finite
from lineage_jax.pairs._mesh import children_here as children_here
from lineage_jax.pairs._passes import Scoring as Scoring
from lineage_jax.pairs._plan import DEFAULT_MEMORY as DEFAULT_MEMORY
from lineage_jax.pairs._plan import Plan as Plan
from lineage_jax.pairs._population import names_of as names_of
from lineage_jax.pairs._population import population_of as population_of
from lineage_jax.pairs._population import read as read
from lineage_jax.pairs._reading import Reading as Reading
from lineage_jax.pairs._reading import UnknownKindError as UnknownKindError
from lineage_jax.pairs._reading import first_look as first_look
from lineage_jax.pairs._reading import full_look as full_look
from lineage_jax.pairs._reading import read_block as read_block
from lineage_jax.pairs._shared import Shared as Shared
from lineage_jax.pairs._shared import shared_by as shared_by
from lineage_jax.pairs._traced import Traced as Traced
from lineage_jax.pairs._traced import traced as traced
