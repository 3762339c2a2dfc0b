"""Image sets as arrays, and deterministic draws from them.

Images are numpy float32 `[n, h, w, c]`, standardised. Sources return them with their labels. `few_shot` and
`imbalanced` return indices, so that one set serves many networks without being copied; `probes` returns the images
themselves, and `load_probes` whatever inputs a file holds, floats as they are.
"""

from lineage_jax.data._images import Annotated as Annotated
from lineage_jax.data._images import Images as Images
from lineage_jax.data._images import select_classes as select_classes
from lineage_jax.data._probes import check_input_shape as check_input_shape
from lineage_jax.data._probes import load_probes as load_probes
from lineage_jax.data._sampling import few_shot as few_shot
from lineage_jax.data._sampling import imbalanced as imbalanced
from lineage_jax.data._sampling import probes as probes
from lineage_jax.data._sources import digits as digits
from lineage_jax.data._sources import idx as idx
from lineage_jax.data._sources import npz as npz
