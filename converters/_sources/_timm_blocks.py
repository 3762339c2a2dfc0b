"""How timm names the parts of inverted residual blocks, whose modules are numbered in torchvision."""

Renames = tuple[tuple[str, str], ...]

WIDENED: Renames = (
    (r"\.conv_pw\.", ".0.0."),
    (r"\.bn1\.", ".0.1."),
    (r"\.conv_dw\.", ".1.0."),
    (r"\.bn2\.", ".1.1."),
    (r"\.se\.conv_reduce\.", ".2.fc1."),
    (r"\.se\.conv_expand\.", ".2.fc2."),
    (r"\.conv_pwl\.", ".2.0."),
    (r"\.bn3\.", ".2.1."),
)
"""Blocks that widen their input and do not weigh its channels."""


def weighed(blocks: str) -> Renames:
    """Returns what comes before `WIDENED` for the blocks, given by a pattern, that also weigh the channels."""
    return ((rf"^({blocks})\.conv_pwl\.", r"\g<1>.3.0."), (rf"^({blocks})\.bn3\.", r"\g<1>.3.1."))


def first(block: str, *, weighs: bool) -> Renames:
    """Returns what comes before `WIDENED` for the first block, which does not widen its input."""
    last = 2 if weighs else 1
    parts = {"conv_dw": "0.0", "bn1": "0.1", "conv_pw": f"{last}.0", "bn2": f"{last}.1"}
    parts |= {r"se\.conv_reduce": "1.fc1", r"se\.conv_expand": "1.fc2"}
    return tuple((rf"^{block}\.{part}\.", f"{block}.{place}.") for part, place in parts.items())
