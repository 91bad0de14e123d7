"""Reads the JSON lines that the processes of a pipeline wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from .faults import Fault
from .times import LOG_VERSION


@dataclass
class ProcessLog:
    """What one process wrote from its start on."""

    header: dict
    records: list[dict] = field(default_factory=list)

    def of(self, record: str) -> list[dict]:
        """Returns the lines of one kind."""
        return [line for line in self.records if line["record"] == record]


def read_logs(directories: list[Path]) -> tuple[list[ProcessLog], list[str]]:
    """Reads all logs in the folders; returns them with warnings of lines that cannot be read."""
    paths = [path for directory in directories for path in sorted(directory.glob("*.jsonl"))]
    if not paths:
        raise Fault(f"{', '.join(map(str, directories))} has no .jsonl file; runners write them with --log-dir")
    logs: list[ProcessLog] = []
    warnings: list[str] = []
    for path in paths:
        logs += _read(path, warnings)
    return logs, warnings


def _read(path: Path, warnings: list[str]) -> list[ProcessLog]:
    logs: list[ProcessLog] = []
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise Fault(f"{path} cannot be read: {error.strerror}") from error
    for number, text in enumerate(lines, 1):
        line = _line(text)
        if line is None:
            # A process that is killed leaves half a line.
            warnings.append(f"{path}:{number} is not a record and is left out")
        elif line["record"] == "header":
            if line.get("version") != LOG_VERSION or "role" not in line:
                raise Fault(f"{path}:{number} is of version {line.get('version')}, but {LOG_VERSION} is read")
            logs.append(ProcessLog(line))
        elif logs:
            logs[-1].records.append(line)
        else:
            raise Fault(f"{path} does not begin with a header; it is not a log of a runner")
    return logs


def _line(text: str) -> dict | None:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return line if isinstance(line, dict) and isinstance(line.get("record"), str) else None
