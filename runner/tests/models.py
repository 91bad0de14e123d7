"""Small models, cut into stages by hand.

Stage 0 makes `a` = 2 x and `b` = x + 1, stage 1 makes `c` = a + 3, and stage 2 makes `y` = c b and `large` = y > 10.
So `b` passes through stage 1, which does not read it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def expected(x: np.ndarray) -> dict[str, np.ndarray]:
    """Returns what the whole model makes of an input."""
    y = ((2 * x + 3) * (x + 1)).astype(np.float32)
    return {"y": y, "large": y > 10}


def write_stages(folder: Path, size: int) -> list[dict]:
    """Writes three ONNX files and returns the tensors of each stage as `stages.json` lists them."""
    a, b, c, x, y = (_described(name, "float32", size) for name in "abcxy")
    large = _described("large", "bool", size)
    stages = [
        {"file": "stage-0.onnx", "inputs": [x], "outputs": [a, b]},
        {"file": "stage-1.onnx", "inputs": [a, b], "outputs": [c, b]},
        {"file": "stage-2.onnx", "inputs": [c, b], "outputs": [y, large]},
    ]
    nodes = [
        [helper.make_node("Mul", ["x", "two"], ["a"]), helper.make_node("Add", ["x", "one"], ["b"])],
        [helper.make_node("Add", ["a", "three"], ["c"])],
        [helper.make_node("Mul", ["c", "b"], ["y"]), helper.make_node("Greater", ["y", "ten"], ["large"])],
    ]
    reads = [["x"], ["a"], ["c", "b"]]
    makes = [["a", "b"], ["c"], ["y", "large"]]
    for stage, made_by, read, made in zip(stages, nodes, reads, makes):
        save(folder / stage["file"], made_by, read, made, size)
    return stages


def save(path: Path, nodes: list, reads: list[str], makes: list[str], size: int) -> None:
    """Writes a model whose tensors are vectors of floats, except `large`."""
    constants = {"one": 1.0, "two": 2.0, "three": 3.0, "ten": 10.0}
    used = {name for node in nodes for name in node.input}
    initializers = [
        numpy_helper.from_array(np.array([value], np.float32), name)
        for name, value in constants.items()
        if name in used
    ]
    graph = helper.make_graph(
        nodes, "stage", [_value(n, size) for n in reads], [_value(n, size) for n in makes], initializers
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _value(name: str, size: int):
    element = TensorProto.BOOL if name == "large" else TensorProto.FLOAT
    return helper.make_tensor_value_info(name, element, [1, size])


def _described(name: str, kind: str, size: int) -> dict:
    return {"name": name, "type": kind, "shape": [1, size], "bytes": size * np.dtype(kind).itemsize}
