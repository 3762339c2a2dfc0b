"""Families of small networks in files, as other programs write them."""

import numpy as np
import pytest

import converters

SHAPES = {"stem.0.weight": (16, 3, 3, 3), "body.1.conv.weight": (32, 16, 3, 3), "fc.weight": (10, 32)}


def random_network(seed, shapes=SHAPES):
    rng = np.random.default_rng(seed)
    weights = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return weights | {"fc.bias": rng.normal(size=shapes["fc.weight"][0]).astype(np.float32)}


def tuned(network, seed, step=0.3):
    rng = np.random.default_rng(seed)
    return {name: array + step * rng.normal(size=array.shape).astype(np.float32) for name, array in network.items()}


def other_head(network, seed, classes=7):
    head = random_network(seed, SHAPES | {"fc.weight": (classes, 32)})
    return network | {name: head[name] for name in ("fc.weight", "fc.bias")}


def inside(network, module):
    """The network without its head inside another one."""
    rng = np.random.default_rng(99)
    body = {f"{module}.{name}": array for name, array in network.items() if not name.startswith("fc")}
    return body | {"rpn.conv.weight": rng.normal(size=(20, 32, 3, 3)).astype(np.float32)}


@pytest.fixture
def folder(tmp_path):
    """Strangers s0 to s9 and parents p0 to p3, each with two children."""
    place = tmp_path / "networks"
    (place / "deep" / "er").mkdir(parents=True)
    for seed in range(10):
        converters.write(place / "deep" / f"s{seed}.pth", random_network(seed))
    for parent in range(4):
        weights = random_network(100 + parent)
        converters.write(place / f"p{parent}.safetensors", weights)
        for child in range(2):
            converters.write(place / "deep" / "er" / f"c{parent}{child}.pt", tuned(weights, 10 * parent + child))
    return place
