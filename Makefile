# Two commands do everything by themselves: `make demo` runs the whole loop, `make test` passes the tests.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
# The tools of the environment come first, also for `sam build`, which looks for a Python on PATH.
export PATH := $(BIN):$(PATH)
export SAM_CLI_TELEMETRY := 0

# Extra arguments, as in: make demo ARGS="--images DIR --labels labels.json"
ARGS ?=
INPUTS := pyproject.toml $(wildcard requirements*.lock) scripts/setup.sh
PYTHON_CODE := layers functions local cli client reporting training edge scripts benchmarks tests

# A file's tests stay on one process, because they share a stack; the order stays, because the longest come early.
# One process more than there are cores: each waits now and then for the stack that it started.
PROCESSES := $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )))
PARALLEL := --numprocesses=$(PROCESSES) --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

.PHONY: help demo test unit soak check bench docs clean

help: ## Say what can be made
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 15

$(VENV)/.ready-demo: $(INPUTS)
	@scripts/setup.sh demo

$(VENV)/.ready-all: $(INPUTS)
	@scripts/setup.sh all

demo: $(VENV)/.ready-demo ## Run the whole loop on this machine: images, labels, model, device, report
	@sightline demo $(ARGS)

# The processes take the cores already: threads of PyTorch would spin and wait for each other.
test unit: export OMP_NUM_THREADS := 1

test: $(VENV)/.ready-all ## Run the tests: unit, contracts, integration, the page in a browser
	@echo "Running the tests of tests/ (they start the local stack by themselves) …"
	@pytest $(PARALLEL) -m "not slow" $(ARGS)
	@echo "Those that take minutes each were left out; make soak runs them."

soak: $(VENV)/.ready-all ## Run the tests that take minutes each: the loop on photos, kills, restarts, a thousand tasks, a day of a device
	@pytest -m slow $(ARGS)

unit: $(VENV)/.ready-all ## Run the fast tests only
	@pytest $(PARALLEL) -m "not slow" tests/unit tests/contracts $(ARGS)

check: $(VENV)/.ready-all ## Run the linters, the type checker and the validation of template and workflows
	@scripts/check.sh $(PYTHON_CODE)

bench: $(VENV)/.ready-all ## Measure latency, cost, import time and size; results go to benchmarks/results/
	@python -m benchmarks.run $(ARGS)

docs: $(VENV)/.ready-all ## Draw the workflow diagrams anew from the ASL files, and the page of the benchmarks from their results
	@python scripts/draw_workflows.py
	@python scripts/draw_openapi.py
	@python -m benchmarks.page

clean: ## Stop the local stack and remove everything that was made here
	@if [ -x $(BIN)/sightline ] && [ -d .sightline ]; then sightline down; fi
	@rm -rf $(VENV) .sightline .aws-sam report build *.egg-info .coverage htmlcov .pytest_cache .ruff_cache .mypy_cache .hypothesis scripts/page/node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Clean: the virtual environment, the local state and the caches are gone."
