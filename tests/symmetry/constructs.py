"""Small programs, each with one thing that symmetries must be right about, and what of each may be exchanged.

By name: the function, the shapes of its leaves, and the families that it has: by size, how many. Inputs are images
`IMAGES`; the last kernel `head` leads to 3 outputs, which stay in their places.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

IMAGES = (2, 6, 6, 3)
relu, tanh = jax.nn.relu, jnp.tanh


def conv(x, kernel, groups=1):
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=layout, feature_group_count=groups)


def normalise_groups(x, groups):
    n, h, w, c = x.shape
    y = x.reshape(n, h, w, groups, c // groups)
    y = y - y.mean((1, 2, 4), keepdims=True)
    return (y * jax.lax.rsqrt((y**2).mean((1, 2, 4), keepdims=True) + 1e-5)).reshape(x.shape)


def shuffle_channels(x, groups):
    n, h, w, c = x.shape
    return x.reshape(n, h, w, groups, c // groups).swapaxes(3, 4).reshape(x.shape)


def shuffle_pixels(x):
    n, h, w, c = x.shape
    return x.reshape(n, h, w, 2, 2, c // 4).transpose(0, 1, 3, 2, 4, 5).reshape(n, 2 * h, 2 * w, c // 4)


def pooled(x):
    return x.mean((1, 2))


def pixel(x):
    return x[:, 0, 0]


def dense(p, x):
    return relu(pixel(x) @ p["a"]) @ p["head"]


def grouped(p, x):
    return pooled(relu(conv(relu(conv(x, p["a"])), p["b"], groups=4))) @ p["head"]


def depthwise(p, x):
    return pooled(relu(conv(relu(conv(x, p["a"])), p["b"], groups=8))) @ p["head"]


def channel_shuffle(p, x):
    return pooled(conv(shuffle_channels(relu(conv(relu(conv(x, p["a"])), p["b"], groups=4)), 4), p["head"]))


def pixel_shuffle(p, x):
    return pooled(relu(conv(shuffle_pixels(relu(conv(x, p["a"]))), p["b"]))) @ p["head"]


def concatenated_with_its_negative(p, x):
    a = pixel(x) @ p["a"]
    return relu(jnp.concatenate([a, -a], -1)) @ p["head"]


def interleaved_with_its_negative(p, x):
    a = pixel(x) @ p["a"]
    return relu(jnp.stack([a, -a], -1).reshape(len(x), -1)) @ p["head"]


def concatenated_and_summed(p, x):
    a, b = tanh(pixel(x) @ p["a"]), tanh(pixel(x) @ p["b"])
    return jnp.concatenate([a, b], -1) @ p["c"] + (a + b) @ p["head"]


def concatenated_with_constants(p, x):
    a = relu(pixel(x) @ p["a"])
    rest = [jnp.ones((len(x), 3)), jnp.zeros((len(x), 2))]
    return (jnp.concatenate([a, *rest], -1) + pixel(x) @ p["b"]) @ p["head"]


def summed_with_its_reverse(p, x):
    a = tanh(pixel(x) @ p["a"])
    return (a + a[:, ::-1]) @ p["head"]


def flattened_in_two_layouts(p, x):
    a = relu(conv(x, p["a"]))
    return jnp.concatenate([a.reshape(len(x), -1), a.transpose(0, 3, 1, 2).reshape(len(x), -1)], -1) @ p["head"]


def tied_to_its_transpose(p, x):
    return relu(relu(pixel(x) @ p["a"]) @ p["b"]) @ p["b"].T @ p["head"]


def square_kernel_used_twice(p, x):
    return tanh(tanh(pixel(x) @ p["a"]) @ p["b"]) @ p["b"] @ p["head"]


def groups_in_groups(p, x):
    return pooled(normalise_groups(conv(normalise_groups(conv(x, p["a"]), 4), p["b"], groups=4), 2)) @ p["head"]


def gated(p, x):
    a = pixel(x) @ p["a"]
    return (a[:, :6] * jax.nn.sigmoid(a[:, 6:])) @ p["head"]


def squeeze_and_excitation(p, x):
    a = relu(conv(x, p["a"]))
    gate = jax.nn.sigmoid(relu(pooled(a) @ p["squeeze"]) @ p["excite"])
    return pooled(a * gate[:, None, None]) @ p["head"]


def padded_shortcut(p, x):
    a = relu(conv(x, p["a"]))
    shortcut = jnp.pad(a[:, ::2, ::2], ((0, 0), (0, 0), (0, 0), (2, 2)))
    return pooled(relu(shortcut + conv(a, p["b"])[:, ::2, ::2])) @ p["head"]


def scanned(p, x):
    def layer(h, w):
        return h + relu(h @ w["b"]) @ w["c"], None

    h, _ = jax.lax.scan(layer, pixel(x) @ p["a"], {"b": p["b"], "c": p["c"]})
    return h @ p["head"]


def recurrent(p, x):
    tokens = x.reshape(len(x), -1, 3).swapaxes(0, 1)
    h, _ = jax.lax.scan(lambda h, z: (tanh(z @ p["a"] + h @ p["b"]), None), jnp.zeros((len(x), 6)), tokens)
    return h @ p["head"]


def pairwise_maximum(p, x):
    return (pixel(x) @ p["a"]).reshape(len(x), 6, 2).max(-1) @ p["head"]


def layer_norm(p, x):
    a = jax.nn.standardize(pixel(x) @ p["a"]) * p["scale"] + p["shift"]
    return jax.nn.gelu(a @ p["b"]) @ p["head"]


def standardised_kernel(p, x):
    a = p["a"]
    return pooled(relu(conv(x, (a - a.mean((0, 1, 2))) / a.std((0, 1, 2))))) @ p["head"]


def standardised_grouped_kernel(p, x):
    b = p["b"] - p["b"].mean((0, 1, 2))
    return pooled(relu(conv(relu(conv(x, p["a"])), b, groups=4))) @ p["head"]


def grouped_kernel_read_twice(p, x):
    a = relu(conv(x, p["a"]))
    return pooled(relu(conv(a, p["b"], groups=4)) + jnp.abs(p["b"] + p["c"]).sum((0, 1, 2))) @ p["head"]


def calls_that_return_a_leaf(p, x):
    return relu(pixel(x) @ jax.jit(lambda a, b: a)(p["a"], p["head"])) @ p["head"]


def picked_in_another_order(p, x):
    return relu(pixel(x) @ p["a"])[:, jnp.array([3, 1, 0, 2, 5, 4])] @ p["head"]


def one_unit_picked_twice(p, x):
    return relu(pixel(x) @ p["a"])[:, jnp.array([3, 1, 0, 2, 0, 4])] @ p["head"]


def largest(p, x):
    return jax.lax.top_k(relu(pixel(x) @ p["a"]), 3)[0] @ p["head"]


def chosen(p, x):
    return jax.lax.cond(x.sum() > 0, lambda a: a @ p["head"], lambda a: -a @ p["head"], relu(pixel(x) @ p["a"]))


def unread_leaf(p, x):
    return jax.jit(dense)(p, x)


class Attention(nn.Module):
    """Flax's own attention, whose kernels have an axis of heads."""

    @nn.compact
    def __call__(self, x):
        x = nn.Dense(8)(x.reshape(len(x), -1, 3))
        x = x + nn.MultiHeadDotProductAttention(num_heads=2)(nn.LayerNorm()(x))
        return nn.Dense(3)(x.mean(1))


