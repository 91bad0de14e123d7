#!/usr/bin/env bash
# Starts the service on a free port with a database of its own, runs a command that finds the address in CUTPOINT_URL and a
# key with every scope in CUTPOINT_KEY, the program in PROGRAM and its database in DATABASE_URL, and ends the service. Fails
# where the command fails or takes longer than it may, and where the service logs an error.
#
#   tests/with_server.sh SECONDS COMMAND...
#
# PROGRAM names the program; by default it is the one that the tests built. DATABASE_URL names another database.
set -euo pipefail
unset CUTPOINT_KEY CUTPOINT_URL
program=${PROGRAM:-${CARGO_TARGET_DIR:-$(dirname "$0")/../target}/debug/cutpoint}
seconds=$1
shift

folder=$(mktemp -d)
server=
finish() {
  if [[ -n $server ]]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$folder"
}
trap finish EXIT

[[ -x $program ]] || {
  printf 'FAILED: %s is not built; tests/run.sh does it\n' "$program" >&2
  exit 1
}
database=${DATABASE_URL:-sqlite://$folder/cutpoint.db}
key=$("$program" key create --name test --scope admin --database-url "$database")
mkfifo "$folder/says"
"$program" serve --listen 127.0.0.1:0 --database-url "$database" --log warn >"$folder/says" 2>"$folder/log" &
server=$!
read -r -t 60 line <"$folder/says" || {
  printf 'FAILED: the service does not start\n' >&2
  cat "$folder/log" >&2
  exit 1
}

status=0
export PROGRAM=$program DATABASE_URL=$database CUTPOINT_URL=${line##* } CUTPOINT_KEY=$key
timeout --kill-after=10 "$seconds" "$@" || status=$?
if [[ $status == 124 ]]; then
  printf 'FAILED: %s took longer than %s s\n' "$*" "$seconds" >&2
fi
if ! kill -0 "$server" 2>/dev/null || grep -qE 'panicked|ERROR' "$folder/log"; then
  printf 'FAILED: the service ended by itself or logged an error\n' >&2
  cat "$folder/log" >&2
  status=1
fi
exit "$status"
