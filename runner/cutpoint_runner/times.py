"""Writes what was measured as JSON lines. README.md defines them; `summary.py` reads them."""

from __future__ import annotations

import json
import logging
import threading
import time
from pathlib import Path

from . import __version__
from .clock import clock_id, now_s
from .faults import Fault
from .memory import peak_bytes, resident_bytes

LOG_VERSION = 1
# A runner that nobody looks after must not fill the disk of its board.
MOST_LOG_BYTES = 256 << 20

_log = logging.getLogger(__name__)


class TimesLog:
    """A file of JSON lines, or nothing where nobody asked for one. A line is on its way to the disk when it is written.

    A process that restarts goes on in the same file, with a header of its own.
    """

    def __init__(self, directory: Path | None, name: str, header: dict):
        self._lock = threading.Lock()
        self._file = None
        if directory is None:
            return
        path = directory / f"{name}.jsonl"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            _end_last_line(path)
            self._file = path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise Fault(f"{path} cannot be written: {error.strerror}; give another folder with --log-dir") from error
        fixed = {"version": LOG_VERSION, "runner_version": __version__, "clock": clock_id()}
        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.write("header", {**fixed, **header, "started_at": started, "started_s": now_s()})

    def write(self, record: str, members: dict) -> None:
        """Writes a line; members without a value are left out."""
        values = {name: _rounded(value) for name, value in members.items() if value is not None}
        with self._lock:
            if self._file is None:
                return
            try:
                self._file.write(json.dumps({"record": record, **values}) + "\n")
                full = self._file.tell() > MOST_LOG_BYTES
            except OSError as error:
                # The pipeline is worth more than its log.
                _log.error("%s cannot be written any more: %s", self._file.name, error)
                self._file = None
                return
            if full:
                _log.warning("%s has reached %d bytes; nothing more is written", self._file.name, MOST_LOG_BYTES)
                self._close()

    def event(self, event: str, **members) -> None:
        """Writes what happened to the connections or to an inference."""
        self.write("event", {"event": event, "at_s": now_s(), **members})

    def memory(self, at: str) -> None:
        """Writes what memory the process takes at a moment of its life."""
        self.write("memory", {"at": at, "resident_bytes": resident_bytes(), "peak_bytes": peak_bytes()})

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _rounded(value):
    return round(value, 9) if isinstance(value, float) else value


def _end_last_line(path: Path) -> None:
    """Ends the line in which a process was killed, so that the next header has a line of its own."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with path.open("rb+") as file:
        file.seek(-1, 2)
        if file.read(1) != b"\n":
            file.write(b"\n")
