"""Writes a model of images with its convolutions in int8, as QuantizeLinear and DequantizeLinear.

    python quantised.py MODEL.onnx OUTPUT.onnx INPUT=NxNxNxN
"""

import sys

import numpy
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static


class RandomInput(CalibrationDataReader):
    def __init__(self, name, shape):
        self.feeds = iter([{name: numpy.random.default_rng(0).random(shape).astype("float32")}])

    def get_next(self):
        return next(self.feeds, None)


if __name__ == "__main__":
    source, target, given = sys.argv[1:]
    name, shape = given.split("=")
    reader = RandomInput(name, [int(size) for size in shape.split("x")])
    quantize_static(source, target, reader, quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
