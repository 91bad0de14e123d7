#!/usr/bin/env bash
# Installs the runner into the virtual environment $VENV (runner/.venv if unset), makes it if needed, and runs all tests.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check ".[test]"
"$venv/bin/cutpoint-runner" --version
# Most of the time goes into starting processes that wait for each other, so files of tests run beside each other.
basename --suffix .py tests/test_*.py | xargs -P 3 -I '{}' "$venv/bin/python" -m unittest 'tests.{}'
