#!/usr/bin/env bash
# Runs the conformance tests of the store, what is built on it, and several servers that are killed, on the database of
# CUTPOINT_TEST_POSTGRES_URL. Left out is what only files of SQLite have, as a limit of their pages.
# tests/with_postgres.sh gives a database.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${CUTPOINT_TEST_POSTGRES_URL:?names no database; tests/with_postgres.sh gives one}"
# The whole workspace, as in the other steps: other features would build everything again.
cargo nextest run --locked --workspace --lib --test it --no-fail-fast --run-ignored all \
  -E 'package(cutpoint) & ((kind(lib) & test(/^(store|jobs|webhook|deployments)::/) & not test(/::sqlite::|^jobs::tests::space::/))
      | test(/^several_servers::/))'
