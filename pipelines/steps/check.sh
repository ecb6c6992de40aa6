#!/usr/bin/env bash
# Lint and test the commit.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec .ci/run
