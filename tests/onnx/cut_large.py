"""Makes models of more than 3 GB, cuts them, and measures the memory that cutting takes.

    python cut_large.py BINARY FOLDER

Once with all weights in the model's file, which no other tool reads, and once with the weights in a file beside it. Both
are cut with a file of weights that the stages share and with weights of each stage's own. Each pipeline must give what
numpy computes.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx

from cut import run_stages
from placements import Graph

SIDE = 4096
BYTES = 4 * SIDE * SIDE
LAYERS = 48
ROWS = 64
MOST_KIBIBYTES = 500 * 1024


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number: int, length: int) -> bytes:
    return varint(number << 3 | 2) + varint(length)


def write_inline(path: Path) -> None:
    """Writes the model as one file, field by field, since no library writes messages of that size."""
    head = b"\x08\x08" + field(8, 4) + b"\x0a\x00\x10\x11"
    nodes = [onnx.helper.make_node("MatMul", [f"x{i}", f"w{i}"], [f"x{i + 1}"]).SerializeToString() for i in range(LAYERS)]
    value = lambda name: onnx.helper.make_tensor_value_info(name, 1, [1, SIDE]).SerializeToString()
    graph = b"".join(field(1, len(node)) + node for node in nodes) + field(2, 5) + b"large"
    ends = field(11, len(value("x0"))) + value("x0")
    ends += field(12, len(value(f"x{LAYERS}"))) + value(f"x{LAYERS}")
    tensors = []
    for i in range(LAYERS):
        start = onnx.TensorProto(dims=[SIDE, SIDE], data_type=1, name=f"w{i}").SerializeToString() + field(9, BYTES)
        tensors.append(field(5, len(start) + BYTES) + start)
    length = len(graph) + len(ends) + sum(len(tensor) + BYTES for tensor in tensors)
    with path.open("wb") as file:
        file.write(head + field(7, length) + graph + ends)
        for i, tensor in enumerate(tensors):
            file.write(tensor)
            write_weight(file, i)


def write_external(path: Path) -> None:
    """Writes the model with its weights in a file beside it."""
    with path.with_suffix(".data").open("wb") as file:
        for i in range(LAYERS):
            write_weight(file, i)
    tensors = []
    for i in range(LAYERS):
        tensor = onnx.TensorProto(dims=[SIDE, SIDE], data_type=1, name=f"w{i}", data_location=1)
        places = {"location": path.with_suffix(".data").name, "offset": str(i * BYTES), "length": str(BYTES)}
        for key, text in places.items():
            tensor.external_data.add(key=key, value=text)
        tensors.append(tensor)
    nodes = [onnx.helper.make_node("MatMul", [f"x{i}", f"w{i}"], [f"x{i + 1}"]) for i in range(LAYERS)]
    value = lambda name: onnx.helper.make_tensor_value_info(name, 1, [1, SIDE])
    graph = onnx.helper.make_graph(nodes, "large", [value("x0")], [value(f"x{LAYERS}")], tensors)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())


def rows(i: int) -> np.ndarray:
    """The first rows of a weight; the others are 0, and take no space on the disk."""
    return np.random.default_rng(i).standard_normal((ROWS, SIDE)).astype(np.float32) / 8


def write_weight(file, i: int) -> None:
    start = file.tell()
    file.write(rows(i).tobytes())
    file.seek(start + BYTES - 4)
    file.write(b"\0\0\0\0")


def peak_kibibytes(command: list) -> int:
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    said = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, said
    return usage.ru_maxrss


def main() -> int:
    binary, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    x = np.random.default_rng(99).random((1, SIDE)).astype(np.float32)
    wanted = x
    for i in range(LAYERS):
        wanted = wanted[:, :ROWS] @ rows(i)
    fails = 0
    for name, write in (("inline", write_inline), ("external", write_external)):
        model = folder / f"{name}.onnx"
        write(model)
        profile_file, placed = folder / "profile.json", folder / "placement.json"
        subprocess.run([binary, "profile", model, "--output", profile_file], check=True, capture_output=True)
        graph = Graph(json.loads(profile_file.read_text()))
        placement = graph.placement(random.Random(1), 3, 0.0)
        placed.write_text(json.dumps(placement))
        for flags in ([], ["--copy-weights"]):
            out = folder / "out"
            took = peak_kibibytes([binary, "cut", model, "--placement", placed, "--output", out, *flags])
            # A process of its own: the peak of a new process begins with the memory of this one.
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                found = pool.apply(run_stages, (out, {"x0": x}, False))[f"x{LAYERS}"]
            differs = float(np.abs(found - wanted).max() / (wanted.max() - wanted.min()))
            files = ", ".join(f"{file.name} {file.stat().st_size}" for file in sorted(out.iterdir()) if file.name != "stages.json")
            ok = took <= MOST_KIBIBYTES and differs <= 1e-5
            fails += not ok
            print(f"{name} {' '.join(flags)}: at most {took} KiB, difference {differs:.2g}; {files}", flush=True)
            for file in out.iterdir():
                file.unlink()
        for file in folder.glob(f"{name}.*"):
            file.unlink()
    return int(fails > 0)


if __name__ == "__main__":
    sys.exit(main())
