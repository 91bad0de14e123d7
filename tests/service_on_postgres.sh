#!/usr/bin/env bash
# Runs the generated clients and invented requests against a service on the database of CUTPOINT_TEST_POSTGRES_URL.
# tests/with_postgres.sh gives a database; tests/clients/generate.sh and the Python tools of tests/run.sh come first.
set -euo pipefail
cd "$(dirname "$0")"
export DATABASE_URL=${CUTPOINT_TEST_POSTGRES_URL:?names no database; tests/with_postgres.sh gives one}
./with_server.sh 120 clients/run.sh
# What schemas refuse never reaches the database: those requests are sent where it is a file.
PHASES=examples,fuzzing ./with_server.sh 300 fuzz/run.sh 300 3 15 --seed 2
