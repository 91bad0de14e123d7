"""Runs the stages of a folder with cutpoint-runner, each in the namespace of its device."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from network import in_namespace

# What the kernel holds of a transfer is in no queue of the plan: as little as fills a link.
_SOCKET_BUFFER_BYTES = 65536


@dataclass(frozen=True)
class Feeds:
    """How many inputs are fed. The first 14 of a run are the warm-up."""

    streamed: int
    one_at_a_time: int = 20


def run(
    folder: Path,
    source: str,
    sink: str,
    feeds: Feeds,
    stage_flags: list[str],
    wrapped: Callable[[str], list[str]] | None = None,
) -> dict:
    """Feeds inputs one at a time, then as fast as they are taken. Returns the summary of the logs in `folder/logs`.

    `wrapped` gives the words before the command of a stage.
    """
    stages = json.loads((folder / "stages" / "stages.json").read_text(encoding="utf-8"))["stages"]
    logs = folder / "logs"
    logs.mkdir()

    def start(node: str, *words: str, before: Sequence[str] = ()) -> subprocess.Popen:
        common = ["--stages", str(folder / "stages" / "stages.json"), "--log-dir", str(logs)]
        common += ["--socket-buffer-bytes", str(_SOCKET_BUFFER_BYTES)]
        command = [*before, *in_namespace(node), sys.executable, "-m", "cutpoint_runner", *words, *common]
        said = (logs / f"{'-'.join(words[:3])}.txt").open("a", encoding="utf-8")
        return subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)

    processes = [start(sink, "sink", "--forever")]
    for stage in stages:
        node, words = stage["node_id"], ["stage", "--index", str(stage["index"]), *stage_flags]
        processes.append(start(node, *words, before=wrapped(node) if wrapped else []))
    try:
        for words in (["--count", str(feeds.one_at_a_time), "--one-at-a-time"], ["--count", str(feeds.streamed)]):
            if start(source, "feed", *words).wait(600):
                raise SystemExit(f"the source failed: {said_by(logs)}")
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)
    command = [sys.executable, "-m", "cutpoint_runner", "summarize", str(logs)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def times(measured: dict, latency: str) -> dict:
    """Returns what is compared of the summary of a pipeline. `latency` is `mean_s` or `median_s`."""
    return {"period_s": measured["period_s"], "latency_s": measured["latency"][latency]}


def said_by(logs: Path) -> str:
    """Returns the last lines of each process."""
    ends = {path.name: path.read_text(encoding="utf-8").splitlines()[-5:] for path in sorted(logs.glob("*.txt"))}
    return "".join(f"\n{name}:\n  " + "\n  ".join(lines) for name, lines in ends.items())
