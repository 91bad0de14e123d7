"""Runs paced pipelines over emulated networks and compares their period and latency with the prediction.

    python tests/truth/run.py [--keep DIR] [REGIME...]

Needs Linux with iproute2 and util-linux, root or user namespaces, and the packages cutpoint-runner and onnx. A stage
runs its real session and then sleeps until its planned time. So the comparison is about the network, the runner and the
structure of the pipeline, and holds on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from law import predicted
from network import device, in_namespace, measured_goodput
from pipeline_folder import write_folder
from regimes import REGIMES, Regime

PERIOD_TOLERANCE = 0.03
LATENCY_TOLERANCE = 0.10
# The first 14 are the warm-up. One inference more or less in the pipeline at the end of a run is 1 % of the rest.
_STREAMED = 110
_ALONE = 18
_INSIDE = "CUTPOINT_TRUTH_NAMESPACE"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("regimes", nargs="*", metavar="REGIME", help="parts of names; all regimes if absent")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the logs of the processes here")
    arguments = parser.parse_args()
    wanted = [r for r in REGIMES if not arguments.regimes or any(part in r.name for part in arguments.regimes)]
    if not wanted:
        parser.error(f"no regime is called so; there are {', '.join(regime.name for regime in REGIMES)}")
    if os.environ.get(_INSIDE) is None:
        # Each regime has namespaces of its own, which end with its process, however it ends.
        return max(_run_inside(regime, arguments.keep) for regime in wanted)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    (regime,) = wanted
    return 0 if _compare(regime, arguments.keep) else 1


def _run_inside(regime: Regime, keep: Path | None) -> int:
    kept = [] if keep is None else ["--keep", str(keep / regime.name.replace(" ", "-"))]
    command = ["unshare", "--map-root-user", "--net", "--mount", sys.executable, __file__, *kept, regime.name]
    return subprocess.run(command, env={**os.environ, _INSIDE: "1"}, check=False).returncode


def _compare(regime: Regime, keep: Path | None) -> bool:
    regime.network.build()
    sender, receiver, _ = regime.pipeline.transfers()[0]
    shared = regime.network.medium_bps is not None
    goodput_bps = measured_goodput(sender, receiver, both_ways=not shared)
    with tempfile.TemporaryDirectory() as folder:
        summary = _measure(regime, Path(folder), keep or Path(folder) / "logs")
    period_s, latency_s = predicted(regime.pipeline, goodput_bps, shared)
    (measured,) = summary["pipelines"]
    errors = measured["period_s"] / period_s - 1, measured["latency"]["mean_s"] / latency_s - 1
    passed = abs(errors[0]) <= PERIOD_TOLERANCE and abs(errors[1]) <= LATENCY_TOLERANCE and measured["lost"] == 0
    print(
        f"{regime.name}: goodput {goodput_bps / 1e6:.2f} Mbit/s; "
        f"period {measured['period_s']:.4f} s, predicted {period_s:.4f} s, {errors[0]:+.2%}; "
        f"latency {measured['latency']['mean_s']:.4f} s, predicted {latency_s:.4f} s, {errors[1]:+.2%}; "
        f"lost {measured['lost']}: {'passed' if passed else 'FAILED'}",
        flush=True,
    )
    return passed


def _measure(regime: Regime, folder: Path, logs: Path) -> dict:
    write_folder(folder, regime.pipeline)
    pipeline = regime.pipeline

    def start(at: int, *words: str, **more) -> subprocess.Popen:
        common = ["--stages", str(folder / "stages.json"), "--log-dir", str(logs)]
        command = [*in_namespace(device(at)), sys.executable, "-m", "cutpoint_runner", *words, *common]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, **more)

    sink = start(pipeline.sink, "sink", "--forever", stderr=subprocess.DEVNULL)
    stages = [
        start(at, "stage", "--index", str(i), "--pace", "--threads", "1", stderr=subprocess.DEVNULL)
        for i, at in enumerate(pipeline.devices)
    ]
    try:
        for words in (["--one-at-a-time", "--count", str(_ALONE)], ["--count", str(_STREAMED)]):
            fed = start(pipeline.source, "feed", *words, stderr=subprocess.PIPE, text=True)
            errors = fed.communicate(timeout=300)[1]
            if fed.returncode:
                raise SystemExit(f"the source failed:\n{errors}")
    finally:
        for process in [*stages, sink]:
            process.terminate()
        for process in [*stages, sink]:
            process.wait(30)
    command = [sys.executable, "-m", "cutpoint_runner", "summarize", str(logs)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


if __name__ == "__main__":
    sys.exit(main())
