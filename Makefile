# A few words: demo, test, check, test-torch, bench. Everything runs inside $(VENV), made from requirements.txt.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
TORCH := $(VENV)/installed-torch

.PHONY: demo test check test-core test-torch bench clean

demo: $(INSTALLED)  ## name the parents of freshly trained digit networks
	$(BIN)/lineage-jax demo

test: $(INSTALLED)  ## every test and doctest; those that compare with PyTorch are skipped where it is absent
	$(BIN)/python -m pytest --numprocesses auto

check: $(INSTALLED)  ## formatting, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

test-core: $(INSTALLED)  ## the core alone, for a second Python: oracles and transformations of similarities, linearisation, lineage
	$(BIN)/python -m pytest --numprocesses auto tests/similarity -k "oracle or jit or package"
	$(BIN)/python -m pytest --numprocesses auto tests/linearize tests/lineage tests/test_architecture.py

test-torch: $(TORCH)  ## the tests that compare with PyTorch and other packages (Python 3.11)
	$(BIN)/python -m pytest --numprocesses auto -m torch

bench: $(TORCH)  ## speed and memory, side by side with PyTorch and other packages; one JSON line each
	$(BIN)/python -m experiments.bench

$(INSTALLED): requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet -r requirements.txt -e .
	touch $@

$(TORCH): $(INSTALLED)
	$(BIN)/pip install --quiet -e '.[torch]'
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache
