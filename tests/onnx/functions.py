"""Writes a model with functions that call each other, with attributes of calls and defaults.

    python functions.py OUTPUT.onnx
"""

import sys

import numpy as np
import onnx
from onnx import AttributeProto, helper, numpy_helper


def referring(node: onnx.NodeProto, name: str, outer: str, kind: int) -> onnx.NodeProto:
    node.attribute.append(AttributeProto(name=name, ref_attr_name=outer, type=kind))
    return node


def model() -> onnx.ModelProto:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    leaky = referring(helper.make_node("LeakyRelu", ["x"], ["y"]), "alpha", "slope", AttributeProto.FLOAT)
    soft = helper.make_function("local", "Soft", ["x"], ["y"], [leaky], opsets[:1], attributes=["slope"])
    call = referring(helper.make_node("Soft", ["h"], ["y"], domain="local"), "slope", "outer_slope", AttributeProto.FLOAT)
    bias = helper.make_node("Constant", [], ["b"], value=numpy_helper.from_array(np.full(8, 0.25, np.float32)))
    add = helper.make_node("Add", ["x", "b"], ["h"])
    default = helper.make_attribute("outer_slope", 0.5)
    block = helper.make_function("local", "Block", ["x"], ["y"], [bias, add, call], opsets, attribute_protos=[default])
    same = helper.make_function("local", "Same", ["x"], ["y"], [helper.make_node("Identity", ["x"], ["y"])], opsets[:1])
    nodes = [
        helper.make_node("Block", ["x"], ["a"], name="block", domain="local"),
        helper.make_node("Block", ["a"], ["c"], name="later", domain="local", outer_slope=0.125),
        helper.make_node("MatMul", ["c", "w"], ["d"]),
        helper.make_node("Add", ["d", "a"], ["e"]),
        helper.make_node("Soft", ["e"], ["f"], domain="local", slope=0.75),
        helper.make_node("Same", ["e"], ["g"], domain="local"),
    ]
    weight = numpy_helper.from_array(np.random.default_rng(0).standard_normal((8, 8)).astype(np.float32), "w")
    value = lambda name: helper.make_tensor_value_info(name, 1, [4, 8])
    graph = helper.make_graph(nodes, "functions", [value("x")], [value(name) for name in ("f", "g", "a")], [weight])
    return helper.make_model(graph, opset_imports=opsets, functions=[soft, block, same], ir_version=9)


if __name__ == "__main__":
    onnx.save(model(), sys.argv[1])
