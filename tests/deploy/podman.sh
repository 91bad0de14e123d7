#!/usr/bin/env bash
# Runs an exported pipeline of three stages in pods of podman, feeds it, and compares what a sink gets with what the whole model
# gives. By hand: it needs root, podman with the plugins of CNI, an image of the runner, and a Python with PyYAML and the
# runner (pip install ./runner pyyaml).
#
#   podman build --tag localhost/cutpoint-runner:1 runner
#   tests/deploy/podman.sh MODEL.onnx NAME=NxNxN [INPUTS]
#
# CUTPOINT, PYTHON and IMAGE name the binary, the Python and the image, if not those of the path and the one above.
set -euo pipefail
model=$1 shape=$2 inputs=${3:-4}
cutpoint=${CUTPOINT:-cutpoint} python=${PYTHON:-python3} image=${IMAGE:-localhost/cutpoint-runner:1}
here=$(dirname "$(realpath "$0")")
work=$(mktemp -d)
chmod 755 "$work"
sink=
finish() {
  [ -z "$sink" ] || kill "$sink" 2>/dev/null || true
  for pod in tried-stage-0 tried-stage-1 tried-stage-2; do podman pod rm --force --ignore "$pod" >/dev/null; done
  podman volume rm --force tried-stage-0 tried-stage-1 tried-stage-2 tried-token >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT

echo "== Profile, plan, cut and export"
"$cutpoint" profile "$model" --input "$shape" --output "$work/model.json"
"$python" "$here/three_nodes.py" "$work/model.json" > "$work/cluster.json"
"$cutpoint" plan --model "$work/model.json" --cluster "$work/cluster.json" --output json > "$work/placement.json"
"$cutpoint" cut "$model" --input "$shape" --placement "$work/placement.json" --output "$work/out"
chmod -R go+rX "$work/out"
# The sink is on this machine, so that its outputs can be read.
"$cutpoint" export --placement "$work/placement.json" --stages "$work/out/stages.json" --format kubernetes --image "$image" \
  --name tried --stage-files "host:$work/out" --sink-address 10.98.0.1:7102 --output "$work/deploy"
if command -v kubectl >/dev/null; then
  kubectl annotate --local --filename "$work/deploy" cutpoint/read-by=kubectl --output name
fi

echo "== Pods"
"$python" "$here/for_podman.py" "$work/deploy" "$work/played"
sh "$work/played/play.sh" >"$work/play.log" 2>&1 || { cat "$work/play.log"; exit 1; }
runner=("$python" -m cutpoint_runner)
"${runner[@]}" sink --stages "$work/out/stages.json" --listen 10.98.0.1:7102 --save "$work/saved" --count "$inputs" &
sink=$!
"$python" "$here/same_answers.py" draw "$work/out/stages.json" "$inputs" "$work/inputs.npz"
"${runner[@]}" feed --stages "$work/out/stages.json" --send-to 10.98.0.10:7101 --inputs "$work/inputs.npz" --count "$inputs"
wait "$sink"
sink=
for pod in tried-stage-0 tried-stage-1 tried-stage-2; do podman logs "$pod-runner" 2>&1 | grep "is ready"; done

echo "== Answers"
"$python" "$here/same_answers.py" compare "$model" "$work/inputs.npz" "$work/saved"
