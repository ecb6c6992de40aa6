#!/usr/bin/env bash
# Carry a model to another stack, whose gate judges it again and where a person approves it on the page.
#
# MODEL_VERSION    the model's version in STACK; empty or `none`: nothing is promoted
# TO_STACK         the stack that gets it
# TO_ACCOUNT       the number of its account
# TO_AWS_REGION    its region; default: AWS_REGION
# WITH_TEST_SET    `true` judges it on the test set that it was judged on in STACK; default: on that stack's own
# and the variables of common.sh. Takes the role `read` of STACK, and `deploy` of TO_STACK.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"
in_account

if [ "${MODEL_VERSION:-none}" = none ]; then
  echo "Nothing to promote: no model was accepted in $STACK."
  exit 0
fi
need TO_STACK TO_ACCOUNT
region="${TO_AWS_REGION:-$AWS_REGION}"
options=()
if [ "${WITH_TEST_SET:-}" = true ]; then options+=(--with-test-set); fi
if [ "${SIGN_IN:-}" = none ]; then
  sightline --stack "$STACK" models promote "$MODEL_VERSION" --to "$TO_STACK" --to-region "$region" "${options[@]}"
else
  profile from read "$STACK" "$ACCOUNT" "$AWS_REGION"
  profile to deploy "$TO_STACK" "$TO_ACCOUNT" "$region"
  with_profiles sightline --profile from --stack "$STACK" models promote "$MODEL_VERSION" \
    --to "$TO_STACK" --to-profile to --to-region "$region" "${options[@]}"
fi
