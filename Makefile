# make demo    set up, run the quickstart, say where its results lie
# make test    set up, and pass everything that CI checks
# make torture the long versions of the tests of faults, with their figures (docs/reliability.md)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# For another build of torch, e.g. TORCH_INDEX=https://download.pytorch.org/whl/cpu (see README).
ifdef TORCH_INDEX
TORCH_FLAGS := --index-url $(TORCH_INDEX)
endif

.PHONY: demo test torture setup bench docs reference screenshots clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "regbench needs Python 3.11 or later; name one with make PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check $(TORCH_FLAGS) $$(grep '^torch==' constraints.txt)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: setup
	$(BIN)/regbench run configs/quickstart.yaml
	@echo
	@echo "The tables lie in results/quickstart/: gap.md to read, gap.csv, runs.csv and epochs.csv to compute with."

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --durations=10

torture: setup
	$(BIN)/python -m pytest -m "torture or fuzz" -n 0 --hypothesis-profile torture
	$(BIN)/python tests/mutations.py

bench: setup
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python benchmarks/peers.py
	$(BIN)/python benchmarks/parts.py
	$(BIN)/python benchmarks/convnets.py
	$(BIN)/python benchmarks/stacking.py
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/tables.py
	$(BIN)/python benchmarks/real_tables.py
	$(BIN)/python benchmarks/growth.py
	$(BIN)/python benchmarks/large.py
	$(BIN)/python benchmarks/ray_scaling.py
	$(BIN)/python benchmarks/gpu.py

docs: setup
	$(BIN)/python docs/generate.py

reference: setup
	$(BIN)/python docs/reference.py

screenshots: setup
	$(BIN)/python docs/screenshots.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
