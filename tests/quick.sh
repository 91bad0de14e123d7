#!/usr/bin/env bash
# The day's loop: formatting, lints of all crates, and the tests of one.
#
#   bash tests/quick.sh [planner|import|export|onnx|bench|service]
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-planner} in
  planner) package=cutpoint-planner ;;
  onnx) package=cutpoint-onnx ;;
  bench) package=cutpoint-bench ;;
  import) package=cutpoint-import ;;
  export) package=cutpoint-export ;;
  service) package=cutpoint ;;
  *)
    printf 'quick.sh: %s is none of planner, import, export, onnx, bench, service\n' "$1" >&2
    exit 2
    ;;
esac
cargo fmt --all --check
cargo clippy --workspace --all-targets -- -D warnings
if cargo nextest --version >/dev/null 2>&1; then
  exec cargo nextest run --workspace -E "package($package)"
fi
exec cargo test --package "$package" --all-targets
