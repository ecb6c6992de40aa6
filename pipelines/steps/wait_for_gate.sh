#!/usr/bin/env bash
# Wait until the gate has judged the model of train.sh; fail when it rejects it. Writes the model's version to
# build/pipeline/model_version, and nothing where there was nothing new to train.
#
# HYPERPARAMETERS   as for train.sh
# and the variables of common.sh. Takes the role `deploy`.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"
in_account

as deploy python -m pipelines gate "${HYPERPARAMETERS:-pipelines/hyperparameters.json}" \
  "$(cat "$KEPT/execution")" "$KEPT/model_version" | summary
if [ -n "${GITHUB_OUTPUT:-}" ]; then echo "version=$(cat "$KEPT/model_version")" >>"$GITHUB_OUTPUT"; fi
