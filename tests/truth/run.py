"""Runs paced pipelines over emulated networks and compares their period and latency with the planner's documents.

    python tests/truth/run.py --binary CUTPOINT --model MODEL.onnx [--keep DIR] [REGIME...]

Each regime goes the way of a user: `cutpoint profile` of a real model, `cutpoint inventory` of what iperf3 measured,
`cutpoint plan`, `cutpoint cut`, runners, and `cutpoint-runner summarize`. A stage runs its real session and then sleeps
until its planned time. So the comparison is about the network, the runner and the structure of the pipeline, and holds
on a busy machine. Regimes run at the same time, each with networks of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pipeline
from network import device, measure
from product import Product
from product import times as product_times
from regimes import HOSTS, REGIMES, SINK, Regime

PERIOD_TOLERANCE = 0.03
LATENCY_TOLERANCE = 0.10
_MORE_ATTEMPTS = 2
# The part of a period that is all of it, but for rounding.
_ALL = 1 - 1e-6
_SHAPE = ("--input", "x=1x3x96x384")
_INSIDE = "CUTPOINT_TRUTH_NAMESPACE"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("regimes", nargs="*", metavar="REGIME", help="parts of names; all regimes if absent")
    parser.add_argument("--binary", type=Path, required=True, help="the command cutpoint")
    parser.add_argument("--model", type=Path, required=True, help="the ONNX file")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep all files here, a folder for each regime")
    parser.add_argument("--jobs", type=int, default=len(REGIMES), metavar="N", help="regimes that run at once [all]")
    arguments = parser.parse_args()
    wanted = [r for r in REGIMES if not arguments.regimes or any(part in r.name for part in arguments.regimes)]
    if not wanted:
        parser.error(f"no regime is called so; there are {', '.join(regime.name for regime in REGIMES)}")
    if os.environ.get(_INSIDE) is not None:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
        (regime,) = wanted
        return 0 if _compare(regime, arguments) else 1
    with ThreadPoolExecutor(arguments.jobs) as at_once:
        statuses = list(at_once.map(lambda regime: _run_inside(regime, arguments), wanted))
    failed = [regime for regime, status in zip(wanted, statuses) if status]
    for attempt in range(_MORE_ATTEMPTS):
        # A wrong prediction is wrong each time. A machine that stalls is not, and has less to do with one regime.
        if failed:
            print(f"once more, one at a time: {', '.join(regime.name for regime in failed)}", flush=True)
        failed = [regime for regime in failed if _run_inside(regime, arguments, attempt + 1)]
    return 1 if failed else 0


def _run_inside(regime: Regime, arguments: argparse.Namespace, attempt: int = 0) -> int:
    """Runs a regime in namespaces of its own, which end with its process, however it ends."""
    flags = ["--binary", str(arguments.binary), "--model", str(arguments.model)]
    if arguments.keep is not None:
        flags += ["--keep", str(arguments.keep / f"attempt-{attempt}")]
    command = ["unshare", "--map-root-user", "--net", "--mount", sys.executable, __file__, *flags, regime.name]
    return subprocess.run(command, env={**os.environ, _INSIDE: "1"}, check=False).returncode


def _compare(regime: Regime, arguments: argparse.Namespace) -> bool:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if arguments.keep is not None:
            folder = arguments.keep / regime.name.replace(" ", "-")
            folder.mkdir(parents=True)
        comparison = _measured_and_predicted(regime, arguments, folder)
        (folder / "comparison.json").write_text(json.dumps(comparison, indent=2), encoding="utf-8")
    faults = _faults(regime, comparison)
    print(_line(comparison) + (f": FAILED, {'; '.join(faults)}" if faults else ": passed"), flush=True)
    return not faults


def _measured_and_predicted(regime: Regime, arguments: argparse.Namespace, folder: Path) -> dict:
    product = Product(arguments.binary, arguments.model, _SHAPE, folder)
    regime.network.build()
    measure(regime.network, regime.pairs(), folder / "iperf3")
    product.profile()
    product.inventory(regime, dict.fromkeys(HOSTS, {"flops_per_s": regime.flops_per_s}))
    placement = product.plan(regime)
    product.cut(regime)
    flags = ["--pace", "--threads", "1"]
    is_shared = regime.pipelines > 1 and regime.medium is not None
    feeds = pipeline.Feeds(regime.streamed, rate_per_s=placement["throughput_per_s"] if is_shared else None)
    measured = pipeline.run(folder, device(regime.source), device(SINK), feeds, flags)["pipelines"]
    comparison = {
        "regime": regime.name,
        "limits": _limits(placement),
        "stages": [[stage["node_id"] for stage in it["stages"]] for it in placement["pipelines"]],
        "predicted": product_times(placement),
        "measured": pipeline.undisturbed_times(measured, folder / "logs"),
        "lost": sum(it["lost"] for it in measured),
        "late": sum(stage["late"] for it in measured for stage in it["stages"]),
    }
    if regime.pipelines == 1:
        comparison["private_links"] = product_times(product.predicted_on_private_links(regime, placement))
    return comparison


def _limits(placement: dict) -> list[str]:
    """Returns the kinds of what limits the rate by the planner's document."""
    pipelines = placement["pipelines"]
    # Beside others, a pipeline that is slower than it would be by itself waits for what they share.
    kinds = {it["bottleneck"]["kind"] for it in pipelines if it["rate_per_s"] * it["period_s"] > _ALL}
    full = any(it["occupied_s"] > _ALL * placement["period_s"] for it in placement.get("media", []))
    return sorted(kinds | ({"medium"} if full and len(pipelines) > 1 else set()))


def _error(comparison: dict, of: str, figure: str) -> float:
    """Returns by how much a prediction is above what was measured."""
    return comparison[of][figure] / comparison["measured"][figure] - 1


def _faults(regime: Regime, comparison: dict) -> list[str]:
    faults = []
    if abs(_error(comparison, "predicted", "period_s")) > PERIOD_TOLERANCE:
        faults.append(f"the period is wrong by more than {PERIOD_TOLERANCE:.0%}")
    if abs(_error(comparison, "predicted", "latency_s")) > LATENCY_TOLERANCE:
        faults.append(f"the latency is wrong by more than {LATENCY_TOLERANCE:.0%}")
    if comparison["lost"]:
        faults.append(f"{comparison['lost']} inferences were lost")
    if not set(comparison["limits"]) & set(regime.bottlenecks):
        faults.append(f"the plan is limited by {comparison['limits']}")
    if len(comparison["stages"]) != regime.pipelines:
        faults.append(f"there are {len(comparison['stages'])} pipelines")
    if regime.private_links_miss and abs(_error(comparison, "private_links", "period_s")) < regime.private_links_miss:
        faults.append(f"private links are wrong by less than {regime.private_links_miss:.0%}, so nothing is tested")
    return faults


def _line(comparison: dict) -> str:
    measured, predicted = comparison["measured"], comparison["predicted"]
    private = ""
    if "private_links" in comparison:
        private = f"private links {_error(comparison, 'private_links', 'period_s'):+.1%}; "
    return (
        f"{comparison['regime']}: period {measured['period_s']:.4f} s, predicted {predicted['period_s']:.4f} s, "
        f"{_error(comparison, 'predicted', 'period_s'):+.2%}; "
        f"latency {measured['latency_s']:.4f} s, predicted {predicted['latency_s']:.4f} s, "
        f"{_error(comparison, 'predicted', 'latency_s'):+.2%}; "
        f"{private}late {comparison['late']}"
    )


if __name__ == "__main__":
    sys.exit(main())
