"""What may be said of a child and one candidate, each word with what it claims and what it does not."""

from collections.abc import Mapping

CLAIMS: Mapping[str, str] = {
    "copy": (
        "every tensor is the candidate's, bit for bit, or up to rounding once the units are put into one order; who "
        "has copied from whom is not said"
    ),
    "descends": (
        "the child was trained, pruned or otherwise made from the candidate, or from something so near to it that the "
        "weights do not tell the two apart: it lies between the child and the third relatives that are named, and the "
        "child's weights have faded from it; not that there is nothing between, nor that somebody was free to do so"
    ),
    "ancestor": (
        "the candidate was made from the child, or from something so near to it that the weights do not tell the two "
        "apart, by the same signs; not that there is nothing between"
    ),
    "shares a start": (
        "both were made from a third relative that is named, or from something near it, each in its own way; without "
        "such a relative siblings and twins of one initialisation are called related, as parents and children are"
    ),
    "related": (
        "the weights of the two are no coincidence: one was made from the other, or both from a third network or one "
        "initialisation; which of these is not said"
    ),
    "unrelated": (
        "a relative down to the similarity that is given beside it would have been found; not that there never was "
        "one, for training can take a network further than that"
    ),
    "cannot be compared": (
        "too little of the two could be judged to find even a near relative: neither kinship nor its absence is claimed"
    ),
}
"""What a finding can be, and what that claims: those that hold a kinship first, the strongest one first."""

SAID: Mapping[str, str] = {
    "copy": "is a copy of",
    "descends": "descends from",
    "ancestor": "is an ancestor of",
    "shares a start": "shares a start with",
    "related": "is related to",
    "unrelated": "is unrelated to",
    "cannot be compared": "cannot be compared with",
}
"""By relation, the strongest first, what the child does or is."""

KIN = ("copy", "descends", "ancestor", "shares a start", "related")
"""The claims that hold a kinship."""

RELATED, UNRELATED, UNDECIDED = 0, 3, 4
"""Status of a verification, which the command ends with.

`RELATED`: a kinship is claimed of one candidate at least. `UNRELATED`: none, and of every candidate that was given its
absence is. `UNDECIDED`: neither: some candidate could not be read or compared, and the others are unrelated.
"""
