"""Ends a process in order: a first signal asks for it, a second one takes effect at once."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable

from .faults import Fault

_log = logging.getLogger(__name__)


class Shutdown:
    """Whether the process is to end, and whether because something failed."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self.failed = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame) -> None:
        signal.signal(number, signal.SIG_DFL)
        self._asked.set()

    def ask(self) -> None:
        self._asked.set()

    def _fail(self) -> None:
        self.failed = True
        self.ask()

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def wait(self, timeout_s: float | None = None) -> bool:
        return self._asked.wait(timeout_s)

    def thread(self, work: Callable[[], None], name: str) -> threading.Thread:
        """Starts a thread; if it raises, the process is to end as failed."""

        def run() -> None:
            try:
                work()
            except Fault as fault:
                _log.error("%s", fault)
                self._fail()
            except Exception:
                _log.exception("the thread %r failed", name)
                self._fail()

        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        return thread
