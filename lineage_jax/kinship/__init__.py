"""Are two networks related? Statistics over their weights whose distribution among strangers is known.

The units of a hidden layer have no order of their own: whoever trains a network could have numbered them otherwise.
So of two networks that know nothing of each other, units of equal number are no more alike than any others, and how
alike they would be by chance follows from the two networks themselves, with no other network to compare with. It holds
whatever one of the two looks like, as long as it was made without the other one.
"""

from lineage_jax.kinship._calibrated import CALIBRATION as CALIBRATION
from lineage_jax.kinship._calibration import Calibration as Calibration
from lineage_jax.kinship._calibration import fit_calibration as fit_calibration
from lineage_jax.kinship._evidence import Evidence as Evidence
from lineage_jax.kinship._evidence import Layer as Layer
from lineage_jax.kinship._holm import holm as holm
from lineage_jax.kinship._in_place import in_place as in_place
from lineage_jax.kinship._inner_products import by_inner_products as by_inner_products
from lineage_jax.kinship._matched import is_matched as is_matched
from lineage_jax.kinship._matched import matched as matched
from lineage_jax.kinship._probability import combined as combined
from lineage_jax.kinship._probability import probability as probability
from lineage_jax.kinship._turned_back import turned_back as turned_back
