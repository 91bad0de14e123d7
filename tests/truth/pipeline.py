"""Runs the stages of a folder with cutpoint-runner, each in the namespace of its device."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from network import in_namespace

# What the kernel holds of a transfer is in no queue of the plan: as little as fills a link.
_SOCKET_BUFFER_BYTES = 65536
# The inferences at the start of a run that do not count, and how many of the others are a part.
_WARM_UP, _PART = 14, 20


@dataclass(frozen=True)
class Feeds:
    """How many inputs are fed. The first 14 of a run are the warm-up."""

    streamed: int
    one_at_a_time: int = 20
    # Passes a second of the stream; as fast as they are taken if absent.
    rate_per_s: float | None = None


def run(
    folder: Path,
    source: str,
    sink: str,
    feeds: Feeds,
    stage_flags: list[str],
    wrapped: Callable[[str], list[str]] | None = None,
) -> dict:
    """Feeds inputs one at a time, to each pipeline by itself, then as fast as they are taken.

    Returns the summary of the logs in `folder/logs`. `wrapped` gives the words before the command of a stage. Pipelines that
    share a medium must be fed at the rate of the plan.
    """
    document = json.loads((folder / "stages" / "stages.json").read_text(encoding="utf-8"))
    pipelines = sorted({stage["pipeline"] for stage in document["stages"]})
    logs = folder / "logs"
    logs.mkdir()

    def start(node: str, *words: str, before: Sequence[str] = ()) -> subprocess.Popen:
        common = ["--stages", str(folder / "stages" / "stages.json"), "--log-dir", str(logs)]
        common += ["--socket-buffer-bytes", str(_SOCKET_BUFFER_BYTES)]
        command = [*before, *in_namespace(node), sys.executable, "-m", "cutpoint_runner", *words, *common]
        said = (logs / f"{'-'.join(words[:5])}.txt").open("a", encoding="utf-8")
        return subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)

    processes = [start(sink, "sink", "--pipeline", str(number), "--forever") for number in pipelines]
    for stage in document["stages"]:
        node, place = stage["node_id"], ["--pipeline", str(stage["pipeline"]), "--index", str(stage["index"])]
        processes.append(start(node, "stage", *place, *stage_flags, before=wrapped(node) if wrapped else []))
    alone = [["--pipeline", str(n), "--one-at-a-time", "--count", str(feeds.one_at_a_time)] for n in pipelines]
    rate = [] if feeds.rate_per_s is None else ["--rate", str(feeds.rate_per_s)]
    try:
        for words in (*alone, ["--count", str(feeds.streamed), *rate]):
            if start(source, "feed", *words).wait(600):
                raise SystemExit(f"the source failed: {said_by(logs)}")
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)
    command = [sys.executable, "-m", "cutpoint_runner", "summarize", str(logs)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def times(measured: dict) -> dict:
    """Returns what is compared of the summary of a pipeline: means."""
    return {"period_s": measured["period_s"], "latency_s": measured["latency"]["mean_s"]}


def undisturbed_times(measured: list[dict], logs: Path) -> dict:
    """Returns the same of all pipelines as medians, which a machine that pauses now and then does not change.

    The period is that of all pipelines together, and the latency the largest.
    """
    rate_per_s = sum(1 / _period_s(logs, pipeline["pipeline"]) for pipeline in measured)
    return {"period_s": 1 / rate_per_s, "latency_s": max(pipeline["latency"]["median_s"] for pipeline in measured)}


def _period_s(logs: Path, number: int) -> float:
    """Returns the median of means over parts of a stream, since single inferences may be early and late in turn.

    Where there are too few parts for a median, it is the mean.
    """
    sink, source = (_inferences(logs / f"pipeline-{number}-{role}.jsonl") for role in ("sink", "source"))
    run = sink[-1]["run"]
    # After the last one has left the source, the pipeline runs empty.
    loaded_s = max(record["started_s"] for record in source if record["run"] == run)
    steady = [r["completed_s"] for r in sink if r["run"] == run and r["inference"] >= _WARM_UP]
    steady = [completed_s for completed_s in steady if completed_s <= loaded_s]
    ends = steady[::_PART]
    periods = [(end - start) / _PART for start, end in zip(ends, ends[1:])]
    return median(periods) if len(periods) > 2 else (steady[-1] - steady[0]) / (len(steady) - 1)


def _inferences(log: Path) -> list[dict]:
    records = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    return [record for record in records if record["record"] == "inference"]


def said_by(logs: Path) -> str:
    """Returns the last lines of each process."""
    ends = {path.name: path.read_text(encoding="utf-8").splitlines()[-5:] for path in sorted(logs.glob("*.txt"))}
    return "".join(f"\n{name}:\n  " + "\n  ".join(lines) for name, lines in ends.items())
