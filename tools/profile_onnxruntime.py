#!/usr/bin/env python3
"""Profiles an ONNX model with onnxruntime on the device where it runs.

    pip install onnxruntime
    python3 profile_onnxruntime.py model.onnx --output measured [--dim batch=1] [--input x=1x3x48x320] [--threads 4]

Writes into the folder:
  optimized.onnx   the model as onnxruntime optimises it: import this one, so that names match
  profile.json     onnxruntime's profile of the optimised model
  session.json     the mean seconds of a whole run without the profiler

Optimisations are those that any machine can read (`extended`). Files that cannot be read, inputs whose shape is not
known, and types that cannot be made up end the script with a message and status 1.
"""

import argparse
import json
import os
import sys
import time

TYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int16)": "int16",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="an ONNX file")
    parser.add_argument("--output", required=True, metavar="FOLDER", help="where files are written")
    parser.add_argument("--dim", action="append", default=[], metavar="NAME=N", help="size of a named dimension")
    parser.add_argument(
        "--input", action="append", default=[], metavar="NAME=NxNxN", help="whole shape of an input, for dimensions without a name"
    )
    parser.add_argument("--threads", type=int, default=0, help="threads of an operator; 0 lets onnxruntime choose")
    parser.add_argument("--runs", type=int, default=30, help="runs that are measured (default 30)")
    parser.add_argument("--warm-up", type=int, default=5, help="runs before these (default 5)")
    parser.add_argument(
        "--optimize", choices=["basic", "extended", "all"], default="extended",
        help="all also lays tensors out for this machine alone (default extended)",
    )
    chosen = parser.parse_args()
    if chosen.runs < 1 or chosen.warm_up < 0 or chosen.threads < 0:
        parser.error("--runs must be at least 1, --warm-up and --threads at least 0")
    return chosen


def dimensions(pairs):
    sizes = {}
    for pair in pairs:
        name, _, size = pair.partition("=")
        if not size.isdigit() or int(size) < 1:
            sys.exit(f"--dim {pair}: give NAME=N with N of at least 1")
        sizes[name] = int(size)
    return sizes


def shapes(pairs):
    wanted = {}
    for pair in pairs:
        name, _, text = pair.rpartition("=")
        numbers = text.split("x")
        if not name or not all(number.isdigit() and int(number) > 0 for number in numbers):
            sys.exit(f"--input {pair}: give NAME=NxNxN with numbers of at least 1")
        wanted[name] = [int(number) for number in numbers]
    return wanted


def made_up_inputs(session, sizes, given):
    """Makes inputs of ones of the shapes that the model wants."""
    import numpy

    feeds, missing = {}, []
    for wanted in session.get_inputs():
        if wanted.type not in TYPES:
            sys.exit(f"the input {wanted.name} is a {wanted.type}, which this script cannot make up")
        shape = [size if isinstance(size, int) else sizes.get(size) for size in wanted.shape]
        shape = given.pop(wanted.name, shape)
        missing += [f"{name} (of {wanted.name})" for name, size in zip(wanted.shape, shape) if size is None]
        if None not in shape:
            feeds[wanted.name] = numpy.ones(shape, TYPES[wanted.type])
    if missing:
        names = ", ".join(map(str, missing))
        sys.exit(f"the sizes of these dimensions are not known: {names}. Give --dim NAME=N, or --input NAME=NxNxN")
    if given:
        sys.exit(f"the model has no input {', '.join(given)}")
    return feeds


def session_of(model, chosen, level, **options):
    import onnxruntime

    wanted = onnxruntime.SessionOptions()
    wanted.graph_optimization_level = level
    wanted.intra_op_num_threads = chosen.threads
    wanted.log_severity_level = 3
    for name, value in options.items():
        setattr(wanted, name, value)
    return onnxruntime.InferenceSession(model, wanted, providers=["CPUExecutionProvider"])


def main():
    chosen = arguments()
    sizes, given = dimensions(chosen.dim), shapes(chosen.input)
    try:
        import onnxruntime
    except ImportError:
        sys.exit("onnxruntime is not installed: pip install onnxruntime")
    levels = onnxruntime.GraphOptimizationLevel
    level = {"basic": levels.ORT_ENABLE_BASIC, "extended": levels.ORT_ENABLE_EXTENDED, "all": levels.ORT_ENABLE_ALL}
    os.makedirs(chosen.output, exist_ok=True)
    optimized = os.path.join(chosen.output, "optimized.onnx")
    try:
        session_of(chosen.model, chosen, level[chosen.optimize], optimized_model_filepath=optimized)
    except Exception as error:  # onnxruntime raises a type of its own for each cause
        sys.exit(f"{chosen.model} cannot be loaded: {error}")

    # What runs is what was written: no optimisation changes it once more.
    plain = session_of(optimized, chosen, levels.ORT_DISABLE_ALL)
    feeds = made_up_inputs(plain, sizes, given)
    for _ in range(chosen.warm_up):
        plain.run(None, feeds)
    started = time.perf_counter()
    for _ in range(chosen.runs):
        plain.run(None, feeds)
    mean = (time.perf_counter() - started) / chosen.runs
    del plain

    prefix = os.path.join(chosen.output, "onnxruntime")
    profiled = session_of(
        optimized, chosen, levels.ORT_DISABLE_ALL, enable_profiling=True, profile_file_prefix=prefix)
    # The first run is a warm-up: cutpoint leaves it out.
    for _ in range(chosen.runs + 1):
        profiled.run(None, feeds)
    os.replace(profiled.end_profiling(), os.path.join(chosen.output, "profile.json"))
    with open(os.path.join(chosen.output, "session.json"), "w") as file:
        facts = {"session_s": mean, "runs": chosen.runs, "threads": chosen.threads, "onnxruntime": onnxruntime.__version__}
        json.dump(facts, file, indent=1)
        file.write("\n")
    print(f"{chosen.output}: one run takes {mean:.6f} s (--session-s {mean:.6g})")


if __name__ == "__main__":
    main()
