"""The lineage detector: views of candidate parents and of a child in, one logit a candidate out."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, DTypeLike, Float

from lineage_jax.detector._encoders import PairEncoder
from lineage_jax.detector._transformer import Block, depth_encoding
from lineage_jax.detector._views import Views

KINDS = ("weights", "features")


class Detector(nn.Module):
    """Looks at a child beside each candidate parent, with the same weights for all of them.

    A layer's pair of images becomes a token (`PairEncoder`), to which a learned vector of its kind (weights, features)
    and a fixed encoding of its depth are added. A learned token in front, at which none of them looks, collects them
    (`Block`); what it collected is standardised over the candidates, and a linear map gives the logit. No weight
    depends on the number of candidates, of layers or of units: `detector.clone(weights=...)` takes the same variables
    to other layers.

    Attributes:
        weights: layers whose kernels are seen, from input to output.
        features: layers whose outputs are seen, from input to output.
        width: size of a token, even; 32 is the published one.
        blocks: number of transformer blocks.
        nobody: whether "none of these" is one more candidate, the last: a learned vector beside what was collected.
        dtype: of the convolutions; all else is float32.

    Raises:
        ValueError: When it is first initialised or applied, if it has no layer, or a width that is odd or below 2.

    References:
        Yu and Wang, "Neural Lineage", CVPR 2024.
    """

    weights: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    width: int = 32
    blocks: int = 1
    nobody: bool = False
    dtype: DTypeLike = jnp.float32

    def setup(self) -> None:
        """Makes the parts."""
        if not self.weights and not self.features:
            raise ValueError("expected at least one layer of weights or features, got none")
        if self.width < 2 or self.width % 2:
            raise ValueError(f"expected an even width of at least 2, got {self.width}")
        vector = nn.initializers.normal(0.02)
        self.encoders = {kind: PairEncoder(self.width, self.dtype) for kind in KINDS if getattr(self, kind)}
        self.kinds = {kind: self.param(f"kind_{kind}", vector, (self.width,)) for kind in self.encoders}
        self.collector = self.param("collector", vector, (self.width,))
        self.transformer = [Block() for _ in range(self.blocks)]
        self.stranger = self.param("stranger", vector, (self.width,)) if self.nobody else None
        self.logit = nn.Dense(1, use_bias=False)

    def __call__(
        self,
        parents: Views,
        child: Views,
        *,
        parent_mask: Bool[Array, " p"] | None = None,
        layer_mask: Bool[Array, " l"] | None = None,
    ) -> Float[Array, " q"]:
        """Returns the logits of one child's candidates.

        Args:
            parents: views with a leading axis over p candidates.
            child: views of one network.
            parent_mask: which candidates take part, all by default; the others' logits are minus infinity.
            layer_mask: which layers take part, all by default: those of `weights`, then those of `features`.

        Returns:
            `[p]` logits, or `[p + 1]` with `nobody`.

        Raises:
            ValueError: If the views are of other layers than the detector's, or differ in shape.
        """
        self._check(parents, child)
        stems = self.stems(parents, of_child=False), self.stems(child, of_child=True)
        return self.compare(*stems, parent_mask=parent_mask, layer_mask=layer_mask)

    def stems(self, views: Views, *, of_child: bool) -> Views:
        """Returns what is computed once a network, however many it is compared with; `compare` takes it."""
        self._check_layers(views)
        return Views(
            **{
                kind: {
                    layer: self.encoders[kind].stem(getattr(views, kind)[layer], of_child=of_child)
                    for layer in getattr(self, kind)
                }
                for kind in KINDS
            }
        )

    def compare(
        self,
        parents: Views,
        child: Views,
        *,
        parent_mask: Bool[Array, " p"] | None = None,
        layer_mask: Bool[Array, " l"] | None = None,
    ) -> Float[Array, " q"]:
        """Returns the logits from the `stems` of both sides; see `__call__`."""
        pairs = [(kind, layer) for kind in self.encoders for layer in getattr(self, kind)]
        count = len(getattr(parents, pairs[0][0])[pairs[0][1]])
        mask = jnp.ones(count, bool) if parent_mask is None else parent_mask
        tokens = [
            self.encoders[kind](getattr(parents, kind)[layer], getattr(child, kind)[layer], mask)
            for kind, layer in pairs
        ]
        collected = self._collect(jnp.stack(tokens, axis=1), layer_mask)
        if self.stranger is not None:
            collected = jnp.concatenate([collected, self.stranger[None]])
            mask = jnp.append(mask, True)
        logits = self.logit(_standardised(collected, mask))[:, 0]
        return jnp.where(mask, logits, -jnp.inf)

    def _collect(self, tokens: Float[Array, "p l e"], layer_mask: Bool[Array, " l"] | None) -> Float[Array, "p e"]:
        """Returns what the token in front has collected from the layers' tokens.

        No token looks at it, nor it at itself: what candidates differ in is in the layers' tokens alone, and as logits
        do not show how large that is in what was collected, nothing would keep the token in front from looking away.
        """
        depths = [depth_encoding(len(getattr(self, kind)), self.width) + self.kinds[kind] for kind in self.encoders]
        tokens += jnp.concatenate(depths)
        front = jnp.broadcast_to(self.collector, (len(tokens), 1, self.width))
        tokens = jnp.concatenate([front, tokens], axis=1)
        layers = jnp.ones(tokens.shape[1] - 1, bool) if layer_mask is None else layer_mask
        for block in self.transformer:
            tokens = block(tokens, jnp.append(False, layers))
        return tokens[:, 0]

    def _check(self, parents: Views, child: Views) -> None:
        for views in (parents, child):
            self._check_layers(views)
        for kind in KINDS:
            for layer in getattr(self, kind):
                ours, theirs = (getattr(views, kind)[layer].shape for views in (parents, child))
                if ours[1:] != theirs:
                    raise ValueError(
                        f"expected {kind} of '{layer}' with the child's shape {theirs} after an axis over the"
                        f" parents, got {ours}"
                    )

    def _check_layers(self, views: Views) -> None:
        for kind in KINDS:
            expected, found = getattr(self, kind), getattr(views, kind)
            if set(expected) != set(found):
                names = (", ".join(layers) or "none" for layers in (expected, found))
                raise ValueError("expected {} of the layers {}, got {}".format(kind, *names))


def _standardised(
    collected: Float[Array, "q e"], mask: Bool[Array, " q"], *, eps: float = 1e-12
) -> Float[Array, "q e"]:
    """Standardises over the candidates that take part.

    `eps` only keeps candidates without any spread, such as a single one, at 0. Near candidates, checkpoints of one run
    say, start out 1e-5 apart: with the customary 1e-6 their logits were all alike and training could end there.
    """
    share = (mask / mask.sum())[:, None]
    centred = collected - jnp.sum(share * collected, axis=0)
    return centred / jnp.sqrt(jnp.sum(share * centred**2, axis=0) + eps)
