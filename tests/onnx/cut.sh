#!/usr/bin/env bash
# Cuts real ONNX files at proven and random placements, runs the stages in turn, and compares with the whole model.
#
#   bash tests/onnx/cut.sh
#
# VENV and MODELS as in run.sh, which makes them. BINARY is cutpoint; built where absent. LARGE is a folder with 8 GB free;
# with it, models of more than 3 GB are made and cut, too.
set -euo pipefail
cd "$(dirname "$0")/../.."
cache=${CACHE:-target/onnx}
venv=${VENV:-$cache/venv}
models=${MODELS:-$cache/models}
if [ -z "${BINARY:-}" ]; then
  cargo build --quiet
  BINARY=${CARGO_TARGET_DIR:-target}/debug/cutpoint
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fails=0
cut() { # flags follow the path
  printf '%-36s ' "$(basename "$1")"
  "$venv/bin/python" -W ignore tests/onnx/cut.py "$BINARY" "$@" || fails=$((fails + 1))
}
nudenet=$models/nudenet/nudenet/320n.onnx
ocr=$models/rapidocr-onnxruntime/rapidocr_onnxruntime/models
vad=$models/silero-vad/silero_vad/data
cut "$nudenet" --input images=1x3x320x320
cut "$nudenet" --input images=1x3x320x320 -- --most-inline-bytes 100000
cut "$nudenet" --input images=1x3x320x320 -- --most-inline-bytes 100000 --copy-weights
"$venv/bin/python" -W ignore tests/onnx/quantised.py "$nudenet" "$scratch/320n-int8.onnx" images=1x3x320x320 2>/dev/null
cut "$scratch/320n-int8.onnx" --input images=1x3x320x320
"$venv/bin/python" tests/onnx/functions.py "$scratch/functions.onnx"
cut "$scratch/functions.onnx"
cut "$ocr/ch_PP-OCRv4_det_infer.onnx" --input x=1x3x320x480
cut "$ocr/ch_PP-OCRv4_rec_infer.onnx" --input x=1x3x48x320
cut "$ocr/ch_ppocr_mobile_v2.0_cls_infer.onnx" --input x=1x3x48x192
cut "$models/basic-pitch/basic_pitch/saved_models/icassp_2022/nmp.onnx"
cut "$models/magika/magika/models/standard_v3_3/model.onnx"
cut "$models/ddddocr/ddddocr/common_det.onnx"
cut "$vad/silero_vad.onnx" --input input=1x576 --input state=2x1x128 --value sr=16000
cut "$vad/silero_vad_16k_op15.onnx" --dim sequence=576
cut "$vad/silero_vad_half.onnx" --dim sequence=576
cut "$vad/silero_vad_op18_ifless.onnx" --dim sequence=576 --value sr=16000
if [ -n "${LARGE:-}" ]; then
  "$venv/bin/python" -W ignore tests/onnx/cut_large.py "$BINARY" "$LARGE" || fails=$((fails + 1))
fi
exit $((fails > 0))
