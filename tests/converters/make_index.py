"""Makes `converters/index.json.gz` from the PyTorch networks that the zoo is compared with.

python -m tests.converters.make_index
"""

import importlib
from pathlib import Path

from converters._index import INDEX, Indexed, encoded
from tests.converters.against_torch import Case

HERE = Path(__file__).parent


def cases():
    """Returns every case of the comparisons with PyTorch, the first of each entry that has all its blocks."""
    modules = [importlib.import_module(f"tests.converters.{path.stem}") for path in sorted(HERE.glob("test_*.py"))]
    found = {}
    for collection in (vars(module).get(name, ()) for module in modules for name in ("CASES", "OF_SHAPES_ALONE")):
        for case in collection.values() if isinstance(collection, dict) else collection:
            if isinstance(case, Case) and not case.settings:
                found.setdefault(case.entry, case)
    return found


def indexed(case):
    """Builds a case's PyTorch network on no device, where arrays have shapes alone."""
    import torch

    with torch.device("meta"):
        network = case.build()
    names = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    return Indexed(names=names, input_shape=case.input_shape)


def made():
    """Returns the bytes of the index."""
    return encoded({entry: indexed(case) for entry, case in cases().items()})


if __name__ == "__main__":
    INDEX.write_bytes(made())
    print(f"{len(cases())} networks in {INDEX.stat().st_size:,} bytes")
