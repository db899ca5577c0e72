# Everything goes through .venv; `make install` needs only Python 3.11+ and a package registry.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# The first of these that is 3.11 or newer and can make a virtual environment. The system's own come first: they are
# built with profiles (PGO) and faster than what version managers build by default.
PYTHON ?= $(shell for candidate in /usr/bin/python3.13 /usr/bin/python3.12 /usr/bin/python3.11 \
	python3.13 python3.12 python3.11 python3.14 python3 python; do \
	"$$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo "$$candidate"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PROCESSES ?= auto

.PHONY: help install demo serve test faults lint bench openapi lock clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Make .venv from requirements.lock; .venv/bin/lepta is the command

$(INSTALLED): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Lepta needs Python 3.11 or newer, with venv (Debian: python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(INSTALLED) ## Post a day of real baskets, show receipts and balances, verify everything
	$(BIN)/lepta demo

serve: $(INSTALLED) ## Run the service on http://127.0.0.1:8000
	$(BIN)/lepta serve

test: $(INSTALLED) ## Run every test
	$(BIN)/pytest -n $(PROCESSES) --dist worksteal

faults: $(INSTALLED) ## Kill, cut, stall and fill everything, then ROUNDS faults drawn from SEED (100 from 1)
	LEPTA_FAULT_ROUNDS=$(or $(ROUNDS),100) LEPTA_FAULT_SEED=$(or $(SEED),1) $(BIN)/pytest -rA tests/faults/test_faults.py

lint: $(INSTALLED) ## Check style, types, import contracts and the Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

bench: $(INSTALLED) ## Measure against pgbench in the same run
	$(BIN)/lepta bench

openapi: $(INSTALLED) ## Write openapi/lepta.json anew
	$(BIN)/lepta openapi openapi/lepta.json

lock: $(INSTALLED) ## Resolve requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --all-extras \
		--no-header --no-annotate --no-emit-index-url --output-file requirements.lock pyproject.toml

clean: ## Remove .venv and caches
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
