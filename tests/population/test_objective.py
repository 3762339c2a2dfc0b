"""Networks learn whatever their objective says, of targets of any form."""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import pytest

from lineage_jax import data, models, population

TRAINING = population.TrainingSettings(steps=100, learning_rate=0.5)


class Pixelwise(nn.Module):
    """The smallest network for segmentation: a 1x1 convolution `body` and the head."""

    num_classes: int
    head: str = "last"

    @nn.compact
    def __call__(self, images, *, train=False):
        return nn.Conv(self.num_classes, (1, 1), name=self.head)(nn.Conv(4, (1, 1), name="body")(images))


@pytest.fixture(scope="module")
def tiles():
    """Noise whose positive pixels are class 1."""
    pixels = np.random.default_rng(0).normal(size=(20, 4, 4, 1)).astype(np.float32)
    return data.Annotated(images=pixels, targets=(pixels[..., 0] > 0).astype(np.int32), num_classes=2)


def test_parents_and_children_learn_the_class_of_every_pixel(tiles):
    network = Pixelwise(num_classes=2)
    parents = population.pretrain(network, tiles, num_parents=2, seed=0, training=TRAINING)
    assert (parents.accuracy > 0.9).all()
    flipped = data.Annotated(images=tiles.images, targets=1 - tiles.targets, num_classes=2)
    children, _ = population.finetune(parents, network, flipped, children_per_parent=1, seed=0, training=TRAINING)
    assert (children.accuracy > 0.9).all()
    said = network.apply(children["child-00"], jnp.asarray(tiles.images)).argmax(-1)
    assert np.mean(said == flipped.targets) > 0.9


def test_an_objective_of_ones_own_is_minimised_on_targets_of_its_own(tiles):
    def regression(outputs, targets):
        error = jnp.mean((outputs[:, 0] - targets["brightness"]) ** 2)
        return error, jnp.exp(-error)

    brightness = data.Annotated(
        images=tiles.images, targets={"brightness": tiles.images.mean(axis=(1, 2, 3))}, num_classes=1
    )
    network, training = models.fc(1, widths=(4,)), population.TrainingSettings(steps=100, learning_rate=0.02)
    settings = {"num_parents": 2, "seed": 0, "training": training, "objective": regression}
    chain = population.pretrain_checkpoints(network, brightness, **settings)
    assert chain.loss[1] < chain.loss[0]
    assert chain.loss[1] < 0.5 * np.var(brightness.targets["brightness"])
    np.testing.assert_allclose(chain.accuracy[1], np.exp(-chain.loss[1]), atol=0.01)  # a mean of exponentials
