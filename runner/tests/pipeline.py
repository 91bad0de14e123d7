"""Runs real processes of a pipeline on the loopback interface."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from .models import write_stages

TOKEN = "a token that only this pipeline knows"
# Longer than anything takes; a test that waits so long has failed.
PATIENCE_S = 60.0


class PipelineCase(unittest.TestCase):
    """A folder with three stages, and processes that end with the test."""

    size = 4

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.ports = free_ports(5)
        self.document = self._document(write_stages(self.folder, self.size))
        self.write()

    def _document(self, tensors: list[dict]) -> dict:
        addresses = [f"127.0.0.1:{port}" for port in self.ports]
        stages = []
        for i, described in enumerate(tensors):
            before = {"kind": "stage", "stage": i - 1} if i else {"kind": "source"}
            after = {"kind": "stage", "stage": i + 1} if i < 2 else {"kind": "sink"}
            stages.append(
                {
                    "index": i,
                    "pipeline": 0,
                    "node_id": f"node-{i}",
                    **described,
                    "receive_from": {**before, "address": addresses[i]},
                    "send_to": {**after, "address": addresses[i + 1]},
                    "planned": {"compute_s": 0.02},
                }
            )
        return {"model": "three", "token": TOKEN, "feedback": addresses[4], "stages": stages}

    def write(self) -> None:
        """Writes `stages.json` as the test changed it."""
        (self.folder / "stages.json").write_text(json.dumps(self.document), encoding="utf-8")

    def start(self, command: str, *arguments: str, **environment: str) -> Process:
        """Starts a command of the runner with the folder's stages and logs."""
        logs = [] if command == "summarize" else ["--stages", self.folder / "stages.json", "--log-dir", self.logs]
        process = Process([command, *map(str, logs), *arguments], environment)
        self.addCleanup(process.close)
        return process

    def start_stages(self, *arguments: str) -> list[Process]:
        """Starts all stages, and returns when they listen."""
        stages = [self.start("stage", "--index", str(i), *arguments) for i in range(3)]
        for stage in stages:
            stage.wait_for("is ready")
        return stages

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def lines(self, name: str, record: str) -> list[dict]:
        """Returns the records of one kind in a log."""
        text = (self.logs / f"pipeline-0-{name}.jsonl").read_text(encoding="utf-8")
        return [line for line in map(json.loads, text.splitlines()) if line["record"] == record]

    def wait_until(self, condition, what: str) -> None:
        """Waits for a condition; the test fails if it never holds."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"{what} did not come true")
            time.sleep(0.01)


class Process:
    """A process of the runner, and what it printed."""

    def __init__(self, arguments: list[str], environment: dict[str, str], code: str | None = None):
        """Starts the command, or Python code with its arguments."""
        program = ["-m", "cutpoint_runner"] if code is None else ["-c", code]
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8")
        self._output = tempfile.TemporaryFile("w+", encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, *program, *arguments],
            stdout=self._output,
            stderr=self._errors,
            env={**os.environ, **environment},
        )

    def errors(self) -> str:
        return _content(self._errors)

    def output(self) -> str:
        return _content(self._output)

    def wait_for(self, text: str) -> None:
        """Waits until the process has said something; raises if it ends first."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.errors():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the process never said {text!r}:\n{self.errors()}")
            time.sleep(0.01)

    def finish(self) -> int:
        """Waits for the end of the process and returns its status."""
        try:
            return self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the process does not end:\n{self.errors()}") from None

    def terminate(self) -> int:
        """Asks the process to end, and returns its status."""
        self._process.send_signal(signal.SIGTERM)
        return self.finish()

    def kill(self) -> None:
        """Ends the process as a loss of power does."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.kill()
        self._errors.close()
        self._output.close()

    def result(self) -> dict:
        """Returns what a process that ended well printed, as JSON."""
        status = self.finish()
        if status != 0:
            raise AssertionError(f"the process ended with {status}:\n{self.errors()}")
        return json.loads(self.output())


def _content(file) -> str:
    # By position, since the process writes through the same description of the file.
    descriptor = file.fileno()
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode()


# Outside the range from which the kernel draws ports of connections, one of which could else take a port before its
# listener does. Test processes that run beside each other have hundreds of their own.
_PORTS = itertools.cycle(range(20_000 + os.getpid() % 100 * 100, 20_100 + os.getpid() % 100 * 100))


def free_ports(count: int) -> list[int]:
    """Returns ports of the loopback interface that nobody listens on."""
    return list(itertools.islice(filter(_is_free, _PORTS), count))


def _is_free(port: int) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
