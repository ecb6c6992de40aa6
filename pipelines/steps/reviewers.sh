#!/usr/bin/env bash
# On GitHub: fail unless the environment of a stage asks a person before a job may use it.
#
# ENVIRONMENT                          the environment, such as prod
# GH_TOKEN                             the job's token, with the right to read actions
# GITHUB_API_URL, GITHUB_REPOSITORY    set by GitHub
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"
need ENVIRONMENT

python -m pipelines reviewers "$ENVIRONMENT"
