"""MobileNets: torchvision's normalisations have epsilon 1e-3 and PyTorch's momentum 0.01, timm's 1e-5 and 0.1."""

import itertools

from converters import _layouts
from converters._entry import Entry, classes
from converters._sources import _timm_blocks

CLASSIFIER = (r"^classifier\.(\d)\.", r"classifier\1.")


def _of_timm(name: str, architecture: str, depths: tuple[int, ...], weighing: str, *, first_weighs: bool) -> Entry:
    """Makes an entry of timm, which counts blocks by stage.

    Args:
        name: timm's.
        architecture: ours.
        depths: number of blocks of every stage.
        weighing: pattern of the numbers of the blocks that weigh their channels.
        first_weighs: whether the first block does.
    """
    places = itertools.chain.from_iterable(((stage, block) for block in range(d)) for stage, d in enumerate(depths))
    numbered = tuple(
        (rf"^blocks\.{stage}\.{block}\.", f"features.{number}.block.")
        for number, (stage, block) in enumerate(places, start=1)
    )
    last = f"features.{sum(depths) + 1}"
    return Entry(
        name=f"timm/{name}",
        architecture=architecture,
        settings={"epsilon": 1e-5, "momentum": 0.9},
        renames=(
            (r"^conv_stem\.", "features.0.0."),
            (r"^bn1\.", "features.0.1."),
            (rf"^blocks\.{len(depths)}\.0\.conv\.", f"{last}.0."),
            (rf"^blocks\.{len(depths)}\.0\.bn1\.", f"{last}.1."),
            (r"^conv_head\.", "classifier0."),
            (r"^classifier\.", "classifier3."),
            *numbered,
            *_timm_blocks.first("features.1.block", weighs=first_weighs),
            *_timm_blocks.weighed(rf"features\.(?:{weighing})\.block"),
            *_timm_blocks.WIDENED,
        ),
        layouts=((r"conv_head\.weight", _layouts.pointwise),),
        sizes=classes("classifier.weight"),
    )


ENTRIES = (
    Entry(
        name="torchvision/mobilenet_v2",
        architecture="mobilenet_v2",
        renames=(
            (r"^features\.1\.conv\.1\.", "features.1.block.1.0."),
            (r"^features\.1\.conv\.2\.", "features.1.block.1.1."),
            (r"\.conv\.2\.", ".block.2.0."),
            (r"\.conv\.3\.", ".block.2.1."),
            (r"\.conv\.", ".block."),
            CLASSIFIER,
        ),
        sizes=classes("classifier.1.weight"),
    ),
    *(
        Entry(
            name=f"torchvision/{name}",
            architecture=name,
            renames=(CLASSIFIER,),
            sizes=classes("classifier.3.weight"),
        )
        for name in ("mobilenet_v3_large", "mobilenet_v3_small")
    ),
    _of_timm("mobilenetv3_large_100", "mobilenet_v3_large", (1, 2, 3, 4, 2, 3), "[4-6]|1[1-5]", first_weighs=False),
    _of_timm("mobilenetv3_small_100", "mobilenet_v3_small", (1, 2, 3, 2, 3), "[4-9]|1[01]", first_weighs=True),
)
