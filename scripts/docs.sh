#!/usr/bin/env bash
# Makes the generated pages of docs/ anew (`--check`: fails where one is out of date), and builds the site into site/.
set -euo pipefail
cd "$(dirname "$0")/.."

for page in draw_workflows draw_openapi draw_commands draw_parameters draw_records draw_decisions draw_costs; do
  python -m "scripts.$page" "$@"
done
python -m benchmarks.page "$@"
python scripts/check_prose.py
zensical build --clean --strict --config-file mkdocs.yml
python scripts/check_site.py
