#!/usr/bin/env bash
# Check what was deployed: `sightline doctor`, and `sightline verify` on a stack that has no data yet. A release that
# passes is the one that a later roll-back goes back to.
#
# VERIFY   `false` leaves the loop out; default: it runs where the stack is empty
# and the variables of common.sh. Takes the role `deploy`.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"
in_account

as deploy sightline --stack "$STACK" doctor
if [ "${VERIFY:-}" != false ]; then
  code=0
  reason="$(as deploy python -m pipelines is-empty)" || code=$?
  case "$code" in
    0) as deploy sightline --stack "$STACK" verify --report "$KEPT/report" ;;
    3) echo "Not verified: $reason" | summary ;;
    *) exit "$code" ;;
  esac
fi
as deploy python -m pipelines good "$RELEASE"
