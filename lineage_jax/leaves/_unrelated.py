"""Below which cosine of kernels two networks are as good as unrelated: wherever weights are compared, one number."""

UNRELATED = 0.08
"""Centred kernel cosine below which networks are as good as unrelated.

Between what strangers reach and what the farthest relatives keep in `experiments/unrelated`, as far from one as from
the other by their ratio: 0.063 and 0.109 on the half that chose it. Small networks reach it by chance: see
`lineage.CHANCE`.
"""
