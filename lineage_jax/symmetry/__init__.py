"""Which hidden units of a network may be permuted, rescaled or flipped, read off its program.

`groups` walks the jaxpr of any `(variables, inputs) -> outputs` and derives which positions of which axes of which
leaves move together; no list of architectures is kept. `random` draws an element of the groups, `apply` does it to
variables, `inverse` undoes it, `check` shows in numbers that outputs stay, and `match` finds the element that brings
one network nearest to another, after which weights, features and tangents of the two compare again. Files without a
program have `groups_by_order`, a guess that says so.

What is found: units of dense, convolutional, grouped and depthwise layers; residual streams, tied through every
addition, padded shortcuts too; segments of concatenations; units flattened, shuffled or split by reshapes; groups of
a normalisation; heads of attention as blocks, and inside of each what queries and keys, and values and outputs,
share; loops (`scan`). Positive factors go through ReLU and its like, signs through odd functions, any factor through
what is linear, such as a normalisation with given statistics.

A primitive without a rule pins what it touches: less symmetry, never a wrong one. Not found, and pinned: what goes
through `sort`, `top_k`, `cond`, `while` and `scatter`; gathers that take a unit twice or whose places are not known;
inputs of grouped kernels that are computed, as standardised weights are, or read elsewhere too. Continuous symmetries
other than factors, such as a rotation of a transformer's stream, are no matter of units and not looked for.

References:
    Hecht-Nielsen, "On the algebraic structure of feedforward network weight spaces", Advanced Neural Computers, 1990.
    Ainsworth, Hayase and Srinivasa, "Git Re-Basin: Merging Models modulo Permutation Symmetries", ICLR 2023.
"""

from lineage_jax.symmetry._axes import Axis as Axis
from lineage_jax.symmetry._by_order import groups_by_order as groups_by_order
from lineage_jax.symmetry._check import check as check
from lineage_jax.symmetry._element import Element as Element
from lineage_jax.symmetry._element import apply as apply
from lineage_jax.symmetry._element import compose as compose
from lineage_jax.symmetry._element import from_factors as from_factors
from lineage_jax.symmetry._element import from_permutations as from_permutations
from lineage_jax.symmetry._element import identity as identity
from lineage_jax.symmetry._element import inverse as inverse
from lineage_jax.symmetry._element import permute as permute
from lineage_jax.symmetry._element import random as random
from lineage_jax.symmetry._element import rescale as rescale
from lineage_jax.symmetry._equalise import equalise as equalise
from lineage_jax.symmetry._groups import Family as Family
from lineage_jax.symmetry._groups import Groups as Groups
from lineage_jax.symmetry._groups import Span as Span
from lineage_jax.symmetry._groups import groups as groups
from lineage_jax.symmetry._in_halves import Halves as Halves
from lineage_jax.symmetry._in_halves import match_in_halves as match_in_halves
from lineage_jax.symmetry._inner_products import match_by_inner_products as match_by_inner_products
from lineage_jax.symmetry._match import match as match
from lineage_jax.symmetry._on_host import apply_on_host as apply_on_host
