"""Compares the profile of an ONNX file with what `onnx` and `onnxruntime` say of it.

    python check.py BINARY MODEL.onnx [--dim batch=1] [--input x=1x3x224x224] [--value sr=16000]

Parameter bytes must equal the sum over the initializers and constants that an output depends on,
outputs of ConstantOfShape included. The bytes of every other tensor must equal those of what
onnxruntime makes with all tensors as outputs.
"""

import json
import math
import subprocess
import sys

import numpy
import onnx
import onnxruntime

BITS = {"INT4": 4, "UINT4": 4, "FLOAT4E2M1": 4, "INT2": 2, "UINT2": 2, "FLOAT6E2M3": 6, "FLOAT6E3M2": 6}


def element_bits(number):
    name = onnx.TensorProto.DataType.Name(number)
    return BITS.get(name) or 8 * onnx.helper.tensor_dtype_to_np_dtype(number).itemsize


def tensor_bytes(tensor):
    if tensor.data_type == onnx.TensorProto.STRING:
        return sum(map(len, tensor.string_data))
    return math.ceil(math.prod(tensor.dims) * element_bits(tensor.data_type) / 8)


def constant_bytes(node):
    """The bytes of a Constant node."""
    (attribute,) = node.attribute
    value = onnx.helper.get_attribute_value(attribute)
    match attribute.name:
        case "value":
            return tensor_bytes(value)
        case "value_int":
            return 8
        case "value_float":
            return 4
        case "value_ints":
            return 8 * len(value)
        case "value_floats":
            return 4 * len(value)
    raise ValueError(f"{node.name}: an attribute {attribute.name}")


def inline_branches(graph, taken):
    """Replaces each If by the branch that the profile took."""
    nodes = []
    for node in graph.node:
        if node.op_type != "If":
            nodes.append(node)
            continue
        branch = taken[node.name or node.output[0]] + "_branch"
        (body,) = (attribute.g for attribute in node.attribute if attribute.name == branch)
        inline_branches(body, taken)
        graph.initializer.extend(body.initializer)
        nodes.extend(body.node)
        for inner, outer in zip(body.output, node.output):
            nodes.append(onnx.helper.make_node("Identity", [inner.name], [outer]))
    nodes = list(nodes)
    del graph.node[:]
    graph.node.extend(nodes)


def parameter_bytes(graph, made):
    """The bytes of the initializers and constants that an output depends on."""
    maker = {output: node for node in graph.node for output in node.output if output}
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    live, waiting = set(), [output.name for output in graph.output]
    while waiting:
        name = waiting.pop()
        if name and name not in live:
            live.add(name)
            if name in maker:
                waiting.extend(maker[name].input)
    constant = set(initializers)
    total = sum(tensor_bytes(tensor) for name, tensor in initializers.items() if name in live)
    for node in graph.node:
        if node.op_type == "Constant":
            constant.update(node.output)
            if live & set(node.output):
                total += constant_bytes(node)
        elif node.input and all(not name or name in constant for name in node.input):
            constant.update(node.output)
            if node.op_type == "ConstantOfShape" and live & set(node.output):
                total += made[node.output[0]]
    return total


def run(model, report, values):
    """The bytes of every tensor of the main graph, as onnxruntime makes them."""
    shapes = {entry["name"]: entry for entry in report["inputs"]}
    names = [output for node in model.graph.node for output in node.output if output]
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    have = {output.name for output in model.graph.output}
    for name in names:
        if name not in have:
            whole.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(whole.SerializeToString(), options, providers=["CPUExecutionProvider"])
    random = numpy.random.default_rng(0)
    feed = {}
    for entry in session.get_inputs():
        if entry.name not in shapes:
            continue
        dtype = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64"}.get(entry.type)
        dtype = dtype or entry.type[7:-1]
        shape = shapes[entry.name]["shape"]
        if entry.name in values:
            feed[entry.name] = numpy.array(values[entry.name], dtype=dtype).reshape(shape)
        elif dtype.startswith("float"):
            feed[entry.name] = random.random(shape).astype(dtype)
        else:
            feed[entry.name] = numpy.ones(shape, dtype=dtype)
    order = [output.name for output in session.get_outputs()]
    return {name: array.nbytes for name, array in zip(order, session.run(order, feed)) if hasattr(array, "nbytes")}


def main():
    binary, path, *flags = sys.argv[1:]
    done = subprocess.run([binary, path, *flags], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"refused: {done.stderr.strip()}")
    profile = json.loads(done.stdout)
    document, report = profile["document"], profile["report"]
    values = dict(flags[at + 1].split("=") for at, flag in enumerate(flags) if flag == "--value")
    values = {name: [int(number) for number in text.split(",")] for name, text in values.items()}
    model = onnx.load(path)
    inline_branches(model.graph, {branch["node"]: branch["taken"] for branch in report["branches"]})
    made = run(model, report, values)
    total = parameter_bytes(model.graph, made)
    profiled = sum(layer["param_bytes"] for layer in document["layers"])
    if profiled != total:
        sys.exit(f"{profiled} bytes of parameters, the file has {total}")
    compared = 0
    for layer, tensor in zip(document["layers"], report["tensors"]):
        name = tensor.get("name", layer["id"])
        if name in made and tensor["source"] != "guessed":
            if made[name] != layer["output_bytes"]:
                sys.exit(f"{name} has {layer['output_bytes']} bytes in the profile and {made[name]} when it runs")
            compared += 1
    live = sum(not tensor["is_constant"] for tensor in report["tensors"])
    if compared < live // 2:
        sys.exit(f"only {compared} of {live} tensors were compared")
    flops = sum(layer["flops"] for layer in document["layers"])
    print(f"{len(document['layers'])} layers, {profiled} bytes of parameters, {flops} operations, {compared} tensors compared")


main()
