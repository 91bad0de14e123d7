"""Ends a process in order: a first signal asks for it, a second one takes effect at once."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable

from .faults import Fault

_log = logging.getLogger(__name__)


class Shutdown:
    """Whether the process is to end, and whether because something failed.

    A thread that raises, whoever started it, ends the process: a stage that is deaf or mute must not seem to live.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()
        self.failed = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        threading.excepthook = self._on_exception

    def _on_signal(self, number: int, _frame) -> None:
        signal.signal(number, signal.SIG_DFL)
        self._asked.set()

    def _on_exception(self, raised) -> None:
        name = "unknown" if raised.thread is None else raised.thread.name
        if isinstance(raised.exc_value, Fault):
            _log.error("%s", raised.exc_value)
        else:
            _log.error("the thread %r failed", name, exc_info=(raised.exc_type, raised.exc_value, raised.exc_traceback))
        self.failed = True
        self.ask()

    def ask(self) -> None:
        self._asked.set()

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def wait(self, timeout_s: float | None = None) -> bool:
        return self._asked.wait(timeout_s)


def start_thread(work: Callable[[], None], name: str) -> threading.Thread:
    """Starts a thread that does not keep the process alive."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread
