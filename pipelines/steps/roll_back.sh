#!/usr/bin/env bash
# Give the stack the template and the parameters of the release that passed its checks last. Data stays as it is.
#
# Takes the variables of common.sh, and the role `deploy`.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"
in_account

as deploy python -m pipelines roll-back | summary
