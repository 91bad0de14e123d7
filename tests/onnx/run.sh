#!/usr/bin/env bash
# Profiles real ONNX files and compares the profiles with onnx and onnxruntime.
#
#   bash tests/onnx/run.sh
#
# VENV is a Python environment, made where it is not there. MODELS is a folder for the wheels whose models are read;
# their code is not imported. BINARY is the profiler; built where absent. What it shares is kept between runs.
set -euo pipefail
cd "$(dirname "$0")/../.."
cache=${CACHE:-target/onnx}
venv=${VENV:-$cache/venv}
models=${MODELS:-$cache/models}
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" --quiet install onnx==1.23.2 onnxruntime==1.32.0 pillow
fi
for wheel in nudenet==3.4.2 ddddocr==1.6.1 rapidocr-onnxruntime==1.4.4 basic-pitch==0.4.0 magika==1.0.3 silero-vad==6.2.3; do
  folder=$models/${wheel%%=*}
  if [ ! -d "$folder" ]; then
    mkdir -p "$models/wheels" "$folder.new"
    "$venv/bin/pip" --quiet download --no-deps --dest "$models/wheels/${wheel%%=*}" "$wheel"
    "$venv/bin/python" -m zipfile -e "$models/wheels/${wheel%%=*}"/*.whl "$folder.new"
    mv "$folder.new" "$folder"
  fi
done
if [ -z "${BINARY:-}" ]; then
  cargo build --quiet --package cutpoint-onnx --example profile
  BINARY=${CARGO_TARGET_DIR:-target}/debug/examples/profile
fi
light=$("$venv/bin/python" -c 'import onnx, os; print(os.path.dirname(onnx.__file__))')/backend/test/data/light
fails=0
check() { # flags follow the path
  local name
  name=$(basename "$1")
  printf '%-36s ' "$name"
  "$venv/bin/python" tests/onnx/check.py "$BINARY" "$@" || fails=$((fails + 1))
}
refuse() { # what the error must say, then the path
  local said
  printf '%-36s ' "$(basename "$2")"
  if said=$("$BINARY" "${@:2}" 2>&1 >/dev/null); then
    printf 'was not refused\n'
    fails=$((fails + 1))
  elif [[ $said == *"$1"* ]]; then
    printf 'refused as it should be\n'
  else
    printf 'refused without %s: %s\n' "$1" "$said"
    fails=$((fails + 1))
  fi
}
for file in "$light"/light_*.onnx; do
  check "$file"
done
check "$models/nudenet/nudenet/320n.onnx" --dim height=320 --dim width=320
check "$models/nudenet/nudenet/320n.onnx" --input images=2x3x256x416
refuse 'give the whole shape as input=NxN' "$models/silero-vad/silero_vad/data/silero_vad.onnx"
refuse 'height=N and width=N' "$models/nudenet/nudenet/320n.onnx"
check "$models/ddddocr/ddddocr/common.onnx" --dim image_width=200
check "$models/ddddocr/ddddocr/common_old.onnx" --dim image_width=200
check "$models/ddddocr/ddddocr/common_det.onnx"
ocr=$models/rapidocr-onnxruntime/rapidocr_onnxruntime/models
check "$ocr/ch_PP-OCRv4_det_infer.onnx" --input x=1x3x320x480
check "$ocr/ch_PP-OCRv4_rec_infer.onnx" --input x=1x3x48x320
check "$ocr/ch_ppocr_mobile_v2.0_cls_infer.onnx" --input x=1x3x48x192
check "$models/basic-pitch/basic_pitch/saved_models/icassp_2022/nmp.onnx"
check "$models/magika/magika/models/standard_v3_3/model.onnx"
vad=$models/silero-vad/silero_vad/data
check "$vad/silero_vad.onnx" --input input=1x576 --input state=2x1x128 --value sr=16000
refuse 'Set the value of the input that decides it, as in sr=1' "$vad/silero_vad.onnx" --input input=1x576 --input state=2x1x128
check "$vad/silero_vad_16k_op15.onnx" --dim sequence=576
check "$vad/silero_vad_16k_sequence.onnx" --dim sequence_length=10
check "$vad/silero_vad_half.onnx" --dim sequence=576
check "$vad/silero_vad_op18_ifless.onnx" --dim sequence=576 --value sr=16000
check "$vad/silero_vad_openvino_16k.onnx"
printf '%-36s ' 'cases of operators'
"$venv/bin/python" tests/onnx/cases.py "$BINARY" || fails=$((fails + 1))
printf '%-36s ' '320n.onnx made smaller'
"$venv/bin/python" -W ignore tests/onnx/smaller.py "$BINARY" "$models/nudenet/nudenet/320n.onnx" --input images=1x3x320x320 \
  2>/dev/null || fails=$((fails + 1))
exit $((fails > 0))
