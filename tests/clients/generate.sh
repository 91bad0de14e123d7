#!/usr/bin/env bash
# Generates the clients from the documents and builds them. Needs tests/requirements.txt installed, Node and cargo.
set -euo pipefail
target=$(realpath "${CARGO_TARGET_DIR:-$(dirname "$0")/../../target}")/clients
cd "$(dirname "$0")"
mkdir -p "$target"

printf 'Python: '
openapi-python-client generate --path ../../openapi/openapi.json --config python/generator.yaml --meta none \
  --fail-on-warning --overwrite --output-path "$target/cutpoint_client"

cd typescript
npm ci --silent
npm run --silent generate
npm run --silent build
cd ../rust
# Warnings of what is generated are not ours.
CARGO_TARGET_DIR=$target cargo build --locked --quiet
