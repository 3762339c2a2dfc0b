"""What every test shares: programs that compile quickly, keys, the real data folder, and honest skips."""

import gc
import importlib.util
import os
from pathlib import Path

import jax
import jaxtyping
import pytest

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("LINEAGE_DATA", ROOT.parent / "shared" / "data"))
QUICK = ["--xla_backend_optimization_level=0", "--xla_cpu_parallel_codegen_split_count=1"]
"""Small programs take longer to compile than to run."""
if jax.__version_info__ < (0, 11):  # later compilers end at a flag that they do not know
    QUICK.append("--xla_cpu_use_fusion_emitters=false")
os.environ.setdefault("XLA_FLAGS", " ".join(QUICK))  # read when the first program is compiled, and by subprocesses
gc.set_threshold(50_000)  # tracing makes many objects, few in circles; looking for those took a fifth of collecting
MAPS = Path("/proc/self/maps")
MANY_MAPS = 8_000
"""Of 65,530 that Linux gives a process: a program takes about four, and the largest file of tests up to 20,000."""


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    without_torch = importlib.util.find_spec("torch") is None
    for item in items:
        if without_torch and item.get_closest_marker("torch"):
            item.add_marker(pytest.mark.skip(reason="needs PyTorch as an oracle: run `make test-torch`"))
        if not DATA.is_dir() and item.get_closest_marker("data"):
            item.add_marker(pytest.mark.skip(reason=f"needs the real data folder: none at {DATA}; set LINEAGE_DATA"))


def pytest_collection_finish():
    gc.freeze()  # modules and tests stay to the end: nobody need look at them again


@pytest.fixture(autouse=True, scope="module")
def _few_programs_at_a_time():
    """Lets go of what was compiled once it is much: the compiler crashes where no memory can be mapped any more."""
    yield
    if not MAPS.exists() or MAPS.read_bytes().count(b"\n") > MANY_MAPS:
        jax.clear_caches()


@pytest.fixture
def key():
    return jax.random.key(0)


@pytest.fixture
def unchecked_shapes():
    """Switches the run-time shape checks off, to reach the errors that a user without them gets."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def data_folder():
    return DATA
