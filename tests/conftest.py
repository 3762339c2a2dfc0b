"""What every test shares: keys, the real data folder, and honest skips."""

import importlib.util
import os
from pathlib import Path

import jax
import jaxtyping
import pytest

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("LINEAGE_DATA", ROOT.parent / "shared" / "data"))


def pytest_collection_modifyitems(items):
    without_torch = importlib.util.find_spec("torch") is None
    for item in items:
        if without_torch and item.get_closest_marker("torch"):
            item.add_marker(pytest.mark.skip(reason="needs PyTorch as an oracle: run `make test-torch`"))
        if not DATA.is_dir() and item.get_closest_marker("data"):
            item.add_marker(pytest.mark.skip(reason=f"needs the real data folder: none at {DATA}; set LINEAGE_DATA"))


@pytest.fixture(autouse=True, scope="module")
def _programs_of_one_file_only():
    """Lets go of what a file of tests compiled: thousands of programs together run into the limit of mapped memory."""
    yield
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
