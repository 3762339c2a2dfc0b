"""What each verdict claims, and what it does not, in words for people who did not make it."""

CLAIMS = {
    "unrelated": (
        "{child} is no nearer to {candidate} than strangers are, and a relative as near as the table says would have "
        "been found.",
        "That the two never had anything in common. Training, pruning or distillation can take a network further from "
        "its start than weights can show.",
    ),
    "copy": (
        "{child} and {candidate} hold the same weights.",
        "Who had them first. Copies have no order.",
    ),
    "descends": (
        "{child} was made from {candidate}, or from something so near to it that weights do not tell the two apart: "
        "they have one origin, and what is listed below says that {candidate} came first.",
        "That nobody brought a third relative or a candidate that was made to say so; that no network lies between "
        "the two; that anybody was or was not free to make it.",
    ),
    "ancestor": (
        "{candidate} was made from {child}, or from something so near to it that weights do not tell the two apart: "
        "they have one origin, and what is listed below says that {child} came first.",
        "That nobody brought a third relative or a candidate that was made to say so; that no network lies between "
        "the two.",
    ),
    "shares a start": (
        "{child} and {candidate} have one origin, the third relative that is named below or something near it: both "
        "were made from that, each in its own way.",
        "That one descends from the other. Two networks that were trained apart from one start have copied nothing "
        "from each other.",
    ),
    "related": (
        "{child} and {candidate} have one origin: one was made from the other, or both from a third, or both from one "
        "random start.",
        "Which of these it is, nor who came first. Twins of one random start look like a parent and its child in every "
        "comparison of the two alone.",
    ),
    "cannot be compared": (
        "Nothing. Too little of {child} has a counterpart in {candidate} to find even a near relative.",
        "That the two are strangers, or that they are not.",
    ),
}
"""By relation: what is claimed, and what is not."""

ORDER_ALONE = (
    "This rests on the order of hidden units alone. It holds for a candidate that was made without {child}. Whoever "
    "has {child} can put the units of any other network into the order that suits it best, and reach such a p-value "
    "without any kinship. Ask whether the file of {candidate} is known to be older, or for evidence by matched units."
)
"""What is said where nothing that the order of units does not change speaks for a claim."""
