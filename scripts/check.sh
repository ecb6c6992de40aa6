#!/usr/bin/env bash
# Every check that needs no running stack, one after the other; called by `make check` with the folders of Python code.
set -euo pipefail
cd "$(dirname "$0")/.."
# sam and cfn-lint ask for a region, whichever it is; nothing here calls AWS.
export AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-eu-central-1}"

step() {
  echo "== $*"
  "$@"
}

step ruff check "$@"
step ruff format --check "$@"
step scripts/check_text.sh
step python scripts/check_sizes.py
step python scripts/coverage_page.py --check
step python scripts/import_all.py
step lint-imports
step mypy layers/sightline/sightline functions cli client pipelines reporting local edge training scripts benchmarks
step python scripts/check_page.py
step python scripts/join_template.py --check
step sam validate --lint
step cfn-lint template.yaml pipelines/*.yaml
step python scripts/check_asl.py
step python scripts/check_accepted.py
step scripts/docs.sh --check
step pytest -q --no-header --durations=0 tests/contracts
echo "All checks passed."
