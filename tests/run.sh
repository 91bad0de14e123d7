#!/usr/bin/env bash
# Checks formatting and lints and runs all tests. Needs the Rust toolchain with a C compiler, and nothing else:
# what is missing beyond that is installed, or said so.
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
cargo --version
rustc --version

step "Formatting"
if cargo fmt --version >/dev/null 2>&1; then
  cargo fmt --check
else
  printf 'FAILED: rustfmt is missing. rustup component add rustfmt\n' >&2
  exit 1
fi

step "Lints"
if cargo clippy --version >/dev/null 2>&1; then
  cargo clippy --locked --all-targets -- -D warnings
else
  printf 'FAILED: clippy is missing. rustup component add clippy\n' >&2
  exit 1
fi

step "Tests"
# nextest runs every test in a process of its own and says which hangs; plain cargo test runs the same tests.
if ! cargo nextest --version >/dev/null 2>&1; then
  cargo install cargo-nextest --locked || echo "cargo-nextest could not be installed: plain cargo test runs instead"
fi
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --locked --no-fail-fast
else
  cargo test --locked --no-fail-fast --all-targets
fi

step "Documentation"
cargo test --locked --doc
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --lib

step "All passed"
