"""Writes the folder of a regime's pipeline: models whose tensors have the planned sizes, and `stages.json`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from law import Pipeline
from network import address
from onnx import TensorProto, helper, numpy_helper

_PORT = 7100


def write_folder(folder: Path, pipeline: Pipeline) -> None:
    """Each stage reads one vector of bytes and makes another; it is paced, so what it computes is of no matter."""
    stages = []
    last = len(pipeline.devices) - 1
    for i, device in enumerate(pipeline.devices):
        _write_model(folder / f"stage-{i}.onnx", i, pipeline.sent_bytes[i], pipeline.sent_bytes[i + 1])
        receiver = pipeline.sink if i == last else pipeline.devices[i + 1]
        before = {"kind": "stage", "stage": i - 1} if i else {"kind": "source"}
        after = {"kind": "sink"} if i == last else {"kind": "stage", "stage": i + 1}
        stage = {
            "index": i,
            "pipeline": 0,
            "node_id": f"device{device}",
            "file": f"stage-{i}.onnx",
            "inputs": [_tensor(i, pipeline.sent_bytes[i])],
            "outputs": [_tensor(i + 1, pipeline.sent_bytes[i + 1])],
            "receive_from": {**before, "address": f"{address(device)}:{_PORT + i}"},
            "send_to": {**after, "address": f"{address(receiver)}:{_PORT + i + 1}"},
            "planned": {"compute_s": pipeline.compute_s[i]},
        }
        stages.append(stage)
    document = {
        "model": "paced",
        "token": "a token of the testbed",
        "overlap": pipeline.overlap,
        "feedback": f"{address(pipeline.source)}:{_PORT - 1}",
        "stages": stages,
    }
    (folder / "stages.json").write_text(json.dumps(document), encoding="utf-8")


def _tensor(i: int, size: int) -> dict:
    return {"name": f"t{i}", "type": "uint8", "shape": [size], "bytes": size}


def _write_model(path: Path, i: int, read: int, made: int) -> None:
    """Makes a vector of a given length from the first element of another."""
    constants = {"start": [0], "end": [1], "length": [made]}
    nodes = [
        helper.make_node("Slice", [f"t{i}", "start", "end"], ["first"]),
        helper.make_node("Expand", ["first", "length"], [f"t{i + 1}"]),
    ]
    graph = helper.make_graph(
        nodes,
        "paced",
        [helper.make_tensor_value_info(f"t{i}", TensorProto.UINT8, [read])],
        [helper.make_tensor_value_info(f"t{i + 1}", TensorProto.UINT8, [made])],
        [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
