#!/usr/bin/env bash
# Spelling, white space, ends of files, syntax of YAML, JSON and TOML, large files, private keys, shell scripts,
# GitHub's workflows.
# With --fix the white space and the ends of files are mended; without, a file that would change fails.
set -euo pipefail
cd "$(dirname "$0")/.."

text() { git ls-files --cached --others --exclude-standard -- "$@" ':!*.png' ':!*.jpg' | while read -r file; do
  if [ -f "$file" ]; then printf '%s\0' "$file"; fi
done; }
run() { xargs -0 "$@"; }

if [ "${1:-}" = --fix ]; then
  text | run trailing-whitespace-fixer || true
  text | run end-of-file-fixer || true
  exit 0
fi

wrong=$(text | run grep -lIE '[[:blank:]]+$' || true)
[ -z "$wrong" ] || { echo "white space at ends of lines (make fix mends it): $wrong" >&2; exit 1; }
text | while read -r -d '' file; do
  [ ! -s "$file" ] || [ -z "$(tail -c 1 "$file")" ] || {
    echo "$file: no new line at its end (make fix mends it)" >&2
    exit 1
  }
done
text | run codespell
# The parts of the template have abbreviations that are no YAML; the template that they make is checked.
text '*.yaml' '*.yml' ':!infra/' ':!pipelines/bootstrap/' \
  ':!pipelines/codepipeline/' | run check-yaml --unsafe # CloudFormation's tags; the files are only parsed
text '*.json' | run check-json
text '*.toml' | run check-toml
text | run check-added-large-files --enforce-all --maxkb=500
text | run detect-private-key
text '*.sh' .ci/run | run shellcheck --external-sources
if [ -d .github/workflows ]; then actionlint .github/workflows/*.yml; fi
