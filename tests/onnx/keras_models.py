"""Exports four Keras models, profiles them, and compares with the profiles in examples/models. Run by hand:

    python3 -m venv VENV && VENV/bin/pip install tensorflow-cpu==2.21.0 tf2onnx==1.17.0 onnx==1.23.2 onnxruntime==1.32.0
    cargo build --release --package cutpoint-onnx --example profile
    VENV/bin/python tests/onnx/keras_models.py target/release/examples/profile FOLDER

The exports go into FOLDER and are taken from there the next time. Exporters fold batch normalisations and paddings into
convolutions, which the examples have as layers, and merge equal weights; so the exporter is told not to. Parameters must equal those of the file
and be within 1 % of the example, operations within 2 %. The bytes at the points where one tensor alone crosses must be
the same sequence, where equal neighbours count once.
"""

import itertools
import json
import os
import pathlib
import subprocess
import sys

SIZES = {"ResNet50": 224, "MobileNetV2": 224, "EfficientNetB1": 240, "InceptionResNetV2": 299}


def export(name, path):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import tensorflow
    import tf2onnx
    from tensorflow.core.protobuf import rewriter_config_pb2
    from tensorflow.python.grappler import tf_optimizer
    from tf2onnx import optimizer, tfonnx
    from tf2onnx.optimizer import back_to_back_optimizer

    back_to_back_optimizer._func_map.pop(("Conv", "BatchNormalization"), None)
    # Four statistics would become two, and equal ones be merged.
    for name_of_optimizer in ("fold_constants", "merge_duplication"):
        optimizer._optimizers.pop(name_of_optimizer, None)
    fold = tfonnx.compute_const_folding_using_tf

    def fold_shapes_alone(*arguments):
        values, types = fold(*arguments)
        return {name: value for name, value in values.items() if value.dtype.kind != "f"}, types

    tfonnx.compute_const_folding_using_tf = fold_shapes_alone
    tfonnx.rewrite_conv2d_with_pad = lambda graph, operators: operators
    optimize = tf_optimizer.OptimizeGraph

    def without_folding(config, graph, **options):
        names = config.graph_options.rewrite_options.optimizers
        kept = [optimizer for optimizer in names if optimizer != "constfold"]
        del names[:]
        names.extend(kept)
        config.graph_options.rewrite_options.remapping = rewriter_config_pb2.RewriterConfig.OFF
        return optimize(config, graph, **options)

    tf_optimizer.OptimizeGraph = without_folding
    model = getattr(keras.applications, name)(weights=None)
    signature = [tensorflow.TensorSpec((1, SIZES[name], SIZES[name], 3), tensorflow.float32, name="x")]
    function = tensorflow.function(lambda x: model(x, training=False), input_signature=signature)
    tf2onnx.convert.from_function(function, input_signature=signature, opset=17, output_path=str(path))


def single_tensor_bytes(document):
    """The bytes of tensors that every path from an input to an output goes through, in order."""
    layers = {layer["id"]: layer for layer in document["layers"]}
    makers = {layer: [] for layer in layers}
    readers = {layer: [] for layer in layers}
    for edge in document["edges"]:
        makers[edge["to"]].append(edge["from"])
        readers[edge["from"]].append(edge["to"])
    waiting = {layer: len(makers[layer]) for layer in layers}
    order = [layer for layer in layers if not waiting[layer]]
    for layer in order:
        for reader in readers[layer]:
            waiting[reader] -= 1
            if not waiting[reader]:
                order.append(reader)
    # Constants are not reached from inputs.
    reached = set()
    for layer in order:
        if any(maker in reached for maker in makers[layer]) or not makers[layer] and not layers[layer]["param_bytes"]:
            reached.add(layer)
    order = [layer for layer in order if layer in reached]
    to, after = {}, {}
    for layer in order:
        to[layer] = sum(to[maker] for maker in makers[layer] if maker in reached) or 1
    for layer in reversed(order):
        after[layer] = sum(after[reader] for reader in readers[layer]) or 1
    paths = sum(to[layer] for layer in order if not readers[layer])
    crossing = [layers[layer]["output_bytes"] for layer in order if to[layer] * after[layer] == paths]
    return [size for size, _ in itertools.groupby(crossing)]


def file_bytes(path):
    import onnx

    graph = onnx.load(path).graph
    return sum(onnx.numpy_helper.to_array(tensor).nbytes for tensor in graph.initializer)


def main():
    binary, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    examples = pathlib.Path(__file__).parents[2] / "examples" / "models"
    fails = 0
    for name in SIZES:
        path = folder / f"{name}.onnx"
        if not path.exists():
            export(name, path)
        done = subprocess.run([binary, path], capture_output=True, text=True, check=True)
        ours = json.loads(done.stdout)["document"]
        example = json.loads((examples / f"{name}.json").read_text())
        total = lambda document, field: sum(layer[field] for layer in document["layers"])
        params, flops = (total(ours, field) / total(example, field) - 1 for field in ("param_bytes", "flops"))
        same_file = total(ours, "param_bytes") == file_bytes(path)
        same_cuts = single_tensor_bytes(ours) == single_tensor_bytes(example)
        good = same_file and abs(params) <= 0.01 and abs(flops) <= 0.02 and same_cuts
        fails += not good
        print(
            f"{name:18} parameters {params:+.2%} ({'equal to' if same_file else 'other than'} the file's), operations {flops:+.2%},"
            f" {'the same' if same_cuts else 'other'} boundary bytes: {'good' if good else 'NOT GOOD'}"
        )
        if not same_cuts:
            print("  ours   ", single_tensor_bytes(ours))
            print("  example", single_tensor_bytes(example))
    sys.exit(fails > 0)


main()
