"""EfficientNets; timm's `tf_` networks were trained in TensorFlow: epsilon 1e-3, and padded as there."""

from converters._entry import Entry, classes
from converters._sources import _timm_blocks

OF_TIMM = (
    (r"^conv_stem\.", "features.0.0."),
    (r"^bn1\.", "features.0.1."),
    (r"^conv_head\.", "features.8.0."),
    (r"^bn2\.", "features.8.1."),
    (r"^classifier\.", "classifier1."),
    *((rf"^blocks\.{stage}\.(\d)\.", rf"features.{stage + 1}.\1.block.") for stage in range(7)),
    *_timm_blocks.first(r"features.1.0.block", weighs=True),
    *_timm_blocks.weighed(r"features\.\d\.\d\.block"),
    *_timm_blocks.WIDENED,
)

ENTRIES = (
    Entry(
        name="torchvision/efficientnet_b0",
        architecture="efficientnet_b0",
        renames=((r"^classifier\.1\.", "classifier1."),),
        sizes=classes("classifier.1.weight"),
    ),
    Entry(
        name="timm/efficientnet_b0",
        architecture="efficientnet_b0",
        renames=OF_TIMM,
        sizes=classes("classifier.weight"),
    ),
    Entry(
        name="timm/tf_efficientnet_b0",
        architecture="efficientnet_b0",
        settings={"epsilon": 1e-3, "same_padding": True},
        renames=OF_TIMM,
        sizes=classes("classifier.weight"),
    ),
)
