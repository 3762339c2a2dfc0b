"""The answer to "whose child is this?", and what speaks for it."""

from lineage_jax.evidence._answer import Answer as Answer
from lineage_jax.evidence._answer import conclude as conclude
from lineage_jax.evidence._answer import summary as summary
from lineage_jax.evidence._answer import weigh as weigh
from lineage_jax.evidence._features import approximated as approximated
from lineage_jax.evidence._features import check_images as check_images
from lineage_jax.evidence._features import chosen_measures as chosen_measures
from lineage_jax.evidence._features import read_probes as read_probes
from lineage_jax.evidence._features import score_against as score_against
from lineage_jax.evidence._verdict import RELATIONS as RELATIONS
from lineage_jax.evidence._verdict import Measured as Measured
from lineage_jax.evidence._verdict import Verdict as Verdict
from lineage_jax.evidence._verdict import judge as judge
from lineage_jax.evidence._wording import notes as notes
from lineage_jax.evidence._wording import sentence as sentence
