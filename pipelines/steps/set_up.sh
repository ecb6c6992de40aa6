#!/usr/bin/env bash
# Set up what the other steps run with: the project's environment, with `sightline` and the AWS SAM command line.
#
# TORCH_INDEX_URL   where PyTorch comes from, such as PyTorch's CPU index; default: pip's own index
set -euo pipefail
cd "$(dirname "$0")/../.."
exec scripts/setup.sh demo
