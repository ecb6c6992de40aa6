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
PYTHON_CODE := layers functions local cli client pipelines reporting training edge scripts benchmarks tests

# A file's tests stay on one process, because they share a stack; the order stays, because the longest come early.
# One process more than there are cores: each waits now and then for the stack that it started.
PROCESSES := $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )))
PARALLEL := --numprocesses=$(PROCESSES) --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

.PHONY: help demo test unit soak coverage check fix bench template docs lock clean

help: ## Show this text
	@echo "Sightline. Start with: make demo (see it run), then make unit (is my change right?), then make check."
	@echo "Each target sets up what it needs in .venv first (one to three minutes, 5 GB of disk, a network);"
	@echo "Python 3.11, 3.12 or 3.13 is the only thing that must be there. Times are for two cores."
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo 'Arguments: make demo ARGS="--images DIR --labels labels.json", make unit ARGS="-k gate -x"'

$(VENV)/.ready-demo: $(INPUTS)
	@scripts/setup.sh demo

$(VENV)/.ready-all: $(INPUTS)
	@scripts/setup.sh all

##@ See it run

demo: $(VENV)/.ready-demo ## Run the whole loop here: images, labels, model, device, report (4 minutes)
	@sightline demo $(ARGS)

##@ Change it

# The processes take the cores already: threads of PyTorch would spin and wait for each other.
test unit: export OMP_NUM_THREADS := 1

test: $(VENV)/.ready-all ## Run all tests but the longest: unit, contracts, stack, page in Chromium (10 minutes)
	@echo "Running the tests of tests/ (they start the local stack by themselves) …"
	@pytest $(PARALLEL) -m "not slow" $(ARGS)
	@echo "Those that take minutes each were left out; make soak runs them."

soak: $(VENV)/.ready-all ## Run the tests that take minutes each: kills, restarts, a day of a device (30 minutes)
	@pytest -m slow $(ARGS)

unit: $(VENV)/.ready-all ## Run the fast tests: unit and contracts (3 minutes)
	@pytest $(PARALLEL) -m "not slow" tests/unit tests/contracts $(ARGS)

check: $(VENV)/.ready-all ## Run all linters and type checkers, and validate template and workflows (2 minutes)
	@scripts/check.sh $(PYTHON_CODE)

fix: $(VENV)/.ready-all ## Mend what the linters can: order of imports, format, white space (seconds)
	@ruff check --fix $(PYTHON_CODE)
	@ruff format $(PYTHON_CODE)
	@scripts/check_text.sh --fix

##@ Measure and remake

coverage: export OMP_NUM_THREADS := 1

coverage: $(VENV)/.ready-all ## Measure branch coverage of `make test`; fails below the threshold (8 minutes)
	@mkdir -p build
	@pytest $(PARALLEL) -m "not slow" \
	  --cov --cov-report=json:build/coverage.json --cov-report=html $(ARGS)
	@python scripts/coverage_page.py build/coverage.json

bench: $(VENV)/.ready-all ## Measure latency, cost, import time and size (an hour; one by name: ARGS="detector")
	@python -m benchmarks.run $(ARGS)

template: $(VENV)/.ready-all ## Join the parts of infra/ and pipelines/ to templates (seconds)
	@python scripts/join_template.py

docs: $(VENV)/.ready-all ## Make the generated pages anew, and build the documentation into site/ (seconds)
	@scripts/docs.sh

lock: $(VENV)/.ready-all ## Lock every package by hash, after a change of versions (seconds; ARGS=--upgrade: newest)
	@python scripts/lock.py $(ARGS)

clean: ## Stop the local stack and remove what was made here, .venv too (seconds)
	@if [ -x $(BIN)/sightline ] && [ -d .sightline ]; then sightline down --yes; fi
	@rm -rf $(VENV) .sightline .aws-sam report build *.egg-info .coverage htmlcov
	@rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis scripts/page/node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Clean: the virtual environment, the local state and the caches are gone."
