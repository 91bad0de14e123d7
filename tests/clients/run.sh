#!/usr/bin/env bash
# Runs every client that generate.sh built against the service at CUTPOINT_URL, with the key in CUTPOINT_KEY where one is
# wanted.
set -euo pipefail
target=$(realpath "${CARGO_TARGET_DIR:-$(dirname "$0")/../../target}")/clients
cd "$(dirname "$0")"

echo "Python"
PYTHONPATH=$target PYTHONDONTWRITEBYTECODE=1 python python/plan.py
echo "TypeScript"
node typescript/build/plan.js
echo "Rust"
"$target/debug/cutpoint-client-test"
