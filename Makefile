SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --warn-undefined-variables --no-builtin-rules
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
# What CI adds: --reruns 1 (docs/decisions/0042-asked-once-more.md).
RERUNS ?=
# Compiled once, whatever the shell says: else every worker of every target compiles every test anew.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -q $(RERUNS)
# What starts processes is not measured: the lines that matter there run in the other process.
COVERED := --cov --cov-report=
COVERAGE ?=
USERS ?= 20
RATE ?= 5
RUN_TIME ?= 30s
OVERLAY ?= kind
ARGS ?=
LOCK := --generate-hashes --no-annotate --no-header --no-emit-index-url --universal --python-version 3.11
READY := .venv/.ready gen/.ready
# Before what needs a shop: the cluster KUBECONFIG names, the local one that runs, or one that is started and stopped again.
ON_A_MESH = code=0; $(BIN)/argosy status >/dev/null 2>&1 || code=$$?; \
  if [ $$code = 4 ]; then trap '$(BIN)/argosy down' EXIT; $(BIN)/argosy up; fi;

.PHONY: help
help: ## Print every target with one line of help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-15s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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

.PHONY: policy
policy: ready ## Make clients, servers, routes, permissions and a table from services/*/policy.yaml
	@$(BIN)/python -m mesh.policy generate
	@$(BIN)/python -m mesh.objectives generate

.PHONY: ready
ready: $(READY)

# --- the mesh on this machine ------------------------------------------------

.PHONY: demo
demo: ready ## Guided tour on a real Istio mesh that checks itself (stops what it started)
	@$(BIN)/argosy demo $(ARGS)

.PHONY: up
up: ready ## Start the local cluster and wait until every pod is Ready
	@$(BIN)/argosy up

.PHONY: down
down: ready ## Stop the local cluster and everything it started
	@$(BIN)/argosy down

.PHONY: doctor
doctor: ready ## Say what is missing, which ports are taken and what would be skipped
	@$(BIN)/argosy doctor

.PHONY: load
load: programs ## Load test: the gate at an open loop's rate, then Locust's users: make load USERS=20 RUN_TIME=30s
	@mkdir -p reports; $(ON_A_MESH) worst=0; \
	  $(BIN)/argosy load run --for $(RUN_TIME) --json reports/load.json --html reports/load.html || worst=$$?; \
	  $(BIN)/argosy load locust --users $(USERS) --rate $(RATE) --run-time $(RUN_TIME) \
	    --html reports/locust.html --json reports/locust.json || worst=$$?; \
	  exit $$worst

.PHONY: load-ui
load-ui: ready ## Locust's page on http://127.0.0.1:8089
	@$(BIN)/argosy load locust --ui

.PHONY: chaos
chaos: programs ## Every experiment with its verdict, then 500 random kills; writes reports/chaos.html (half an hour)
	@mkdir -p reports; $(ON_A_MESH) worst=0; \
	  $(BIN)/argosy chaos run --all --tries 3 --json reports/chaos.json $(ARGS) || worst=$$?; \
	  $(BIN)/argosy chaos kills --times 500 --json reports/kills.json || worst=$$?; \
	  $(BIN)/argosy chaos report --write docs/failure-modes.md --html reports/chaos.html; \
	  exit $$worst

.PHONY: compare
compare: ready ## The same faults with protection off, by one layer and by both; writes docs/resilience.md (about 8 minutes)
	@$(BIN)/python -m loadtest.compare --json reports/compare.json --write docs/resilience.md

.PHONY: bench
bench: ready ## Measure what the mesh costs; prints a table, writes reports/bench.json
	@$(BIN)/python -m loadtest.bench

# --- the mesh on a Kubernetes cluster ----------------------------------------

.PHONY: deploy
deploy: ready ## Bring the shop to the cluster KUBECONFIG names, and wait: make deploy OVERLAY=kind
	@$(BIN)/argosy deploy $(OVERLAY) $(ARGS)

.PHONY: undeploy
undeploy: ready ## Take it off that cluster, with all it has stored (asks first; not with ARGS=--yes)
	@$(BIN)/argosy undeploy $(ARGS)

# --- checks ------------------------------------------------------------------

.PHONY: test
test: programs ## All tests: unit, integration, crash, and end to end on the real local mesh
	@rm -f .coverage .coverage.*
	@$(MAKE) --no-print-directory test-unit COVERAGE="$(COVERED)"
	@$(MAKE) --no-print-directory test-integration COVERAGE="$(COVERED)"
	@$(BIN)/coverage combine --quiet && $(BIN)/coverage report --skip-covered --sort=cover
	@$(MAKE) --no-print-directory test-processes
	@$(MAKE) --no-print-directory test-end-to-end

.PHONY: programs
programs: ready ## Build Istio, Kubernetes and etcd into the user's cache (about 8 minutes, once)
	@$(BIN)/argosy build
	@$(BIN)/python -m mesh.manifests programs

