"""A store that a run has come to its end with."""

import pytest

from tests.sweep import stores


@pytest.fixture
def filled(tmp_path):
    stores.write_all(tmp_path / "store")
    return tmp_path / "store"
