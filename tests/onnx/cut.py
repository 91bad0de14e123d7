"""Cuts a model at the proven placement and at random ones, and runs the stages in turn.

    python cut.py BINARY MODEL.onnx [FLAGS OF cutpoint profile] [-- FLAGS OF cutpoint cut]

What the last stage gives must be what the whole model gives, to 1e-5 of its range without optimisations of the graph.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

from placements import Graph, proven

RANDOM_PLACEMENTS = 10
MOST_DIFFERENCE = 1e-5


def session(path: Path, optimised: bool) -> ort.InferenceSession:
    options = ort.SessionOptions()
    level = ort.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def drawn(tensor: dict, values: dict[str, list[int]]) -> np.ndarray:
    """Returns an input with the values that were set, or random ones."""
    kind, shape = np.dtype(tensor["type"]), tensor["shape"]
    if tensor["name"] in values:
        return np.array(values[tensor["name"]], kind).reshape(shape)
    draw = np.random.default_rng(7)
    if kind.kind == "f":
        return draw.random(shape).astype(kind)
    return draw.integers(0, 2, shape).astype(kind)


def run_stages(folder: Path, feeds: dict, optimised: bool) -> dict[str, np.ndarray]:
    """Runs the stages in turn. Only what stages.json lists travels."""
    arrived = feeds
    for stage in json.loads((folder / "stages.json").read_text())["stages"]:
        assert sorted(arrived) == sorted(tensor["name"] for tensor in stage["inputs"]), "a stage receives other tensors"
        runs = session(folder / stage["file"], optimised)
        fed = [node.name for node in runs.get_inputs()]
        made = [node.name for node in runs.get_outputs()]
        results = dict(zip(made, runs.run(made, {name: arrived[name] for name in fed}))) if made else {}
        everything = {**arrived, **results}
        arrived = {}
        for tensor in stage["outputs"]:
            array = everything[tensor["name"]]
            found = (str(array.dtype), list(array.shape), array.nbytes)
            assert found == (tensor["type"], tensor["shape"], tensor["bytes"]), f"{tensor} is {found}"
            arrived[tensor["name"]] = array
    return arrived


def difference(found: dict, wanted: dict) -> float:
    """Returns the largest difference of an output by its range."""
    assert list(found) == list(wanted), f"outputs are {list(found)}, not {list(wanted)}"
    largest = 0.0
    for name, array in wanted.items():
        other = found[name]
        assert other.shape == array.shape and other.dtype == array.dtype, name
        assert np.array_equal(np.isnan(other), np.isnan(array)) if array.dtype.kind == "f" else True, name
        a, b = np.nan_to_num(array.astype(np.float64)), np.nan_to_num(other.astype(np.float64))
        if a.size:
            span = float(a.max() - a.min()) or max(float(np.abs(a).max()), 1e-30)
            largest = max(largest, float(np.abs(a - b).max()) / span)
    return largest


def values_of(flags: list[str]) -> dict[str, list[int]]:
    texts = [flags[place + 1] for place, flag in enumerate(flags) if flag == "--value"]
    return {text.split("=")[0]: [int(part) for part in text.split("=")[1].split(",")] for text in texts}


def main() -> int:
    binary, model, *flags = sys.argv[1:]
    cut_flags = flags[flags.index("--") + 1 :] if "--" in flags else []
    flags = flags[: flags.index("--")] if "--" in flags else flags
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        profile_file = folder / "profile.json"
        subprocess.run([binary, "profile", model, *flags, "--output", profile_file], check=True, capture_output=True)
        graph = Graph(json.loads(profile_file.read_text()))
        draw = random.Random(str(Path(model).name))
        placements = [proven(binary, profile_file, 3)]
        for number in range(RANDOM_PLACEMENTS):
            placements.append(graph.placement(draw, draw.randint(2, 5), [0.0, 0.05, 1.0][number % 3]))
        whole = {}
        worst = {False: 0.0, True: 0.0}
        most_tensors = most_relayed = 0
        for number, placement in enumerate(placements):
            out = folder / f"out-{number}"
            placed = folder / "placement.json"
            placed.write_text(json.dumps(placement))
            done = subprocess.run(
                [binary, "cut", model, *flags, "--placement", placed, "--output", out, *cut_flags], capture_output=True, text=True
            )
            if done.returncode:
                print(f"placement {number} is not cut: {done.stderr.strip()}")
                return 1
            stages = json.loads((out / "stages.json").read_text())["stages"]
            for stage in stages:
                onnx.checker.check_model(str(out / stage["file"]))
                relayed = {t["name"] for t in stage["inputs"]} & {t["name"] for t in stage["outputs"]}
                most_relayed = max(most_relayed, len(relayed))
            most_tensors = max([most_tensors, *(len(stage["inputs"]) for stage in stages[1:])])
            feeds = {tensor["name"]: drawn(tensor, values_of(flags)) for tensor in stages[0]["inputs"]}
            for optimised in (False, True):
                if optimised not in whole:
                    runs = session(Path(model), optimised)
                    names = [node.name for node in runs.get_outputs()]
                    # What nothing reads once a branch is taken is no input of a stage.
                    unread = {node.name for node in runs.get_inputs()} - set(feeds)
                    set_ones = {name: np.array(values_of(flags)[name], np.int64) for name in unread}
                    set_ones = {name: array.reshape(()) if array.size == 1 else array for name, array in set_ones.items()}
                    whole[optimised] = dict(zip(names, runs.run(names, feeds | set_ones)))
                found = difference(run_stages(out, feeds, optimised), whole[optimised])
                worst[optimised] = max(worst[optimised], found)
                if not optimised and found > MOST_DIFFERENCE:
                    print(f"placement {number}: outputs differ by {found:.3g} of their range")
                    return 1
    print(
        f"{len(placements)} placements, up to {most_tensors} tensors cross and {most_relayed} are relayed; "
        f"differences {worst[False]:.2g}, {worst[True]:.2g} with optimisations"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
