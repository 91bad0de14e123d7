#!/usr/bin/env bash
# Installs the runner into the virtual environment $VENV (runner/.venv if unset), makes it if needed, and runs all tests.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check ".[test]"
# Most of the time goes into starting processes that wait for each other, so files of tests run beside each other.
"$venv/bin/cutpoint-runner" --version
printf '%s\n' survival restarts refusals stage_command sink_command answers summary rendezvous reading stage_loop memory |
  xargs -P 3 -I '{}' "$venv/bin/python" -m unittest 'tests.test_{}'
