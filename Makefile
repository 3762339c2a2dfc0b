# A few words: demo, test, check, docs, test-torch, bench. Everything runs inside $(VENV), made from requirements.txt.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
TORCH := $(VENV)/installed-torch
DOCS := $(VENV)/installed-docs
# a file's tests stay together, since they share what is compiled; long files start first; every core has a worker, so
# that more threads of BLAS would only wait for each other
PYTEST := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder --durations=15
# tutorials compile as quickly as the tests do
QUICK := $(BIN)/python -c 'import os, tests.conftest; print(os.environ["XLA_FLAGS"])'

.PHONY: demo test check test-core test-torch docs bench clean

demo: $(INSTALLED)  ## name the parents of freshly trained digit networks
	$(BIN)/lineage-jax demo

test: $(INSTALLED)  ## every test and doctest; those that compare with PyTorch are skipped where it is absent
	$(PYTEST)

check: $(INSTALLED)  ## formatting, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

test-core: $(INSTALLED)  ## what a second Python and JAX may break: each measure by an oracle and under jit, linearisation, lineage
	$(PYTEST) $(addprefix tests/,similarity/test_every_measure.py similarity/test_pairwise.py similarity/test_subspace.py linearize \
		pairs/test_comparison.py lineage/test_score.py lineage/test_weight_scores.py lineage/test_overlap.py) \
		-k "not (similarity and not (jit or oracle and (12x5 or double_precision and not widths))) \
		and not (test_score and not (alone or near_copies or nnx or statistics)) and not whatever_the_size and not eager \
		and not (test_block and not tangent) and not (test_ntk and not neural_tangents) and not test_linear_training"

test-torch: $(TORCH)  ## the tests that compare with PyTorch and other packages (Python 3.11)
	$(PYTEST) -m torch $$(grep --recursive --files-with-matches --include='test_*.py' mark.torch tests)

docs: $(DOCS)  ## the pages in docs/_build/html: offline, warnings as errors, tutorials executed, links checked
	rm -rf docs/_build/html
	XLA_FLAGS="$$($(QUICK))" $(BIN)/python -m sphinx --quiet --fresh-env --fail-on-warning --keep-going --nitpicky docs docs/_build/html
	$(BIN)/python docs/check_links.py docs/_build/html

bench: $(TORCH)  ## speed and memory, side by side with PyTorch and other packages; one JSON line each
	$(BIN)/python -m experiments.benchmarks

$(INSTALLED): requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet -r requirements.txt -e .
	touch $@

$(TORCH): $(INSTALLED)
	$(BIN)/pip install --quiet -e '.[torch]'
	touch $@

$(DOCS): $(INSTALLED)
	$(BIN)/pip install --quiet -e '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) docs/_build .pytest_cache .ruff_cache .mypy_cache
