"""Every network of the zoo under a random element of all its groups, in float64: one line a network.

Seconds are of one core, and those of `groups` alone, from the function to the families.
`python -m tests.symmetry.zoo [names]` takes ten minutes of one core for all, on a busy machine three quarters of an
hour; compiling in float64 is most of it. Ends with status 1 if outputs of a network change by more than `MOST`.
"""

import os
import sys
import time

os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")  # compiling takes longer than running

import jax
import jax.numpy as jnp

from lineage_jax import models, symmetry
from tests.symmetry.drawn import drawn, drawn_images

MOST = 1e-9
"""Relative; float64 rounds to 1e-13 in the deepest of these networks."""
SIZES = {
    "fc": 28,
    "convnet": 28,
    "convex": 28,
    "cifar": 32,
    "outlier": 32,
    "densenet": 96,
    "ssd": 320,
    "vgg": 64,
    "vit": 64,
}
"""By the beginning of a name the side of the images; 64 for others. Small images: rules do not see sizes."""
GRAY = ("fc", "convnet", "convex")
ALEXNET = 224


def shape_of(name):
    size = ALEXNET if name == "alexnet" else next((n for start, n in SIZES.items() if name.startswith(start)), 64)
    return (1, size, size, 1 if name in GRAY or name.startswith(GRAY[2]) else 3)


def line_of(name):
    network, shape = models.build(name), shape_of(name)
    shapes = jax.eval_shape(lambda: network.init(jax.random.key(0), jnp.zeros(shape)))
    begin = time.process_time()
    groups = symmetry.groups(network.apply, shapes, jax.ShapeDtypeStruct(shape, jnp.float64))
    seconds = time.process_time() - begin
    variables, images = drawn(shapes), drawn_images(shape)
    change = symmetry.check(jax.jit(network.apply), variables, images, groups, jax.random.key(3), tolerance=jnp.inf)
    slots = {axis.name for axis in groups.axes} - {name for family in groups.families for name in family.axes}
    print(
        f"{name:30} {len(groups.shapes):4} leaves {len(groups.families):5} families {groups.sizes.count:6} factors"
        f" {groups.signs.count:6} signs {len(slots):4} of {len(groups.axes):4} axes pinned {seconds:6.1f} s"
        f"  change {change:.1e}  {dict(groups.unknown) or ''}",
        flush=True,
    )
    return change


def main(names):
    jax.config.update("jax_enable_x64", True)
    return 1 if any(line_of(name) > MOST for name in names or models.ARCHITECTURES) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
