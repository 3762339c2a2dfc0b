"""From a pair of images, a parent's and a child's, to one token."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, DTypeLike, Float

STEM = ((1.0, -1.0), (-1.0, 1.0), (0.5, 0.5))
"""The start of the 1x1 convolution: p - c, c - p and their mean, weights of (p, c) a row."""

SIDE = 3
"""Height and width of the second convolution."""


class PairEncoder(nn.Module):
    r"""Two convolutions over the pair image, a norm over the candidates, and the average over the pixels.

    The 1x1 convolution is linear, so $\mathrm{stem}(p, c) = a p + b c$: `stem` computes both terms once a network, and
    a pair costs one addition. It has no bias: the scale of a layer's weights passes through to the norm, which
    removes it, and with it most of what tells one architecture from another.

    The norm standardises every channel over the pixels of all candidates of one child. It is batch normalisation whose
    batch is the child's own candidates: it keeps what candidates differ in, has no running statistics and serves
    any number of candidates. Mean and variance come from the moments of the 27 inputs of the 3x3 convolution,

        $\mathrm{mean}(K x) = K \mathrm{mean}(x), \quad \mathrm{mean}((K x)^2) = K \mathrm{mean}(x x^T) K^T,$

    so that the wide images exist for one pair at a time and for no gradient: they are computed anew.

    Attributes:
        width: channels of the 3x3 convolution, the size of a token.
        dtype: of both convolutions; sums are float32.

    References:
        Yu and Wang, "Neural Lineage", CVPR 2024. Ioffe and Szegedy, "Batch Normalization", ICML 2015.
    """

    width: int
    dtype: DTypeLike = jnp.float32

    def setup(self) -> None:
        """Makes the weights."""
        self.pair = self.param("pair", lambda key: jnp.array(STEM))
        self.kernel = self.param("kernel", nn.initializers.he_normal(in_axis=1, out_axis=0), (self.width, 3 * SIDE**2))
        self.scale = self.param("scale", nn.initializers.ones, (self.width,))
        self.bias = self.param("bias", nn.initializers.zeros, (self.width,))

    def stem(self, images: Float[Array, "*m h w"], *, of_child: bool) -> Float[Array, "*m 3 h2 w2"]:
        """Returns one side's term of the 1x1 convolution, with a border of zeros."""
        weights = self.pair[:, int(of_child)].astype(self.dtype)
        terms = weights[:, None, None] * images[..., None, :, :].astype(self.dtype)
        return jnp.pad(terms, ((0, 0),) * (terms.ndim - 2) + ((1, 1), (1, 1)))

    def __call__(
        self, parents: Float[Array, "p 3 h w"], child: Float[Array, "3 h w"], mask: Bool[Array, " p"]
    ) -> Float[Array, "p e"]:
        """Returns a token for each candidate parent of one child.

        Args:
            parents: what `stem` made of them.
            child: what `stem` made of it.
            mask: which candidates take part; the tokens of others mean nothing.
        """
        kernel, bias = self._normalised(parents, child, mask)
        narrow = kernel.astype(self.dtype)

        @jax.checkpoint
        def token(parent: Float[Array, "3 h w"]) -> Float[Array, " e"]:
            patches = _patches(nn.relu(parent + child))
            wide = jnp.matmul(narrow, patches, preferred_element_type=jnp.float32)
            return nn.relu(wide + bias[:, None]).mean(axis=1)

        return jax.lax.map(token, parents, batch_size=at_a_time(len(parents)))

    def _normalised(
        self, parents: Float[Array, "p 3 h w"], child: Float[Array, "3 h w"], mask: Bool[Array, " p"]
    ) -> tuple[Float[Array, "e k"], Float[Array, " e"]]:
        """Returns kernel and bias of convolution and norm together."""

        @jax.checkpoint
        def moments(parent: Float[Array, "3 h w"]) -> tuple[Float[Array, " k"], Float[Array, "k k"]]:
            x = _patches(nn.relu(parent + child))
            second = jnp.matmul(x, x.T, preferred_element_type=jnp.float32) / x.shape[1]
            return x.mean(axis=1, dtype=jnp.float32), second

        each = jax.lax.map(moments, parents, batch_size=at_a_time(len(parents)))
        share = mask / mask.sum()
        first, second = jax.tree.map(lambda moment: jnp.tensordot(share, moment, axes=1), each)
        mean = self.kernel @ first
        square = jnp.einsum("ei,ij,ej->e", self.kernel, second, self.kernel)
        # relative to the square, so that no scale is privileged and rounding cannot make it negative; then 0 / 0
        spread = jnp.sqrt((1 + 1e-5) * square - mean**2 + 1e-20)
        factor = self.scale / spread
        return self.kernel * factor[:, None], self.bias - mean * factor


def at_a_time(count: int) -> int | None:
    """Returns the `batch_size` of `jax.lax.map`: all at once on an accelerator, one by one on a CPU, in its cache."""
    return None if jax.default_backend() == "cpu" else count


def _patches(image: Float[Array, "3 h w"]) -> Float[Array, "k hw"]:
    """Returns the inputs of the 3x3 convolution at every pixel but the border's."""
    h, w = (size - SIDE + 1 for size in image.shape[1:])
    shifts = [image[:, row : row + h, column : column + w] for row in range(SIDE) for column in range(SIDE)]
    return jnp.concatenate(shifts).reshape(-1, h * w)