.PHONY: browser
browser: ready ## Fetch a Chromium into the user's cache where none is installed (seconds, once, no root)
	@$(BIN)/python -m mesh.browser

.PHONY: test-unit
test-unit: programs ## Unit tests, in about a minute
	@COVERAGE_FILE=.coverage.unit $(PYTEST) $(COVERAGE) tests -m "not integration and not processes and not end_to_end and not cluster" -n auto --dist loadfile

.PHONY: test-integration
test-integration: programs ## Whole services on their databases, and the manifests through the real programs
	@COVERAGE_FILE=.coverage.integration $(PYTEST) $(COVERAGE) tests -m "integration and not processes" -n auto --dist loadfile

.PHONY: test-processes
test-processes: programs browser ## Tests that start, kill and flood real processes
	@$(PYTEST) tests -m processes -n auto --dist loadfile

.PHONY: test-end-to-end
test-end-to-end: programs ## Tests on the real local mesh (starts and stops it)
	@$(PYTEST) tests/end_to_end -m "end_to_end and not proof"

.PHONY: canary-simulation
canary-simulation: ready ## Compare the canary's judge with simpler rules over 4000 runs; writes docs/canary-statistics.md (3 minutes)
	@$(BIN)/python -m mesh.canary.simulation --write docs/canary-statistics.md $(ARGS)

.PHONY: canary-proof
canary-proof: programs ## Everything a canary promises, shown on one local mesh under load: verdicts, kills, drift, accidents
	@$(BIN)/python -m pytest -v --no-header tests/end_to_end/canary $(ARGS)

.PHONY: chaos-proof
chaos-proof: programs ## What experiments themselves promise: five protections taken away, killed runners, the guide as typed
	@$(BIN)/python -m pytest -v --no-header tests/end_to_end/chaos $(ARGS)

.PHONY: test-cluster
test-cluster: ready ## The end-to-end tests and what only nodes show, on the cluster KUBECONFIG names (about 20 minutes)
	@if [ -z "$${KUBECONFIG:-}" ]; then echo "KUBECONFIG names no cluster; see docs/kubernetes.md for how to make one" >&2; exit 2; fi
	@$(BIN)/python -m pytest -q tests/end_to_end tests/cluster -m "(end_to_end and not proof) or cluster" $(ARGS)

.PHONY: fuzz
fuzz: ready ## Random requests to every RPC and route, another seed each time: FUZZ_EXAMPLES=1000 FUZZ_SEED=1
	@seed=$${FUZZ_SEED:-$$RANDOM}; echo "FUZZ_SEED=$$seed"; \
	  FUZZ_SEED=$$seed FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-1000} $(BIN)/python -m pytest -q tests/fuzz -n auto --dist load

.PHONY: check
check: programs ## ruff, mypy strict, buf lint and breaking changes, policies, manifests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/buf lint
	@$(BIN)/buf format --diff --exit-code protos
	@$(BIN)/python -m protos.breaking
	@$(BIN)/python -m mesh.policy check
	@$(BIN)/python -m mesh.policy lint
	@$(BIN)/python -m mesh.objectives check
	@$(BIN)/python -m mesh.manifests check

.PHONY: format
format: ready ## Format Python and the contracts
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/buf format --write protos

.PHONY: lock
lock: ready ## Write the hash-locked requirements anew from pyproject.toml
	@$(BIN)/uv pip compile --quiet pyproject.toml $(LOCK) -o requirements.txt
	@$(BIN)/uv pip compile --quiet pyproject.toml --extra tools --extra load $(LOCK) -o requirements-tools.txt
	@$(BIN)/uv pip compile --quiet pyproject.toml --extra dev $(LOCK) -o requirements-dev.txt

.PHONY: mutation
mutation: ready ## Would a test notice? Each line of mesh/resilience changed or deleted; writes docs/mutation.md
	@$(BIN)/python -m tests.mutation

.PHONY: pictures
pictures: browser ## Pictures of the shop's pages, from a real browser; writes docs/pictures/*.png
	@$(BIN)/python -m tests.browser.pictures

.PHONY: image
image: ready ## One container image for every service, one with the tools: TAG=dev PLATFORM=linux/amd64,linux/arm64
	@$(BIN)/python -m mesh.image build

.PHONY: sbom
sbom: ready ## Bills of materials of both images, as CycloneDX: reports/sbom-services.cdx.json, reports/sbom-tools.cdx.json
	@$(BIN)/python -m mesh.image sbom

.PHONY: clean
clean: ## Stop the cluster and remove everything made here (not the user's cache of built programs)
	@if [ -x $(BIN)/argosy ]; then $(BIN)/argosy down; fi
	@rm -rf .venv gen .argosy reports .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis
