"""The inputs on which features are compared: read once, handed over, or noise."""

import dataclasses
import logging
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineage_jax.typing import Inputs

logger = logging.getLogger(__name__)

NOISE_PROBES = 256
NOISE_PIXELS = 2**20
"""Fewer noise images are drawn where they are large: they decide nothing where weights are related."""

FEWEST_PROBES = 16

LARGEST = 64
"""Side of images above which none of noise are shown to networks of files: it takes minutes and decides nothing."""

NOISE = "standard-normal noise"
"""What is said to be the source of probes that nobody gave."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Probes:
    """Inputs of networks.

    Attributes:
        inputs: `[n, ...]`.
        source: where they are from: a path, "an array" or `NOISE`.
    """

    inputs: "Inputs"
    source: str

    @property
    def is_noise(self) -> bool:
        """Nobody gave them."""
        return self.source == NOISE

    def check_shape(self, input_shape: tuple[int, ...]) -> None:
        """Refuses what the networks do not take.

        Raises:
            ValueError: If one input is not of this shape.
        """
        from lineage_jax import data

        data.check_input_shape(self.inputs, input_shape)

    def as_dict(self) -> dict[str, Any]:
        """Says how many they are and where they are from, for programs."""
        return {"count": len(self.inputs), "source": self.source}


def read_probes(probes: "str | os.PathLike | Inputs") -> Probes:
    """Reads probes from a file, or takes them as they are handed over.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file holds no probes.
    """
    from lineage_jax import data

    if isinstance(probes, str | os.PathLike):
        return Probes(inputs=data.load_probes(Path(probes)), source=str(probes))
    return Probes(inputs=probes, source="an array")


def too_large(input_shape: tuple[int, ...] | None) -> str | None:
    """Says why networks are not compared on noise, or None where they are.

    Examples:
        >>> too_large((224, 224, 3)), too_large((32, 32, 3))
        ('no --probes are given, and features on noise of 224 x 224 would take long and decide nothing', None)
    """
    if input_shape is None or max(input_shape[:2]) <= LARGEST:
        return None
    height, width = input_shape[:2]
    return f"no --probes are given, and features on noise of {height} x {width} would take long and decide nothing"


def draw_noise(input_shape: tuple[int, ...] | None) -> Probes:
    """Draws images of standard-normal noise, which is logged.

    Args:
        input_shape: one image, `(h, w, c)`.

    Raises:
        ValueError: If it is not known.
    """
    import jax

    if input_shape is None:
        raise ValueError("expected probes, or input_shape to draw noise for networks in memory, got neither")
    count = max(FEWEST_PROBES, min(NOISE_PROBES, NOISE_PIXELS // math.prod(input_shape[:-1])))
    logger.info(f"no --probes given: using {count} images of {NOISE} {input_shape}")
    return Probes(inputs=jax.random.normal(jax.random.key(0), (count, *input_shape)), source=NOISE)
