"""Profiles the cases with which ONNX tests its operators, and compares shapes and bytes.

    python cases.py BINARY

Each case is a small model with inputs and the outputs that they make. Inputs of few integers are set
as values, since shapes can depend on them.
"""

import collections
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy
import onnx
from onnx.backend.test.case import node

# What the profile refuses, and outputs that ONNX makes only once the model runs.
REFUSED = (
    "(Loop)",
    "(Scan)",
    "(Optional",
    "(Sequence",
    "(SplitToSequence)",
    "has no fixed size",
    "have no fixed size",
    "no tensor",
    "FlexAttention",
)
# The expected output of this case is a scalar, though the model says 3 x 4.
WRONG = {"test_quantizelinear_blocked_symmetric"}


def flags_of(case, inputs):
    flags = []
    for info, value in zip(case.model.graph.input, inputs):
        if not isinstance(value, (numpy.ndarray, numpy.generic)):
            continue
        value = numpy.asarray(value)
        flags += ["--input", f"{info.name}={'x'.join(map(str, value.shape))}"]
        if value.dtype.kind in "iub" and 0 < value.size <= 64:
            flags += ["--value", f"{info.name}={','.join(str(int(number)) for number in value.ravel())}"]
    return flags


def compare(case, profile, outputs):
    """Returns what differs."""
    tensors = {
        tensor.get("name", layer["id"]): (tensor, layer)
        for tensor, layer in zip(profile["report"]["tensors"], profile["document"]["layers"])
    }
    for info, value in zip(case.model.graph.output, outputs):
        if not isinstance(value, (numpy.ndarray, numpy.generic)) or info.name not in tensors:
            continue
        tensor, layer = tensors[info.name]
        value = numpy.asarray(value)
        if tensor["source"] == "guessed":
            if any(wide < actual for wide, actual in zip(tensor["shape"], value.shape)):
                return f"{info.name} is guessed as {tensor['shape']}, and is {value.shape}"
        elif tuple(tensor["shape"]) != value.shape:
            return f"{info.name} is {tensor['shape']} in the profile, and is {value.shape}"
        elif value.dtype.name == tensor["element_type"].replace("float", "float32", 1) and layer["output_bytes"] != value.nbytes:
            return f"{info.name} has {layer['output_bytes']} bytes in the profile, and has {value.nbytes}"
    return None


def main():
    binary = sys.argv[1]
    warnings.simplefilter("ignore")
    counts = collections.Counter()
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "case.onnx"
        for case in node.collect_testcases(None):
            if case.model is None or case.name in WRONG:
                continue
            inputs, outputs = case.data_sets[0]
            path.write_bytes(case.model.SerializeToString())
            done = subprocess.run([binary, path, *flags_of(case, inputs)], capture_output=True, text=True)
            if done.returncode == 0:
                fault = compare(case, json.loads(done.stdout), outputs)
                counts["profiled"] += 1
            elif done.returncode == 1 and any(reason in done.stderr for reason in REFUSED):
                counts["refused"] += 1
                continue
            else:
                fault = done.stderr
            if fault:
                faults.append(f"{case.name}: {fault.strip()}")
    print(f"{counts['profiled']} cases profiled, {counts['refused']} refused with a reason, {len(faults)} faults")
    if faults or counts["profiled"] < 1500:
        sys.exit("\n".join(faults[:40]))


main()
