"""Residual networks for CIFAR-10.

From akamaster/pytorch_resnet_cifar10; from IntelLabs/distiller with projected shortcuts; and the wide ones of
xternalz/WideResNet-pytorch.
"""

from converters._entry import Entry, classes

ENTRIES = (
    *(
        Entry(
            name=f"akamaster/resnet{depth}",
            architecture=f"cifar_resnet{depth}",
            sizes=classes("linear.weight"),
            input_shape=(32, 32, 3),
        )
        for depth in (20, 32, 44, 56)
    ),
    Entry(
        name="distiller/resnet20_cifar",
        architecture="cifar_resnet20",
        settings={"projected": True},
        renames=((r"^fc\.", "linear."),),
        sizes=classes("fc.weight"),
        input_shape=(32, 32, 3),
    ),
    *(
        Entry(
            name=f"xternalz/wrn_{size}",
            architecture=f"cifar_wide_resnet{size}",
            renames=((r"^(block\d)\.layer\.", r"\1."),),
            sizes=classes("fc.weight"),
            input_shape=(32, 32, 3),
        )
        for size in ("16_1", "40_2")
    ),
)
