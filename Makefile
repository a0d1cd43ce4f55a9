SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --warn-undefined-variables --no-builtin-rules
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
USERS ?= 20
RATE ?= 5
RUN_TIME ?= 30s
READY := .venv/.ready gen/.ready

.PHONY: help
help: ## Print every target with one line of help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-10s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- what every target needs ------------------------------------------------

.venv/.ready: requirements-dev.txt pyproject.toml
	@echo "installing Python packages into .venv (about a minute the first time)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -m venv .venv || { echo "python venv is missing; on Debian: apt-get install python3-venv" >&2; exit 2; }
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	@mkdir -p gen && $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

gen/.ready: .venv/.ready $(shell find protos -name '*.proto') protos/generate.py protos/go.mod
	@echo "making Python code from protos/"
	@$(BIN)/python -m protos.generate
	@touch $@

.PHONY: protos
protos: gen/.ready ## Make Python code from the contracts
