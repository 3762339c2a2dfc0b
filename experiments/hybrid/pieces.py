"""The pieces of a network that may come from different parents."""

import dataclasses

import flax.linen as nn

from lineage_jax import linearize, models


@dataclasses.dataclass(frozen=True, kw_only=True)
class Piece:
    """Layers that come from one parent together.

    Attributes:
        name: of the piece in all results.
        layers: paths of its modules and single arrays.
        kernels: by the name that the detector knows them by, the layers whose kernels it sees.
        start: the layer whose output the piece is fed with; None at the inputs.
        end: the layer whose output is compared.
    """

    name: str
    layers: tuple[str, ...]
    kernels: dict[str, str]
    start: str | None
    end: str


def pieces_of(network: models.FC | models.ViT) -> tuple[Piece, ...]:
    """Returns the pieces from input to output; those of one network have the same names of kernels."""
    return _of_vit(network) if isinstance(network, models.ViT) else _of_fc(network)


def features_of(
    network: nn.Module, piece: Piece, input_shape: tuple[int, ...]
) -> linearize.LinenFeatures | linearize.LinenBlock:
    """Returns what a piece computes, as a function of what it is fed with."""
    if piece.start is None:
        return linearize.features_of(network, (piece.end,))
    return linearize.block_of(network, piece.start, (piece.end,), input_shape=input_shape)


def _of_fc(network: models.FC) -> tuple[Piece, ...]:
    """Returns a piece for each dense layer but the head."""
    return tuple(
        Piece(
            name=f"fc{number}",
            layers=(f"fc{number}",),
            kernels={"dense": f"fc{number}"},
            start=f"relu{number - 1}" if number > 1 else None,
            end=f"relu{number}",
        )
        for number in range(1, len(network.widths) + 1)
    )


def _of_vit(network: models.ViT) -> tuple[Piece, ...]:
    """Returns a piece for each block; the embeddings belong to the first one, the last norm to the last one."""
    dense = ("attn/qkv", "attn/proj", "mlp/fc1", "mlp/fc2")
    more = {0: ("patch_embed", "cls_token", "pos_embed"), network.depth - 1: ("norm",)}
    return tuple(
        Piece(
            name=f"block {index}",
            layers=(f"blocks/{index}", *more.get(index, ())),
            kernels={name: f"blocks/{index}/{name}" for name in dense},
            start=f"blocks/{index - 1}" if index else None,
            end=f"blocks/{index}",
        )
        for index in range(network.depth)
    )
