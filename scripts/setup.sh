#!/usr/bin/env bash
# Makes .venv and installs what `make demo` (demo) or everything else (all) needs; called by the Makefile.
#
# PYTHON            the interpreter to use (default: the first of python3.11, 3.12, 3.13, python3 that fits)
# TORCH_INDEX_URL   where PyTorch comes from, such as PyTorch's CPU-only index (default: pip's own index)
set -euo pipefail
cd "$(dirname "$0")/.."

readonly VENV=.venv NEEDED_GB=5

fail() {
  echo "Cannot set up: $1" >&2
  exit 1
}

fits() { # is this a Python that the project runs on?
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

find_python() {
  local candidate
  if [ -n "${PYTHON:-}" ]; then
    fits "$PYTHON" || fail "PYTHON=$PYTHON is not a Python 3.11, 3.12 or 3.13; point PYTHON at one."
    echo "$PYTHON"
    return
  fi
  for candidate in python3.11 python3.12 python3.13 python3; do
    if fits "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  fail "no Python 3.11, 3.12 or 3.13 on PATH (python3 is $(python3 --version 2>&1 | head -n 1)); \
install one or set PYTHON=/path/to/python3.12."
}

check_disk() {
  local free_kb
  free_kb=$(df -Pk . | awk 'NR == 2 {print $4}')
  [ "$free_kb" -ge $((NEEDED_GB * 1024 * 1024)) ] ||
    fail "$((free_kb / 1024 / 1024)) GB of disk are free here, ${NEEDED_GB} GB are needed; free some space."
}

make_venv() {
  local python
  if [ -e "$VENV/bin/python" ]; then
    fits "$VENV/bin/python" || fail "$VENV holds no Python 3.11, 3.12 or 3.13; remove the folder $VENV and try again."
    return
  fi
  python=$(find_python)
  "$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python has no venv module; install it (Debian and Ubuntu: apt install python3-venv)."
  echo "Making the virtual environment $VENV with $("$python" --version) …"
  "$python" -m venv "$VENV" || fail "$python -m venv $VENV failed; see the lines above."
}

install() { # install LOCK...: the locked packages, then the project itself
  local pip=("$VENV/bin/python" -m pip --disable-pip-version-check --quiet) lock locks=()
  for lock in "$@"; do locks+=(--requirement "$lock"); done
  echo "Installing $* (one to five minutes the first time) …"
  # pip would compile on one core; a module that does not compile is one that nothing imports.
  local locked=("${pip[@]}" install --no-compile --no-deps --require-hashes)
  "${locked[@]}" "${locks[@]}" ||
    fail "pip could not install the packages; the lines above say which. Check the network and try again."
  install_torch "${pip[@]}"
  "${pip[@]}" install --no-deps --no-build-isolation --editable . ||
    fail "pip could not install the project; see the lines above."
  "$VENV/bin/python" -m compileall -q -j 0 "$VENV/lib" >/dev/null 2>&1 || true
}

install_torch() { # install_torch PIP...: by hash, or the same version from the index that the user names
  local torch
  torch=$(grep -o '^torch==[^ ]*' requirements-torch.lock)
  "$VENV/bin/python" -c 'import torch' 2>/dev/null && return
  if [ -n "${TORCH_INDEX_URL:-}" ]; then
    echo "Installing $torch from TORCH_INDEX_URL (another build: its files are not in the lock) …"
    "$@" install --no-compile --no-deps --index-url "$TORCH_INDEX_URL" "$torch" ||
      fail "pip found no $torch at TORCH_INDEX_URL=$TORCH_INDEX_URL; correct it or leave it unset."
  elif [ "$(uname -s)" = Linux ] &&
    "$@" install --no-compile --no-deps --require-hashes --requirement requirements-torch-cpu.lock 2>/dev/null; then
    : # a folder of wheels or an index of the user's own had the CPU build
  else
    "$@" install --no-compile --no-deps --require-hashes --requirement requirements-torch.lock ||
      fail "pip could not install $torch; see the lines above."
  fi
  [ "$(uname -s)" = Linux ] || return 0
  if ! "$VENV/bin/python" -c 'import torch' 2>/dev/null; then
    echo "This PyTorch is a CUDA build, which needs several GB more; TORCH_INDEX_URL=<the CPU index> avoids that."
    "$@" install --no-compile --no-deps --require-hashes --requirement requirements-cuda.lock ||
      fail "pip could not install what PyTorch's CUDA build needs; see the lines above."
  fi
}

check_chromium() { # the tests of the page need a browser; nothing else does
  "$VENV/bin/python" scripts/chromium.py >/dev/null ||
    echo "Note: without it the tests in tests/e2e fail; everything else works." >&2
}

case "${1:-}" in
  demo) locks=(requirements.lock) ;;
  all) locks=(requirements.lock requirements-dev.lock) ;;
  *) fail "say what for: scripts/setup.sh demo|all" ;;
esac

check_disk
make_venv
install "${locks[@]}"
touch "$VENV/.ready-demo"
if [ "$1" = all ]; then
  check_chromium
  touch "$VENV/.ready-all"
fi
echo "Set-up done."
