"""Quantises a model, profiles both versions, and checks that the smaller tensors are what travels.

    python smaller.py BINARY MODEL.onnx [flags]

Once to int8 with QuantizeLinear and DequantizeLinear, once to float16.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static


def profile(binary, path, flags):
    done = subprocess.run([binary, path, *flags], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{path}: {done.stderr}")
    return json.loads(done.stdout)


class RandomInputs(CalibrationDataReader):
    def __init__(self, shapes):
        random = numpy.random.default_rng(0)
        self.feeds = iter([{name: random.random(shape).astype("float32") for name, shape in shapes.items()}])

    def get_next(self):
        return next(self.feeds, None)


def to_float16(model):
    """Converts every tensor of 32-bit floats."""
    float32, float16 = onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16
    graph = model.graph
    weights = [tensor for tensor in graph.initializer]
    weights += [attribute.t for node in graph.node for attribute in node.attribute if attribute.type == 4]
    for tensor in weights:
        if tensor.data_type == float32:
            name = tensor.name
            with numpy.errstate(over="ignore"):
                halved = onnx.numpy_helper.to_array(tensor).astype("float16")
            tensor.CopyFrom(onnx.numpy_helper.from_array(halved, name))
    for info in [*graph.input, *graph.output, *graph.value_info]:
        if info.type.tensor_type.elem_type == float32:
            info.type.tensor_type.elem_type = float16
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == float32:
                attribute.i = float16
    return model


def travelling(found):
    """The bytes of all tensors that are not constant."""
    layers = zip(found["document"]["layers"], found["report"]["tensors"])
    return sum(layer["output_bytes"] for layer, tensor in layers if not tensor["is_constant"])


def main():
    binary, path, *flags = sys.argv[1:]
    whole = profile(binary, path, flags)
    shapes = {entry["name"]: entry["shape"] for entry in whole["report"]["inputs"]}
    total = lambda found: sum(layer["param_bytes"] for layer in found["document"]["layers"])
    with tempfile.TemporaryDirectory() as folder:
        small = pathlib.Path(folder) / "int8.onnx"
        quantize_static(path, small, RandomInputs(shapes), quant_format=QuantFormat.QDQ, weight_type=QuantType.QInt8)
        int8 = profile(binary, small, flags)
        half = pathlib.Path(folder) / "float16.onnx"
        onnx.save(to_float16(onnx.load(path)), half)
        float16 = profile(binary, half, flags)
    # The weights and each QuantizeLinear's tensor take a quarter.
    assert 0.25 <= total(int8) / total(whole) < 0.27, (total(int8), total(whole))
    sizes = {tensor["layer_id"]: (tensor["shape"], tensor["element_type"]) for tensor in int8["report"]["tensors"]}
    quantised = [layer for layer in int8["document"]["layers"] if layer["op"] == "QuantizeLinear"]
    assert len(quantised) > 20
    for layer in quantised:
        shape, element = sizes[layer["id"]]
        assert element in ("int8", "uint8") and layer["output_bytes"] == numpy.prod(shape), layer
    half_of = lambda figure: figure(float16) / figure(whole)
    assert 0.5 <= half_of(total) < 0.51 and 0.5 <= half_of(travelling) < 0.51, (half_of(total), half_of(travelling))
    print(f"int8: {total(int8) / total(whole):.3f} of the parameters, {len(quantised)} quantised tensors;", end=" ")
    print(f"float16: {half_of(total):.3f} of the parameters, {half_of(travelling):.3f} of the tensors")


main()
