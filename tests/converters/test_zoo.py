"""Every network of the zoo computes what PyTorch's does, from PyTorch's weights."""

import pytest

from tests.converters.against_torch import Case, check
from tests.oracles.torch_networks import torchvision

pytestmark = pytest.mark.torch

STAGES = {f"layer{number}": f"layer{number}" for number in range(1, 5)}
CASES = [
    Case(
        entry="torchvision/resnet18",
        build=lambda: torchvision().models.resnet18(weights=None, num_classes=7),
        taps={"relu": "relu", **STAGES, "avgpool": "avgpool"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.entry)
def test_taps_and_outputs_are_pytorchs(case):
    check(case)
