#!/usr/bin/env bash
# Checks formatting and lints and runs all tests. Needs the Rust toolchain with a C compiler, Python 3.11 and Node 20:
# what is missing beyond that is installed from the package registries, or said so.
set -euo pipefail
cd "$(dirname "$0")/.."

step() {
  printf '\n== %s (%s)\n' "$1" "$(date +%H:%M:%S)"
}

failed() {
  printf '\nFAILED in line %s: %s\n' "$1" "$2" >&2
}
trap 'failed "$LINENO" "$BASH_COMMAND"' ERR

need() {
  command -v "$1" >/dev/null 2>&1 || {
    printf 'FAILED: %s is not installed. %s\n' "$1" "$2" >&2
    exit 1
  }
}

step "Tools"
need cargo "Install Rust from https://rustup.rs; the version stands in Cargo.toml."
if ! command -v curl >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
  # A test runs the README's tour as it is pasted.
  apt-get update -qq && apt-get install -y -qq curl
fi
need curl "Install curl: a test runs the README's tour with it."
need cc "Install a C compiler (build-essential on Debian): SQLite is compiled from source."
need python3 "Install Python 3.11 or newer: one client is Python's, and schemathesis runs on it."
need npm "Install Node 20 or newer: one client is TypeScript's."
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  printf 'FAILED: Python is older than 3.11\n' >&2
  exit 1
}
cargo --version
rustc --version

step "Formatting"
if cargo fmt --version >/dev/null 2>&1; then
  cargo fmt --all --check
else
  printf 'FAILED: rustfmt is missing. rustup component add rustfmt\n' >&2
  exit 1
fi

step "Lints"
if cargo clippy --version >/dev/null 2>&1; then
  cargo clippy --locked --workspace --all-targets -- -D warnings
else
  printf 'FAILED: clippy is missing. rustup component add clippy\n' >&2
  exit 1
fi

step "Dependencies"
if cargo deny --version >/dev/null 2>&1; then
  cargo deny --locked check licenses sources bans
else
  python3 tests/dependencies.py
fi

step "Tests"
# nextest runs every test in a process of its own and says which hangs; plain cargo test runs the same tests.
if ! cargo nextest --version >/dev/null 2>&1; then
  cargo install cargo-nextest --locked || echo "cargo-nextest could not be installed: plain cargo test runs instead"
fi
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --locked --workspace --no-fail-fast
else
  cargo test --locked --workspace --no-fail-fast --all-targets
fi

step "PostgreSQL"
tests/with_postgres.sh tests/on_postgres.sh

step "Python tools"
target=${CARGO_TARGET_DIR:-target}
venv=$target/venv
# Anew where the list changed: a half-made or older one is no use.
if ! cmp -s tests/requirements.txt "$venv/requirements.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv" || {
    printf 'FAILED: Python has no venv. On Debian: apt-get install python3-venv\n' >&2
    exit 1
  }
  "$venv/bin/pip" install --quiet --requirement tests/requirements.txt
  cp tests/requirements.txt "$venv/"
fi
PATH=$(realpath "$venv/bin"):$PATH

step "Real models"
# The whole workspace at once, as in the tests: what is built then is built already.
cargo build --locked --workspace --example profile
built=$(realpath "$target")
export CACHE=$built/onnx
BINARY=$built/debug/examples/profile tests/onnx/run.sh
BINARY=$built/debug/cutpoint tests/onnx/timings.sh
BINARY=$built/debug/cutpoint tests/onnx/cut.sh

step "Stage runner"
VENV=$built/runner runner/tests/run.sh

step "Predictions and pipelines that run"
CACHE=$built/truth BINARY=$built/debug/cutpoint tests/truth/run.sh

step "Generated clients"
tests/clients/generate.sh
tests/with_server.sh 120 tests/clients/run.sh

step "Adapters of orchestrators"
tests/with_server.sh 120 tests/orchestrators/run.sh

step "The service on PostgreSQL"
tests/with_postgres.sh tests/service_on_postgres.sh

step "Page in a browser"
bash tests/page/run.sh

step "Invented requests"
tests/with_server.sh 600 tests/fuzz/run.sh 2000 10 15 --seed 1

step "Documentation"
cargo test --locked --workspace --doc
RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --lib

step "All passed"
