"""How every experiment is run in its smoke mode."""

import json

import pytest


@pytest.fixture
def smoke(tmp_path, monkeypatch, data_folder, capsys):
    """Returns a function that runs an experiment twice, the second time from what the first left; its results."""

    def run_twice(main):
        monkeypatch.setenv("LINEAGE_DATA", str(data_folder))
        monkeypatch.setattr("sys.argv", ["run", "--mode", "smoke", "--out", str(tmp_path)])
        main()
        result = json.loads((tmp_path / "smoke.json").read_text())
        count = len(result["runs"])
        said = [f"{number}/{count} {name}" for number, name in enumerate(result["runs"], start=1)]
        first = capsys.readouterr().out
        assert all(line in first for line in said)
        main()
        again = capsys.readouterr().out
        assert not any(line in again for line in said)
        assert json.loads((tmp_path / "smoke.json").read_text()) == result
        return result

    return run_twice
