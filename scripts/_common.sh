# What the scripts share: the environment in .venv, made when missing and renewed when setup.cfg changed.
# Sourced, not run; leaves the shell in the project's directory.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

say() { printf '%s\n' "$*" >&2; }

find_python() {
  local name
  for name in "${PYTHON:-}" python3.14 python3.13 python3.12 python3.11 python3 python; do
    [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 || continue
    if "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      command -v "$name"
      return
    fi
  done
  say "Python 3.11 or newer with its venv module is needed; install it (on Debian and Ubuntu: apt-get install python3 python3-venv)."
  return 1
}

# make_environment EXTRAS: the virtual environment with the project in it, such as `make_environment [dev]`.
make_environment() {
  local extras=$1 stamp=.venv/touchline-installed python wanted out
  # An environment holds absolute paths: one that was moved with its clone is made anew.
  if ! .venv/bin/python -c '' 2>/dev/null || [ "$(cat .venv/touchline-home 2>/dev/null || pwd)" != "$(pwd)" ]; then
    python=$(find_python) || exit 1
    say "Making the environment in .venv (once)..."
    rm -rf .venv
    "$python" -m venv .venv || exit 1
  fi
  pwd > .venv/touchline-home
  wanted=$(cat setup.cfg pyproject.toml | .venv/bin/python -c '
import hashlib, sys
print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest(), *sys.version_info[:3])') || exit 1
  # One that has the extras as well serves who needs none.
  if grep -qF -- "$wanted:$extras" "$stamp" 2>/dev/null; then
    return
  fi
  say "Installing Touchline$extras into .venv..."
  if ! out=$(.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".$extras" 2>&1); then
    say "$out"
    say "The installation failed; the lines above say why."
    exit 1
  fi
  printf '%s\n' "$wanted:$extras" > "$stamp"
}
