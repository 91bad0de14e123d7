"""Runs the stages of a folder with cutpoint-runner, each in the namespace of its device."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from network import in_namespace

# The first 14 inferences of a run are the warm-up.
ALONE = 20


def run(folder: Path, source: str, sink: str, streamed: int, stage_flags: list[str]) -> dict:
    """Feeds inputs one at a time, then as fast as they are taken. Returns the summary of the logs in `folder/logs`."""
    stages = json.loads((folder / "stages" / "stages.json").read_text(encoding="utf-8"))["stages"]
    logs = folder / "logs"
    logs.mkdir()

    def start(node: str, *words: str) -> subprocess.Popen:
        common = ["--stages", str(folder / "stages" / "stages.json"), "--log-dir", str(logs)]
        command = [*in_namespace(node), sys.executable, "-m", "cutpoint_runner", *words, *common]
        said = (logs / f"{'-'.join(words[:3])}.txt").open("a", encoding="utf-8")
        return subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)

    processes = [start(sink, "sink", "--forever")]
    for stage in stages:
        processes.append(start(stage["node_id"], "stage", "--index", str(stage["index"]), *stage_flags))
    try:
        for words in (["--count", str(ALONE), "--one-at-a-time"], ["--count", str(streamed)]):
            if start(source, "feed", *words).wait(300):
                raise SystemExit(f"the source failed: {said_by(logs)}")
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)
    command = [sys.executable, "-m", "cutpoint_runner", "summarize", str(logs)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def said_by(logs: Path) -> str:
    """Returns the last lines of each process."""
    ends = {path.name: path.read_text(encoding="utf-8").splitlines()[-5:] for path in sorted(logs.glob("*.txt"))}
    return "".join(f"\n{name}:\n  " + "\n  ".join(lines) for name, lines in ends.items())
