"""Tells the source which inferences have arrived."""

from __future__ import annotations

import threading
from collections import deque

from .frame import Frame, Header
from .outlet import Outlet
from .shutdown import start_thread

# Of a source that does not listen, so many answers are kept.
_MOST_PENDING = 1024


class Answers:
    """Sends answers in order from a thread of its own, so that a source that is late or absent delays nothing."""

    def __init__(self, outlet: Outlet):
        self._outlet = outlet
        self._changed = threading.Condition()
        self._pending: deque[Header] = deque(maxlen=_MOST_PENDING)
        start_thread(self._send_all, "answers")

    def add(self, header: Header) -> None:
        """Answers the frame with this header."""
        with self._changed:
            self._pending.append(header.without_tensors())
            self._changed.notify_all()

    def close(self, timeout_s: float) -> None:
        """Waits until all answers are sent, or for the time, and ends the connection."""
        with self._changed:
            self._changed.wait_for(lambda: not self._pending, timeout_s)
        self._outlet.close(timeout_s)

    def _send_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending)
                header = self._pending[0]
            if not self._outlet.send(Frame(header), []):
                return
            with self._changed:
                # It may have been pushed out meanwhile.
                if self._pending and self._pending[0] is header:
                    self._pending.popleft()
                self._changed.notify_all()
