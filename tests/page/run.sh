#!/usr/bin/env bash
# Visits the page of a running service with a browser: everything that a person does there, with the keyboard where that is
# how, held against axe-core in light and dark, and with a picture of every view in $SHOTS if that is set.
#
#   tests/page/run.sh
set -euo pipefail
cd "$(dirname "$0")"

command -v chromium >/dev/null 2>&1 || {
  command -v apt-get >/dev/null 2>&1 || {
    printf 'FAILED: chromium is not installed\n' >&2
    exit 1
  }
  apt-get update -qq && apt-get install -y -qq chromium
}
[[ -d node_modules/playwright-core && -d node_modules/axe-core ]] || npm ci --silent --no-audit --no-fund
exec ../with_server.sh "${SECONDS_AT_MOST:-240}" node page.js
