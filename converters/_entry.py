"""What is known of one network of one source: its names, its layouts, and what its shapes tell."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

from converters._layouts import Layout, Shape

COUNTERS = (r".*\.num_batches_tracked",)
"""Buffers that say how long a network was trained, and nothing of what it computes."""

Shapes = Mapping[str, Shape]
Image = tuple[int, int, int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    r"""One network as one source names it: data, from which every conversion follows.

    A name of the source becomes a path of the Flax network by `renames`, one `re.sub` after another, and then by the
    rule that all networks share: dots are slashes, `weight` is `kernel`, `scale` or `embedding` (whichever the network
    has there), `running_mean` and `running_var` are the batch statistics `mean` and `var`, other names stay.

    Attributes:
        name: source and network, such as `torchvision/resnet50`.
        architecture: the Flax network's name.
        settings: its keyword arguments, what the weights do not tell (the epsilon of the normalisations) included.
        renames: pairs of a pattern and its replacement.
        layouts: pairs of a pattern, matched against the whole name, and the layout of those arrays; what matches none
            is a kernel where Flax has a kernel, else plain.
        ignored: patterns of names that the network has no place for.
        sizes: from the shapes of a file to the settings they tell, such as the number of classes.
        input_shape: one image `(h, w, c)` that the network was made for, where the shapes of a file do not tell it.
        image: from the shapes of a file to the image `(h, w, c)` that they tell.
    """

    name: str
    architecture: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    renames: tuple[tuple[str, str], ...] = ()
    layouts: tuple[tuple[str, Layout], ...] = ()
    ignored: tuple[str, ...] = COUNTERS
    sizes: Callable[[Shapes], dict[str, Any]] = lambda shapes: {}
    input_shape: Image = (224, 224, 3)
    image: Callable[[Shapes], Image] | None = None

    def settings_of(self, shapes: Shapes) -> dict[str, Any]:
        """Returns all settings of the network that has these shapes."""
        return {**self.settings, **self.sizes(shapes)}

    def input_shape_of(self, shapes: Shapes) -> Image:
        """Returns one image `(h, w, c)` that the network with these shapes was made for."""
        return self.image(shapes) if self.image else self.input_shape

    def ignores(self, name: str) -> bool:
        """Says whether the network has no place for an array of this name."""
        return any(re.fullmatch(pattern, name) for pattern in self.ignored)

    def layout(self, name: str) -> Layout | None:
        """Returns the layout that the entry itself states for a name."""
        return next((layout for pattern, layout in self.layouts if re.fullmatch(pattern, name)), None)

    def path(self, name: str) -> tuple[str, str]:
        """Returns the path of the module that an array belongs to, and what it is called there."""
        for pattern, replacement in self.renames:
            name = re.sub(pattern, replacement, name)
        module, _, leaf = name.replace(".", "/").rpartition("/")
        return module, leaf


def classes(name: str) -> Callable[[Shapes], dict[str, Any]]:
    """Reads the number of classes off the rows of the head's weights.

    Examples:
        >>> classes("fc.weight")({"fc.weight": (10, 512)})
        {'num_classes': 10}
    """
    return lambda shapes: {"num_classes": shapes[name][0]}
