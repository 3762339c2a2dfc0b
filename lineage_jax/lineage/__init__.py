"""Who is whose parent: scores of (parent, child, layer, measure, alpha, form), choosing a setting, decisions, accuracy.

    scores = score(features, parents, children, probes, measures={"l1": similarity.l1}, alphas=(0.0, 0.1))
    decisions = decide(scores.sel(choose(scores, truth, validation_children)))
    accuracy(decisions, truth)

Scores and decisions are arrays of xarray, labelled by the networks' names.
"""

from lineage_jax.leaves import UNRELATED as UNRELATED
from lineage_jax.leaves import counterparts as counterparts
from lineage_jax.lineage._choose import choose as choose
from lineage_jax.lineage._correspondence import Correspondence as Correspondence
from lineage_jax.lineage._correspondence import correspond as correspond
from lineage_jax.lineage._counted import begun_at as begun_at
from lineage_jax.lineage._counted import cue_by_counters as cue_by_counters
from lineage_jax.lineage._counted import cue_by_head as cue_by_head
from lineage_jax.lineage._cue import MEASURED as MEASURED
from lineage_jax.lineage._cue import MOST_ERROR as MOST_ERROR
from lineage_jax.lineage._cue import Cue as Cue
from lineage_jax.lineage._cue import Order as Order
from lineage_jax.lineage._cue import came_first as came_first
from lineage_jax.lineage._cue import cue_error as cue_error
from lineage_jax.lineage._decide import accuracy as accuracy
from lineage_jax.lineage._decide import decide as decide
from lineage_jax.lineage._direction import first_by_counters as first_by_counters
from lineage_jax.lineage._direction import place as place
from lineage_jax.lineage._fading import Likeness as Likeness
from lineage_jax.lineage._fading import kept as kept
from lineage_jax.lineage._mixture import MERGED as MERGED
from lineage_jax.lineage._mixture import mixture as mixture
from lineage_jax.lineage._outgroup import between as between
from lineage_jax.lineage._outgroup import cue_by_outgroup as cue_by_outgroup
from lineage_jax.lineage._overlap import CHANCE as CHANCE
from lineage_jax.lineage._overlap import LEAST_COMPARED as LEAST_COMPARED
from lineage_jax.lineage._overlap import OVERLAP_SCORES as OVERLAP_SCORES
from lineage_jax.lineage._overlap import SHARES as SHARES
from lineage_jax.lineage._overlap import overlap as overlap
from lineage_jax.lineage._recommended import RECOMMENDED_ALPHA as RECOMMENDED_ALPHA
from lineage_jax.lineage._recommended import RECOMMENDED_EXACT_ALPHA as RECOMMENDED_EXACT_ALPHA
from lineage_jax.lineage._recommended import TAYLOR_LIMIT as TAYLOR_LIMIT
from lineage_jax.lineage._rounding import cue_by_rounding as cue_by_rounding
from lineage_jax.lineage._score import FORMS as FORMS
from lineage_jax.lineage._score import checked_probes as checked_probes
from lineage_jax.lineage._score import score as score
from lineage_jax.lineage._score_block import score_block as score_block
from lineage_jax.lineage._weight_scores import WEIGHT_MEASURES as WEIGHT_MEASURES
from lineage_jax.lineage._weight_scores import WHOLE as WHOLE
from lineage_jax.lineage._weight_scores import layer_label as layer_label
from lineage_jax.lineage._weight_scores import weight_scores as weight_scores
from lineage_jax.lineage._zeros import cue_by_zeros as cue_by_zeros
from lineage_jax.pairs import DEFAULT_MEMORY as DEFAULT_MEMORY
