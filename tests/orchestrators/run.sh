#!/usr/bin/env bash
# Runs the adapters of examples/orchestrators against stand-ins of their orchestrators and the service at CUTPOINT_URL. Needs the
# Python client that tests/clients/generate.sh makes.
set -euo pipefail
target=$(realpath "${CARGO_TARGET_DIR:-$(dirname "$0")/../../target}")/clients
cd "$(dirname "$0")"
adapters=../../examples/orchestrators

[[ -d $target/cutpoint_client ]] || {
  printf 'FAILED: %s/cutpoint_client is missing; tests/clients/generate.sh makes it\n' "$target" >&2
  exit 1
}
for file in "$adapters"/*.py; do
  [[ $(wc -l <"$file") -le 250 ]] || {
    printf 'FAILED: %s has more than 250 lines\n' "$file" >&2
    exit 1
  }
done
export PYTHONPATH=$target:$(realpath "$adapters") PYTHONDONTWRITEBYTECODE=1
python nodes.py
python life.py kubernetes nomad
