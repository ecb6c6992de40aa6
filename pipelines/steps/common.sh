# shellcheck shell=bash
# What the steps share; they source it. The variables of every step that works in an account:
#
# STACK        the stack's name, such as sightline-dev
# ACCOUNT      the number of its account; pipelines/bootstrap.yaml was deployed there for this stack
# AWS_REGION   its region
# RELEASE      what is released; default: the commit
# SIGN_IN      `none` takes the credentials that are there, for a person who runs a step by hand; default: a role
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
cd "$ROOT" || exit 1
export PATH="$ROOT/.venv/bin:$PATH" PYTHONPATH="$ROOT:$ROOT/layers/sightline" SAM_CLI_TELEMETRY=0
KEPT="$ROOT/build/pipeline" # what a step leaves for the next one
mkdir -p "$KEPT"

need() { # need NAME...: end with one line when a variable is not set
  local name
  for name in "$@"; do
    if [ -z "${!name:-}" ]; then
      echo "$(basename "$0"): set $name; the heads of this step and of common.sh say what it is" >&2
      exit 2
    fi
  done
}

in_account() { # what every step that works in an account starts with
  need STACK ACCOUNT AWS_REGION
  export STACK ACCOUNT AWS_REGION AWS_DEFAULT_REGION="$AWS_REGION"
  RELEASE="${RELEASE:-$(git rev-parse HEAD)}"
  PROFILES="$(mktemp)" # names processes that give credentials, and holds none
  trap 'rm -f "$PROFILES"' EXIT
}

profile() { # profile NAME ROLE STACK ACCOUNT REGION: an AWS profile with a role of that stack's bootstrap
  printf '[profile %s]\nregion = %s\ncredential_process = bash "%s" %s %s %s %s\n\n' \
    "$1" "$5" "$ROOT/pipelines/steps/credentials.sh" "$2" "$3" "$4" "$5" >>"$PROFILES"
}

as() { # as ROLE COMMAND...: run a command with the role `plan` or `deploy` of the stack
  local role="$1"
  shift
  if [ "${SIGN_IN:-}" = none ]; then
    "$@"
    return
  fi
  grep -q "^\[profile $role\]" "$PROFILES" || profile "$role" "$role" "$STACK" "$ACCOUNT" "$AWS_REGION"
  with_profiles env AWS_PROFILE="$role" "$@"
}

with_profiles() { # keys in the environment would win over a profile, so credentials.sh gets them under other names
  env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY -u AWS_SESSION_TOKEN \
    OWN_ACCESS_KEY_ID="${AWS_ACCESS_KEY_ID:-}" OWN_SECRET_ACCESS_KEY="${AWS_SECRET_ACCESS_KEY:-}" \
    OWN_SESSION_TOKEN="${AWS_SESSION_TOKEN:-}" OWN_PROFILE="${AWS_PROFILE:-}" OWN_CONFIG_FILE="${AWS_CONFIG_FILE:-}" \
    AWS_CONFIG_FILE="$PROFILES" "$@"
}

summary() { # show what comes on standard input, on the page of the run where there is one
  tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}"
}
