"""Parents, hybrids of them after fine-tuning, and what the detector sees of every piece."""

import dataclasses

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np

from experiments.hybrid.pieces import Piece, features_of, pieces_of
from experiments.lab.images import draw_probes, load_family_images
from experiments.lab.pretraining import pretrain
from lineage_jax import detector, linearize, models, population
from lineage_jax.typing import Networks


@dataclasses.dataclass(frozen=True, kw_only=True)
class HybridFamily:
    """Networks, the parent of every piece of the children, and what is looked at.

    Attributes:
        network: the module of all of them.
        parents: the candidates.
        children: hybrids of them after fine-tuning.
        origins: by child and by piece the name of the parent.
        probes: test images that no child has seen.
    """

    network: models.FC | models.ViT
    parents: population.Trained
    children: population.Trained
    origins: dict[str, dict[str, str]]
    probes: jax.Array

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The pieces of the network."""
        return pieces_of(self.network)

    def select(self, indices: np.ndarray) -> "HybridFamily":
        """Returns some of the children with the same candidates."""
        names = tuple(self.children.names[index] for index in indices)
        return dataclasses.replace(self, children=self.children.select(names))

    def features(self, piece: Piece) -> linearize.LinenFeatures | linearize.LinenBlock:
        """Returns what a piece computes, as a function of what it is fed with."""
        return features_of(self.network, piece, self.probes.shape[1:])


def make_family(name: str, kind: str, seed: int, count: int, config: ml_collections.ConfigDict) -> HybridFamily:
    """Trains parents, puts `count` hybrids together and fine-tunes them."""
    images = load_family_images(config.source, config.target, pooling=config.pooling)
    settings = config.networks[name]
    network = build(name, images.target.num_classes, settings.sizes)
    training = population.TrainingSettings(**settings.pretrain.to_dict())
    parents = pretrain(kind, network, images.source, count=config.parents, seed=seed, training=training)
    pieces = pieces_of(network)
    drawn = population.random_origins([piece.name for piece in pieces], parents.names, count=count, seed=seed)
    children, start = population.finetune(
        population.hybrids(parents, by_layer(drawn, pieces)),
        network,
        images.target,
        children_per_parent=1,
        seed=seed,
        training=population.TrainingSettings(**settings.finetune.to_dict()),
    )
    origins = {child: drawn[hybrid] for child, hybrid in start.items()}
    probes = draw_probes(images.unseen, config.probes, seed=seed)
    return HybridFamily(network=network, parents=parents, children=children, origins=origins, probes=probes)


def build(name: str, num_classes: int, sizes: ml_collections.ConfigDict) -> models.FC | models.ViT:
    """Builds a fully connected net or a vision transformer."""
    if name == "fc":
        return models.fc(num_classes, widths=sizes.widths)
    return models.ViT(num_classes=num_classes, **sizes.to_dict())


def by_layer(origins: population.Origins, pieces: tuple[Piece, ...]) -> dict[str, dict[str, str]]:
    """Returns the origin of every layer of every hybrid from those of its pieces."""
    return {
        hybrid: {layer: origin[piece.name] for piece in pieces for layer in piece.layers}
        for hybrid, origin in origins.items()
    }


def piece_alone(networks: Networks, piece: Piece) -> Networks:
    """Returns the same networks without what is not of the piece."""
    return population.hybrids(networks, {name: dict.fromkeys(piece.layers, name) for name in networks.names})


def examples_of(family: HybridFamily, piece: Piece) -> detector.Examples:
    """Looks at one piece of every network: its kernels, and what it makes of the same inputs, whoever's it is."""
    examples = detector.examples_of(
        family.parents,
        family.children,
        {child: origin[piece.name] for child, origin in family.origins.items()},
        inputs_of(family, piece),
        weights=tuple(piece.kernels.values()),
        features=family.features(piece),
    )
    return dataclasses.replace(
        examples, parents=_renamed(examples.parents, piece), children=_renamed(examples.children, piece)
    )


def inputs_of(family: HybridFamily, piece: Piece) -> jax.Array:
    """Returns what a piece of all networks is fed with: each candidate's own activations on its share of the probes."""
    features = family.features(piece)
    if not isinstance(features, linearize.LinenBlock):
        return family.probes
    shares = jnp.array_split(family.probes, len(family.parents))
    names = family.parents.names
    entries = [features.entry(family.parents[name], share) for name, share in zip(names, shares, strict=True)]
    return jnp.concatenate(entries)


def _renamed(views: detector.Views, piece: Piece) -> detector.Views:
    """Names kernels and outputs alike for all pieces, so that one detector takes them all."""
    weights = {name: views.weights[layer] for name, layer in piece.kernels.items()}
    return detector.Views(weights=weights, features={"output": views.features[piece.end]})
