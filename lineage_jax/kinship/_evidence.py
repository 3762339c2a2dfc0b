"""Evidence: what the layers of two networks say of one question, each with its p-value, and all together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from lineage_jax.kinship._holm import holm


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One test inside a kind of evidence: the units of a layer, or of all layers whose outputs are one stream.

    Attributes:
        name: of the layer; no two of one `Evidence` are alike.
        paths: of its kernels in the child.
        units: how many took part.
        statistic: standard deviations above what strangers have on average.
        p: one-sided p-value of "these units know nothing of each other".
    """

    name: str
    paths: tuple[str, ...]
    units: int
    statistic: float
    p: float


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What two networks' weights say of their kinship in one way of looking.

    Attributes:
        kind: "in place", "matched" or "inner products".
        layers: the tests, in the order of the child's kernels.
        statistic: of all layers together, in standard deviations above what strangers have on average.
        p: one-sided p-value of "the two are strangers", from all layers together; 1 where no layer was judged.
        share: of the child's kernel weights that were judged, 0 to 1.
        left_out: of each kernel that was not judged, by path in the child, why.
    """

    kind: str
    layers: tuple[Layer, ...]
    statistic: float
    p: float
    share: float
    left_out: Mapping[str, str]

    def by_layer(self) -> dict[str, float]:
        """Returns p-values of layers by name, adjusted by `holm`: for a claim about one layer, not about the pair."""
        return holm({layer.name: layer.p for layer in self.layers})


def named(paths: tuple[str, ...]) -> str:
    """Names a test after the first of its kernels.

    Examples:
        >>> named(("conv1/kernel",)), named(("conv1/kernel", "conv2/kernel"))
        ('conv1/kernel', 'conv1/kernel and 1 more')
    """
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


def numbered(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Tells layers of one name apart, such as queries and keys, then values."""
    found: dict[str, Layer] = {}
    for layer in layers:
        same = sum(other == layer.name or other.startswith(f"{layer.name}, ") for other in found)
        name = layer.name + (f", part {same + 1}" if same else "")
        found[name] = replace(layer, name=name)
    return tuple(found.values())
