#!/usr/bin/env python3
"""Draws inputs for a pipeline, and compares what its sink saved with what the whole model gives.

    same_answers.py draw STAGES.json COUNT INPUTS.npz
    same_answers.py compare MODEL.onnx INPUTS.npz SAVED
"""

import json
import pathlib
import sys

import numpy as np
import onnxruntime

# Of the range of an output: onnxruntime fuses other operators where a model is cut.
TOLERANCE = 1e-4


def draw(stages: str, count: str, output: str) -> int:
    document = json.loads(pathlib.Path(stages).read_text(encoding="utf-8"))
    random = np.random.default_rng(7)
    inputs = {}
    for tensor in document["stages"][0]["inputs"]:
        if tensor["type"] != "float32":
            print(f"{tensor['name']} is of {tensor['type']}; this test draws float32", file=sys.stderr)
            return 2
        inputs[tensor["name"]] = random.random((int(count), *tensor["shape"]), dtype=np.float32)
    np.savez(output, **inputs)
    return 0


def compare(model: str, inputs: str, saved: str) -> int:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    fed = np.load(inputs)
    files = sorted(pathlib.Path(saved).glob("run-*.npz"))
    count = len(next(iter(fed.values())))
    if len(files) != count:
        print(f"the sink has {len(files)} of {count} answers", file=sys.stderr)
        return 1
    worst = 0.0
    for i, file in enumerate(files):
        expected = session.run(names, {name: values[i] for name, values in fed.items()})
        with np.load(file) as got:
            for name, value in zip(names, expected):
                span = float(np.ptp(value)) or 1.0
                worst = max(worst, float(np.abs(got[name] - value).max()) / span)
    print(f"{count} answers, largest difference {worst:.3g} of the range")
    return 0 if worst <= TOLERANCE else 1


if __name__ == "__main__":
    command = {"draw": draw, "compare": compare}[sys.argv[1]]
    sys.exit(command(*sys.argv[2:]))