class GroupNormalised(nn.Module):
    """Flax's own normalisation of groups, which repeats means along the channels of a group."""

    @nn.compact
    def __call__(self, x):
        return pooled(nn.Conv(3, (3, 3))(relu(nn.GroupNorm(4)(nn.Conv(8, (3, 3))(x)))))


class Flattened(nn.Module):
    """A normalised convolution that is flattened."""

    @nn.compact
    def __call__(self, x):
        x = nn.gelu(nn.BatchNorm(use_running_average=True)(nn.Conv(8, (3, 3))(x)))
        return nn.Dense(3)(nn.max_pool(x, (2, 2), (2, 2), "SAME").reshape(len(x), -1))


def shapes_of(module):
    return jax.eval_shape(lambda: module.init(jax.random.key(0), jnp.zeros(IMAGES)))


CONSTRUCTS = {
    "dense": (dense, {"a": (3, 6), "head": (6, 3)}, {6: 1}),
    # 4 groups of 2 inputs and 3 outputs
    "grouped": (grouped, {"a": (3, 3, 3, 8), "b": (3, 3, 2, 12), "head": (12, 3)}, {4: 1, 2: 4, 3: 4}),
    "depthwise": (depthwise, {"a": (3, 3, 3, 8), "b": (3, 3, 1, 8), "head": (8, 3)}, {8: 1}),
    # each of 8 channels has 2 outputs of its own
    "depth_multiplier": (depthwise, {"a": (3, 3, 3, 8), "b": (3, 3, 1, 16), "head": (16, 3)}, {8: 1, 2: 8}),
    "channel_shuffle": (
        channel_shuffle,
        {"a": (3, 3, 3, 8), "b": (3, 3, 2, 12), "head": (1, 1, 12, 3)},
        {4: 1, 2: 4, 3: 4},
    ),
    "pixel_shuffle": (pixel_shuffle, {"a": (3, 3, 3, 16), "b": (3, 3, 4, 5), "head": (5, 3)}, {4: 1, 5: 1}),
    "concatenated_with_its_negative": (concatenated_with_its_negative, {"a": (3, 6), "head": (12, 3)}, {6: 1}),
    "interleaved_with_its_negative": (interleaved_with_its_negative, {"a": (3, 6), "head": (12, 3)}, {6: 1}),
    "concatenated_and_summed": (
        concatenated_and_summed,
        {"a": (3, 6), "b": (3, 6), "c": (12, 3), "head": (6, 3)},
        {6: 1},
    ),
    "concatenated_with_constants": (
        concatenated_with_constants,
        {"a": (3, 4), "b": (3, 9), "head": (9, 3)},
        {4: 1},  # constants are taken for units that stay
    ),
    "summed_with_its_reverse": (summed_with_its_reverse, {"a": (3, 6), "head": (6, 3)}, {}),
    "flattened_in_two_layouts": (flattened_in_two_layouts, {"a": (3, 3, 3, 4), "head": (288, 3)}, {4: 1}),
    "tied_to_its_transpose": (tied_to_its_transpose, {"a": (3, 6), "b": (6, 5), "head": (6, 3)}, {6: 1, 5: 1}),
    "square_kernel_used_twice": (square_kernel_used_twice, {"a": (3, 6), "b": (6, 6), "head": (6, 3)}, {6: 1}),
    # 2 pairs of 2 groups of 2 inputs and 2 outputs: 4 * 2 families of 2, 2 of groups, 1 of pairs
    "groups_in_groups": (groups_in_groups, {"a": (3, 3, 3, 8), "b": (3, 3, 2, 8), "head": (8, 3)}, {2: 11}),
    "gated": (gated, {"a": (3, 12), "head": (6, 3)}, {6: 1}),
    "squeeze_and_excitation": (
        squeeze_and_excitation,
        {"a": (3, 3, 3, 8), "squeeze": (8, 4), "excite": (4, 8), "head": (8, 3)},
        {8: 1, 4: 1},
    ),
    # 4 channels of the shortcut, and 4 that it lacks
    "padded_shortcut": (padded_shortcut, {"a": (3, 3, 3, 4), "b": (3, 3, 4, 8), "head": (8, 3)}, {4: 2}),
    "scanned": (scanned, {"a": (3, 6), "b": (4, 6, 5), "c": (4, 5, 6), "head": (6, 3)}, {6: 1, 5: 1}),
    "recurrent": (recurrent, {"a": (3, 6), "b": (6, 6), "head": (6, 3)}, {6: 1}),
    "pairwise_maximum": (pairwise_maximum, {"a": (3, 12), "head": (6, 3)}, {6: 1, 2: 6}),
    "layer_norm": (
        layer_norm,
        {"a": (3, 6), "scale": (6,), "shift": (6,), "b": (6, 9), "head": (9, 3)},
        {6: 1, 9: 1},
    ),
    "standardised_kernel": (standardised_kernel, {"a": (3, 3, 3, 8), "head": (8, 3)}, {8: 1}),
    "standardised_grouped_kernel": (
        standardised_grouped_kernel,
        {"a": (3, 3, 3, 8), "b": (3, 3, 2, 12), "head": (12, 3)},
        None,  # pinned for want of a rule, and right
    ),
    "grouped_kernel_read_twice": (
        grouped_kernel_read_twice,
        {"a": (3, 3, 3, 8), "b": (3, 3, 2, 12), "c": (3, 3, 2, 12), "head": (12, 3)},
        None,
    ),
    "calls_that_return_a_leaf": (calls_that_return_a_leaf, {"a": (3, 6), "head": (6, 3)}, {6: 1}),
    "picked_in_another_order": (picked_in_another_order, {"a": (3, 6), "head": (6, 3)}, {6: 1}),
    "one_unit_picked_twice": (one_unit_picked_twice, {"a": (3, 6), "head": (6, 3)}, {}),
    "largest": (largest, {"a": (3, 6), "head": (3, 3)}, {}),
    "chosen": (chosen, {"a": (3, 6), "head": (6, 3)}, {}),
    "unread_leaf": (unread_leaf, {"a": (3, 6), "head": (6, 3), "unread": (5, 5)}, {6: 1}),
    # 8 numbers of the stream, 2 heads; inside of heads queries with keys, and values, in one order for all heads
    "flax_attention": (Attention().apply, shapes_of(Attention()), {8: 1, 2: 1, 4: 2}),
    # 4 groups of 2 channels
    "flax_group_norm": (GroupNormalised().apply, shapes_of(GroupNormalised()), {4: 1, 2: 4}),
    "flattened": (Flattened().apply, shapes_of(Flattened()), {8: 1}),
}
