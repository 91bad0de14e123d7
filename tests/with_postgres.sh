#!/usr/bin/env bash
# Runs a command that finds a database of PostgreSQL in CUTPOINT_TEST_POSTGRES_URL. Where the variable names one already,
# that one is used. Otherwise PostgreSQL is installed where it is missing (Debian), and a private cluster is started in a
# temporary folder on a free port and removed in the end. Where there is none, it says so loudly, and the command does
# not run.
#
#   tests/with_postgres.sh COMMAND...
#
# POSTGRES_FSYNC=on makes commits durable, as tests that restart or measure the database need.
set -euo pipefail

if [[ -n ${CUTPOINT_TEST_POSTGRES_URL:-} ]]; then
  exec "$@"
fi

tools() {
  local newest
  newest=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -1)
  if [[ -n $newest ]]; then
    echo "$newest"
  elif command -v initdb >/dev/null 2>&1; then
    dirname "$(command -v initdb)"
  fi
}
if [[ -z $(tools) ]] && command -v apt-get >/dev/null 2>&1; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null || true
fi
bin=$(tools || true)
if [[ -z $bin || ! -x $bin/initdb ]]; then
  printf '\n!! LEFT OUT: the tests of PostgreSQL. It is not installed, and CUTPOINT_TEST_POSTGRES_URL is not set.\n' >&2
  printf '!! Not run: %s\n\n' "$*" >&2
  exit 0
fi

folder=$(mktemp -d)
chmod 755 "$folder"
# initdb refuses root.
as=()
if [[ $(id -u) == 0 ]]; then
  id postgres >/dev/null 2>&1 || useradd --system postgres
  chown postgres "$folder"
  as=(setpriv --reuid=postgres --regid="$(id -g postgres)" --clear-groups --)
fi
run() {
  (cd "$folder" && exec "${as[@]}" "$@")
}
finish() {
  run "$bin/pg_ctl" --pgdata="$folder/data" --mode=immediate stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap finish EXIT

run "$bin/initdb" --pgdata="$folder/data" --username=cutpoint --auth=trust --locale=C.UTF-8 --encoding=UTF8 \
  --no-sync >"$folder/initdb.log" 2>&1 || {
  cat "$folder/initdb.log" >&2
  exit 1
}
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
options="-c port=$port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$folder -c fsync=${POSTGRES_FSYNC:-off}"
options+=" -c max_connections=300 -c max_locks_per_transaction=256"
run "$bin/pg_ctl" --pgdata="$folder/data" --log="$folder/log" --options="$options" --wait start >/dev/null || {
  cat "$folder/log" >&2
  exit 1
}
export CUTPOINT_TEST_POSTGRES_URL="postgres://cutpoint@127.0.0.1:$port/postgres"
# What a test of restarts runs.
export CUTPOINT_TEST_POSTGRES_RESTART="cd $folder && ${as[*]} $bin/pg_ctl --pgdata=$folder/data --log=$folder/log --mode=immediate --wait restart"
export PATH=$bin:$PATH
"$@"
