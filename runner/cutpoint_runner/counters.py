"""Counts of one process, for `/metrics`."""

from __future__ import annotations

import threading
from collections import defaultdict

# Name, kind and help of each figure, in the order of the page.
FIGURES = (
    ("inferences_total", "counter", "Inferences that this process finished."),
    ("failed_inferences_total", "counter", "Inferences that were dropped because the session failed."),
    ("received_bytes_total", "counter", "Bytes of tensors received."),
    ("sent_bytes_total", "counter", "Bytes of tensors sent."),
    ("receive_seconds_total", "counter", "Seconds from the header of a frame to its last byte."),
    ("compute_seconds_total", "counter", "Seconds of computing, with what pacing adds."),
    ("send_seconds_total", "counter", "Seconds of sending."),
    ("connections_total", "counter", "Connections made with neighbours."),
    ("refused_connections_total", "counter", "Connections refused."),
    ("dropped_frames_total", "counter", "Frames dropped because they were incomplete or came twice."),
    ("receive_connected", "gauge", "1 while the sender before this process is connected."),
    ("send_connected", "gauge", "1 while the receiver after this process is connected."),
    ("resident_memory_bytes", "gauge", "Resident set of this process."),
    ("peak_memory_bytes", "gauge", "Largest resident set of this process."),
)


class Counters:
    """Sums and current values that several threads change."""

    def __init__(self) -> None:
        self._values: defaultdict[str, float] = defaultdict(float)
        self._lock = threading.Lock()

    def add(self, name: str, value: float = 1) -> None:
        with self._lock:
            self._values[name] += value

    def set(self, name: str, value: float) -> None:
        with self._lock:
            self._values[name] = value

    def all(self) -> dict[str, float]:
        with self._lock:
            return dict(self._values)
