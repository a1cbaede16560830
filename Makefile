# Each target prepares .venv by itself (.ci/setup: milliseconds when it is ready) and is quiet about what works.
# SETUP_VENV=folder takes another place than .venv, with PYTHON=/path/to/python for what lies there.
SHELL := /bin/sh
.DEFAULT_GOAL := help
SETUP_VENV ?= .venv
export SETUP_VENV
BIN := $(SETUP_VENV)/bin

# Without their bytecode the libraries take two to four times as long to import.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo dev test test-fast test-smoke check lint lakehouse lakehouse-down test-lakehouse k8s k8s-down test-k8s emulator schemas bench wheel clean help ready

demo: ready ## the whole platform once, offline: sandbox, runs, verdicts, status page
	@OSO_WORLD=sandbox $(BIN)/oso demo

dev: ready ## Dagster in the browser, with schedules and sensors running, on the sandbox
	@OSO_WORLD=sandbox exec $(BIN)/oso dev

test: lint ## lint, and every test
	@$(BIN)/pytest

test-fast: ready ## the tests that need no server, no browser and no minutes: a quarter of the time
	@$(BIN)/pytest -m "not server and not browser and not slow"

SMOKE := tests/domain tests/reliability tests/warehouse tests/test_definitions.py tests/sources/test_catalogue.py \
	tests/sources/test_l2beat.py tests/connectors/test_git.py tests/sandbox/upstreams

test-smoke: ready ## what CI runs on a second Python beside the demo: rules, stores, definitions, catalogue, a source end to end
	@$(BIN)/pytest -m "not slow and not browser" -k "not postgresql" $(SMOKE)

check: ready ## one changed file: style, types, the tests nearest to it (ONLY=path), in seconds
	@$(BIN)/python .ci/check.py $(ONLY) $(SECONDS)

lint: ready ## style, types, who may import whom, and the picture of it
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { $(BIN)/ruff format --check .; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@output=$$($(BIN)/lint-imports --no-logo) || { printf '%s\n' "$$output"; exit 1; }
	@$(BIN)/python .ci/rooms.py --check

lakehouse: ready ## start PostgreSQL and two Trinos on loopback, for OSO_PROFILE=lakehouse: prints where they are
	@$(BIN)/python .ci/lakehouse up

lakehouse-down: ready ## end these servers, with all that they stored
	@$(BIN)/python .ci/lakehouse down

test-lakehouse: export OSO_HOME := .cache/test-lakehouse
test-lakehouse: export LAKEHOUSE_HOME := .cache/test-lakehouse
test-lakehouse: ready ## the tests on real Trino: starts the servers in a home of their own, and ends them
	@rm -rf .cache/test-lakehouse
	@$(BIN)/python .ci/lakehouse up
	@status=0; $(BIN)/pytest -n 0 tests/lakehouse || status=$$?; OSO_WORLD=sandbox $(BIN)/oso sandbox down >/dev/null; \
		$(BIN)/python .ci/lakehouse down; exit $$status

k8s: ready ## start a Kubernetes without nodes on loopback, with Flux: what test-k8s runs on
	@$(BIN)/python .ci/k8s up

k8s-down: ready ## end it, with all that it stored
	@$(BIN)/python .ci/k8s down

test-k8s: export OSO_HOME := .cache/test-k8s
test-k8s: export K8S_HOME := .cache/test-k8s
test-k8s: ready ## the tests on a real control plane: builds it once, starts it in a home of its own, and ends it
	@rm -rf .cache/test-k8s
	@$(BIN)/python .ci/k8s up
	@status=0; $(BIN)/pytest -n 0 tests/k8s || status=$$?; $(BIN)/python .ci/k8s down; exit $$status

emulator: ready ## install the BigQuery emulator that some tests start (in .cache)
	@$(BIN)/python .ci/emulator.py

schemas: ready ## fetch the schemas of GitHub's APIs that some tests compare with (in .cache)
	@$(BIN)/python .ci/schemas.py

bench: ready ## how fast it is, against named baselines (ONLY="name …" for some; BASE=commit: an earlier one beside)
	@BENCH_BASE=$(BASE) $(BIN)/python -m tests.bench.run $(ONLY)

wheel: ready ## the SQLMesh bridge as a package of its own, dagster-sqlmesh-assets (in .cache/dist)
	@mkdir -p .cache && cd .bridge && ../$(BIN)/hatchling build -t wheel -d ../.cache/dist >../.cache/wheel.log 2>&1 || { cat ../.cache/wheel.log >&2; exit 1; }
	@ls -t .cache/dist/*.whl | head -n 1

clean: ## remove .venv, .oso and every cache; ends a running sandbox first
	@if [ -x $(BIN)/oso ]; then OSO_WORLD=sandbox OSO_HOME=.oso $(BIN)/oso sandbox down >/dev/null 2>&1 || true; fi
	@if [ -e .oso/sandbox-world/endpoints.json ]; then \
		echo "clean: the sandbox still runs: end it (oso sandbox down), or remove .oso/sandbox-world/endpoints.json" >&2; exit 1; fi
	@rm -rf .venv .oso .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache tests/artifacts sqlmesh_project/.cache sqlmesh_project/logs
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

ready:
	@.ci/setup
