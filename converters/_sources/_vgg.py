"""Networks that flatten the image before their dense layers: VGG and AlexNet."""

from converters._entry import Entry, classes
from converters._layouts import flattened

CLASSIFIER = (r"^classifier\.(\d)\.", r"classifier\1.")

ENTRIES = (
    *(
        Entry(
            name=f"torchvision/{name}",
            architecture=name,
            renames=(CLASSIFIER,),
            layouts=((r"classifier\.0\.weight", flattened(512, 7, 7)),),
            sizes=classes("classifier.6.weight"),
        )
        for name in ("vgg11", "vgg11_bn", "vgg16", "vgg16_bn")
    ),
    Entry(
        name="torchvision/alexnet",
        architecture="alexnet",
        renames=(CLASSIFIER,),
        layouts=((r"classifier\.1\.weight", flattened(256, 6, 6)),),
        sizes=classes("classifier.6.weight"),
    ),
)
