#!/usr/bin/env bash
# Build the stack once for all stages: `sam build`, packed into build/pipeline/built.tar.gz. Needs no account.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"

sam build --cached --parallel
tar -czf "$KEPT/built.tar.gz" .aws-sam/build .aws-sam/build.toml
