"""The engine behind every score: networks are taken in, and pairs compared within a budget of memory.

Each network is prepared alone, then compared with each of the other side; what is shared, how many are held at a time
and how probes are cut is decided from shapes before anything runs. `lineage.score` drives it in memory.
"""

from lineage_jax.pairs._finite import check_finite as check_finite
from lineage_jax.pairs._passes import Scoring as Scoring
from lineage_jax.pairs._plan import DEFAULT_MEMORY as DEFAULT_MEMORY
from lineage_jax.pairs._plan import Plan as Plan
from lineage_jax.pairs._plan import plan as plan
from lineage_jax.pairs._population import check_wrapped as check_wrapped
from lineage_jax.pairs._population import names_of as names_of
from lineage_jax.pairs._population import population_of as population_of
from lineage_jax.pairs._population import read as read
from lineage_jax.pairs._programs import remembered as remembered
from lineage_jax.pairs._reading import Reading as Reading
from lineage_jax.pairs._reading import UnknownKindError as UnknownKindError
from lineage_jax.pairs._reading import first_look as first_look
from lineage_jax.pairs._reading import full_look as full_look
from lineage_jax.pairs._run import run_of as run_of
from lineage_jax.pairs._run import score_all as score_all
from lineage_jax.pairs._shared import differences as differences
from lineage_jax.pairs._shared import distinct_kinds as distinct_kinds
from lineage_jax.pairs._shared import find_shared as find_shared
from lineage_jax.pairs._shared import shared_by as shared_by
from lineage_jax.pairs._shared import stack_block as stack_block
