#!/usr/bin/env bash
# Show what a release would change: ask `sightline doctor` whether the account is ready for it, upload the built code,
# and make the change set. Changes nothing of the stack.
#
# BUILT_TEMPLATE   the template that `sam build` made; default: .aws-sam/build/template.yaml, taken from
#                  build/pipeline/built.tar.gz where build.sh ran on another machine
# PARAMETERS       NAME=VALUE words that replace those of the stack's profile in samconfig.toml; default: none
# and the variables of common.sh. Takes the role `plan`.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/common.sh"
in_account

built="${BUILT_TEMPLATE:-.aws-sam/build/template.yaml}"
if [ ! -f "$built" ]; then tar -xzf "$KEPT/built.tar.gz"; fi
bucket="pipeline-$STACK-$ACCOUNT-$AWS_REGION"
packed="$KEPT/$STACK.yaml"

as plan sightline --stack "$STACK" doctor --before
as plan sam package --template-file "$built" --s3-bucket "$bucket" --s3-prefix code \
  --output-template-file "$packed" --region "$AWS_REGION" >"$KEPT/package.log" 2>&1 || {
  tail -n 20 "$KEPT/package.log" >&2
  exit 1
}
as plan python -m pipelines plan "$RELEASE" "$packed" | summary
