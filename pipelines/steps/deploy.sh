#!/usr/bin/env bash
# Execute the change set that plan.sh made for this release. CloudFormation takes it back by itself when a resource
# fails, or when an alarm goes off until ten minutes after the update; the step then fails and says why.
#
# Takes the variables of common.sh, and the role `deploy`.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"
in_account

as deploy python -m pipelines deploy "$RELEASE"
