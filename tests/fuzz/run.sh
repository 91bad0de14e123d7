#!/usr/bin/env bash
# Lets schemathesis ask the service at CUTPOINT_URL with the key CUTPOINT_KEY: requests that it invents, then journeys along the document's links.
# Fails on any finding, and where fewer requests were sent than wanted.
#
#   tests/fuzz/run.sh LEAST EXAMPLES SECONDS [OPTION...]
#
# LEAST is how many requests are wanted, EXAMPLES how many are invented for each operation beside those that its schema's
# limits ask for, SECONDS how long journeys are made. Options go to schemathesis (--seed, for instance). PHASES names the
# phases of invented requests, with commas between them.
set -euo pipefail
cd "$(dirname "$0")"
least=$1 examples=$2 seconds=$3 phases=${PHASES:-examples,coverage,fuzzing}
shift 3
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT

ask() {
  local what=$1
  shift
  schemathesis --config-file "$what.toml" run "$CUTPOINT_URL/openapi.json" --no-color \
    --header "Authorization: Bearer $CUTPOINT_KEY" --report json --report-json-path "$reports/$what.json" "$@"
}

failed=0
ask inputs --phases "$phases" --max-examples "$examples" "$@" || failed=1
ask journeys --phases stateful --max-time "$seconds" "$@" || failed=1
python3 count.py "$least" "$phases,stateful" "$reports/inputs.json" "$reports/journeys.json" || failed=1
exit "$failed"
