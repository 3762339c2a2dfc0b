"""Thousands of networks on disk, searched in a second for the relatives of one: a fingerprint each, of weights alone.

    catalogue.index("networks/", "networks.index")           # reads every checkpoint once; later only what changed
    found = catalogue.search(catalogue.open("networks.index"), "child.pth", top=10)
    [hit.path for hit in found.hits]                         # what is worth comparing in full

A fingerprint estimates the centred kernel cosine of `lineage.overlap`, whatever module a network stands in. Neither
opening nor searching imports JAX.
"""

from lineage_jax.catalogue._catalogue import Catalogue as Catalogue
from lineage_jax.catalogue._catalogue import Listed as Listed
from lineage_jax.catalogue._catalogue import Signature as Signature
from lineage_jax.catalogue._catalogue import open as open
from lineage_jax.catalogue._fingerprint import MOST_KERNELS as MOST_KERNELS
from lineage_jax.catalogue._fingerprint import NUMBERS as NUMBERS
from lineage_jax.catalogue._fingerprint import Fingerprint as Fingerprint
from lineage_jax.catalogue._fingerprint import fingerprint as fingerprint
from lineage_jax.catalogue._index import Indexed as Indexed
from lineage_jax.catalogue._index import index as index
from lineage_jax.catalogue._search import Found as Found
from lineage_jax.catalogue._search import Hit as Hit
from lineage_jax.catalogue._search import search as search
