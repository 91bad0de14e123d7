#!/usr/bin/env bash
# Profiles real models with onnxruntime, and puts the times into their profiles: the five commands of docs/profiling.md
# on one machine. At least 98 % of the time must be matched, and the profile must take what a session takes, within 1 %.
#
#   bash tests/onnx/timings.sh
#
# VENV and MODELS as in run.sh, which makes them. BINARY is cutpoint; built where absent.
set -euo pipefail
cd "$(dirname "$0")/../.."
cache=${CACHE:-target/onnx}
venv=${VENV:-$cache/venv}
models=${MODELS:-$cache/models}
if [ -z "${BINARY:-}" ]; then
  cargo build --quiet --package cutpoint
  BINARY=${CARGO_TARGET_DIR:-target}/debug/cutpoint
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
time_model() { # flags follow the path
  local measured=$folder/measured session
  rm -rf "$measured"
  "$venv/bin/python" tools/profile_onnxruntime.py "$@" --output "$measured" --runs 5 >/dev/null
  session=$(sed -n 's/.*"session_s": \([0-9.e-]*\).*/\1/p' "$measured/session.json")
  "$BINARY" profile "$measured/optimized.onnx" "${@:2}" --timings "$measured/profile.json" --device-class here \
    --session-s "$session" --output "$folder/profile.json" --report "$folder/report.json" 2>/dev/null
  printf '%-36s ' "$(basename "$1")"
  "$venv/bin/python" - "$folder" "$session" <<'CHECK'
import json
import sys

folder, session = sys.argv[1], float(sys.argv[2])
times = json.load(open(f"{folder}/report.json"))["timings"]
profile = json.load(open(f"{folder}/profile.json"))
total = sum(part.get("time_s", {}).get("here", 0) for part in profile["layers"] + profile.get("groups", []))
print(f"{100 * times['matched_share']:.2f} % matched; profile {total:.6f} s, session {session:.6f} s")
sys.exit(times["matched_share"] < 0.98 or abs(total / session - 1) > 0.01)
CHECK
}
time_model "$models/nudenet/nudenet/320n.onnx" --dim batch=1 --dim height=320 --dim width=320
time_model "$models/rapidocr-onnxruntime/rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx" --input x=1x3x320x480
time_model "$models/ddddocr/ddddocr/common_det.onnx"
