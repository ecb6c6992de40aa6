#!/usr/bin/env bash
# The credential process of the profiles in common.sh: credentials.sh ROLE STACK ACCOUNT REGION prints an hour's
# credentials of a role. Nobody runs it by hand.
#
# ACTIONS_ID_TOKEN_REQUEST_URL, ACTIONS_ID_TOKEN_REQUEST_TOKEN   on GitHub: where the job's own token comes from
# OWN_...                                                        elsewhere: the credentials of whoever runs the step
set -euo pipefail
cd "$(dirname "$0")/../.."

unset AWS_PROFILE AWS_CONFIG_FILE
if [ -n "${OWN_CONFIG_FILE:-}" ]; then export AWS_CONFIG_FILE="$OWN_CONFIG_FILE"; fi
if [ -n "${OWN_PROFILE:-}" ]; then export AWS_PROFILE="$OWN_PROFILE"; fi
if [ -n "${OWN_ACCESS_KEY_ID:-}" ]; then
  export AWS_ACCESS_KEY_ID="$OWN_ACCESS_KEY_ID" AWS_SECRET_ACCESS_KEY="${OWN_SECRET_ACCESS_KEY:-}"
fi
if [ -n "${OWN_SESSION_TOKEN:-}" ]; then export AWS_SESSION_TOKEN="$OWN_SESSION_TOKEN"; fi
exec python -m pipelines credentials "$@"
