# fxsim: every target sets itself up in .venv. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOWEST := .venv-lowest
MODEL := models/digits/digits_cnn.tflite
IMAGES := models/digits/x_eval.npy
LABELS := models/digits/y_eval.npy
PYTEST := $(BIN)/python -m pytest -q

.PHONY: help demo test test-nojit test-bounds test-lowest fuzz nightly rtl-nightly mutation certify lint types contracts notebooks bench warm ci clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/demo.ok: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[plot,waves]'
	@touch $@

$(VENV)/test.ok: $(VENV)/demo.ok
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@

$(VENV)/oracles.ok: $(VENV)/test.ok
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[oracles,rtl,synthesis]'
	@touch $@

demo: $(VENV)/demo.ok ## run our CNN on real images: accuracy, golden comparison, cycles, energy
	$(BIN)/fxsim run $(MODEL) --hw edge-16x16 --input $(IMAGES) --labels $(LABELS)

test: $(VENV)/oracles.ok ## the whole test suite, compiled kernels
	$(PYTEST) -n 2

test-nojit: $(VENV)/test.ok ## the suite with interpreted kernels (slow tests left out, and those of hardware, harness, viewers and reports)
	NUMBA_DISABLE_JIT=1 HYPOTHESIS_PROFILE=few $(PYTEST) -n 2 -m "not slow and not oracle" $(addprefix --ignore tests/,rtl testing waves report)

test-bounds: $(VENV)/test.ok ## kernels and executor with array bounds checks
	NUMBA_BOUNDSCHECK=1 HYPOTHESIS_PROFILE=few $(PYTEST) -n 2 tests/numerics tests/kernels tests/sim -m "not oracle"

test-lowest: ## the suite on the lowest admitted versions of the dependencies (slow tests left out)
	@test -x $(LOWEST)/bin/python || $(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install -q --disable-pip-version-check -e '.[test]' -c tests/lowest.txt
	HYPOTHESIS_PROFILE=few $(LOWEST)/bin/python -m pytest -q -n 2 -m "not slow and not oracle" --ignore tests/fuzz

fuzz: $(VENV)/test.ok ## 20,000 mutations of files and programs
	FXSIM_FUZZ_MUTATIONS=20000 $(PYTEST) tests/fuzz

nightly: $(VENV)/oracles.ok fuzz rtl-nightly ## fuzzing, co-simulation and property tests at 20,000 examples each (hours)
	HYPOTHESIS_PROFILE=nightly $(PYTEST) -n 2 tests/numerics tests/isa tests/lowering tests/sim tests/kernels tests/energy

rtl-nightly: $(VENV)/oracles.ok ## the SystemVerilog on 10,000 programs, and every fault planted in it (hours)
	HYPOTHESIS_PROFILE=nightly $(PYTEST) -n 2 tests/rtl

mutation: $(VENV)/test.ok ## faults planted in numerics, kernels and the timing model, 300 each: at least 90 % must be seen (hours)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[mutation]'
	@for part in numerics kernels timing; do $(BIN)/python -m tests.mutation $$part --sample 300 --jobs 2 || exit 1; done

certify: $(VENV)/oracles.ok ## profiles against the real runtimes
	$(BIN)/fxsim certify

lint: $(VENV)/test.ok ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test.ok ## mypy --strict
	$(BIN)/mypy

contracts: $(VENV)/test.ok ## layer contracts
	$(BIN)/lint-imports

notebooks: $(VENV)/demo.ok ## execute every notebook; UPDATE=--update stores the outputs
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[notebooks]'
	$(BIN)/python notebooks/execute.py $(UPDATE)

bench: $(VENV)/oracles.ok ## speed beside LiteRT's reference resolver; width sweeps; cycles of all networks and presets, and beside Gemmini's RTL
	$(BIN)/python -m tests.bench.bench
	@for part in widths compare mobilenet presets gemmini; do echo; $(BIN)/python -m tests.bench.$$part || exit 1; done

ci: ## what continuous integration runs
	bash .ci/run

clean: ## remove the environment and everything generated
	rm -rf $(VENV) $(LOWEST) build dist output *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
