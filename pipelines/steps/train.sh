#!/usr/bin/env bash
# Start a training of the deployed code with the hyperparameters of the commit. The deployment has the training image
# built; a training that comes before it waits for it. Writes build/pipeline/execution.
#
# HYPERPARAMETERS   a JSON file; default: pipelines/hyperparameters.json
# and the variables of common.sh. Takes the role `deploy`.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"
in_account

as deploy python -m pipelines train "${HYPERPARAMETERS:-pipelines/hyperparameters.json}" >"$KEPT/execution"
cat "$KEPT/execution"
