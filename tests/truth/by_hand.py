"""Five real models on devices of different speeds, not paced: is the period true after one calibration?

    BY_HAND=1 bash tests/truth/run.sh [--keep DIR] [MODEL...]

The layers are measured with onnxruntime on each device first, as docs/profiling.md does. The stages of the first plan run
under quotas of the processor, `cutpoint calibrate` corrects the profile and the cluster, and the second plan, made of
these alone, runs. Needs root for the quotas, and a machine with
nothing else to do: what other programs take of the processor is part of what is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pipeline
from network import Network, device, measure
from product import Product, times
from quotas import Quotas
from regimes import SINK, Regime

TOLERANCE = 0.05
_NEEDED = 4
# Shares of a core: so little that compute is what takes long, and that the machine has enough for all.
_SHARES = {2: 0.08, 3: 0.10, 4: 0.12}
_REGIME = Regime("quotas", (), Network(5), 0.0)
_INSIDE = "CUTPOINT_TRUTH_NAMESPACE"


@dataclass(frozen=True)
class Model:
    name: str
    # Below the folder of unpacked wheels.
    file: str
    flags: tuple[str, ...]
    streamed: int = 160


_OCR = "rapidocr_onnxruntime/models"
MODELS = (
    Model("detector of people", "nudenet/320n.onnx", ("--input", "images=1x3x320x320")),
    Model("text detector", f"{_OCR}/ch_PP-OCRv4_det_infer.onnx", ("--input", "x=1x3x320x320")),
    Model("text reader", f"{_OCR}/ch_PP-OCRv4_rec_infer.onnx", ("--input", "x=1x3x48x320")),
    Model("reader of characters", "ddddocr/common_old.onnx", ("--dim", "image_width=200")),
    Model("character detector", "ddddocr/common_det.onnx", (), streamed=80),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="MODEL", help="parts of names; all models if absent")
    parser.add_argument("--binary", type=Path, required=True, help="the command cutpoint")
    parser.add_argument("--models", type=Path, required=True, help="the folder of unpacked wheels")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep all files here, a folder for each model")
    arguments = parser.parse_args()
    wanted = [m for m in MODELS if not arguments.names or any(part in m.name for part in arguments.names)]
    if os.environ.get(_INSIDE) is None:
        # Namespaces end with the process that made them.
        command = ["unshare", "--map-root-user", "--net", "--mount", sys.executable, *sys.argv]
        return subprocess.run(command, env={**os.environ, _INSIDE: "1"}, check=False).returncode
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    _REGIME.network.build()
    with Quotas({device(i): share for i, share in _SHARES.items()}) as quotas:
        true = [_is_true(model, arguments, quotas) for model in wanted]
    print(f"{sum(true)} of {len(true)} periods are within {TOLERANCE:.0%} after one calibration")
    return 0 if sum(true) >= min(_NEEDED, len(true)) else 1


def _is_true(model: Model, arguments: argparse.Namespace, quotas: Quotas) -> bool:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if arguments.keep is not None:
            folder = arguments.keep / model.name.replace(" ", "-")
        first, second = folder / "first", folder / "second"
        first.mkdir(parents=True)
        product = Product(arguments.binary, arguments.models / model.file, model.flags, first)
        measure(_REGIME.network, _REGIME.pairs(), first / "iperf3")
        product.profile_with_times([device(i) for i in _SHARES], quotas.wrapped)
        product.inventory(_REGIME, {i: {"device_class": device(i)} for i in _SHARES})
        before = _run(product, first, model.streamed, quotas)
        product.calibrate(second)
        again = product.of_the_same_model(second)
        same = again.predicted(
            "cluster.json", _REGIME, json.loads((first / "placement.json").read_text(encoding="utf-8"))
        )
        after = _run(again, second, model.streamed, quotas)
    error_of_same = same["period_s"] / before["measured"]["period_s"] - 1
    error = after["predicted"]["period_s"] / after["measured"]["period_s"] - 1
    print(
        f"{model.name}: measured layers, {_line(before)}; the same stages, calibrated, {error_of_same:+.1%}; "
        f"the next plan {_line(after)}",
        flush=True,
    )
    return abs(error) <= TOLERANCE


def _run(product: Product, folder: Path, streamed: int, quotas: Quotas) -> dict:
    placement = product.plan(_REGIME)
    product.cut(_REGIME)
    flags = ["--threads", "1"]
    ends = device(_REGIME.source), device(SINK)
    summary = pipeline.run(folder, *ends, pipeline.Feeds(streamed), flags, quotas.wrapped)
    (measured,) = summary["pipelines"]
    comparison = {
        "stages": [stage["node_id"] for stage in placement["pipelines"][0]["stages"]],
        "predicted": times(placement),
        "measured": pipeline.times(measured),
    }
    (folder / "comparison.json").write_text(json.dumps(comparison, indent=2), encoding="utf-8")
    return comparison


def _line(of: dict) -> str:
    def error(figure: str) -> str:
        return f"{of['predicted'][figure] / of['measured'][figure] - 1:+.1%}"

    measured, predicted = of["measured"]["period_s"], of["predicted"]["period_s"]
    return (
        f"on {len(of['stages'])} devices period {measured:.4f} s, predicted {predicted:.4f} s, {error('period_s')}, "
        f"latency {error('latency_s')}"
    )


if __name__ == "__main__":
    sys.exit(main())
