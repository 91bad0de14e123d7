"""One stage: receives, computes and sends, at the same time or in turn."""

from __future__ import annotations

import logging
import queue
import threading
import time
from dataclasses import replace

from .clock import now_s
from .counters import Counters
from .frame import Frame
from .inlet import Inlet
from .outlet import Outlet
from .session import Session
from .shutdown import start_thread
from .stages import Stage
from .times import TimesLog

_log = logging.getLogger(__name__)

# Between two lines of the log about memory.
_INFERENCES_PER_MEMORY_LINE = 100


class StageLoop:
    """Moves inferences from the inlet through the session to the outlet, in order.

    With overlap, one thread each receives, computes and sends, with one place between two of them. So at most five
    inferences are in the stage: one in each thread and one in each place. Without overlap, one thread does all in turn.
    """

    def __init__(
        self,
        stage: Stage,
        session: Session,
        inlet: Inlet,
        outlet: Outlet,
        counters: Counters,
        log: TimesLog,
        overlap: str,
    ):
        self._session = session
        self._inlet = inlet
        self._outlet = outlet
        self._counters = counters
        self._log = log
        self._out_bytes = sum(tensor.bytes for tensor in stage.outputs)
        self._received: queue.Queue[Frame | None] = queue.Queue(maxsize=1)
        self._computed: queue.Queue[tuple[Frame, list] | None] = queue.Queue(maxsize=1)
        self._completed_s: float | None = None
        self._completed = 0
        self._receiving: threading.Thread
        if overlap == "full":
            self._receiving = start_thread(self._receive, "receive")
            self._threads = [start_thread(self._compute, "compute"), start_thread(self._send, "send")]
        else:
            self._receiving = start_thread(self._take_turns, "turns")
            self._threads = []

    def finish(self, grace_s: float) -> None:
        """Stops receiving, and waits until all that is in the stage was sent on, or until the time is over."""
        deadline = time.monotonic() + grace_s
        self._inlet.stop()
        self._receiving.join(grace_s / 2)
        self._inlet.close()
        for thread in [self._receiving, *self._threads]:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                _log.warning("inferences are lost: they could not be sent within %g s", grace_s)
                self._log.event("dropped", detail="the grace period ended")
                self._outlet.abort()
                return
        self._outlet.close(max(0.0, deadline - time.monotonic()))

    # What a step holds is released when it returns, so that a thread that waits keeps no inference in memory.

    def _receive(self) -> None:
        while self._receive_one():
            pass

    def _receive_one(self) -> bool:
        frame = self._inlet.receive()
        self._received.put(frame)
        return frame is not None

    def _compute(self) -> None:
        while self._compute_one():
            pass

    def _compute_one(self) -> bool:
        frame = self._received.get()
        if frame is None:
            self._computed.put(None)
            return False
        computed = self._computed_from(frame)
        del frame
        if computed is not None:
            self._computed.put(computed)
        return True

    def _send(self) -> None:
        while self._send_one():
            pass

    def _send_one(self) -> bool:
        computed = self._computed.get()
        return computed is not None and self._send_on(*computed)

    def _take_turns(self) -> None:
        while self._take_turn():
            pass

    def _take_turn(self) -> bool:
        frame = self._inlet.receive()
        if frame is None:
            return False
        computed = self._computed_from(frame)
        del frame
        return computed is None or self._send_on(*computed)

    def _computed_from(self, frame: Frame) -> tuple[Frame, list] | None:
        """Computes; an inference that fails is lost, and the stage goes on with the next."""
        if frame.is_end:
            return frame, []
        inference = frame.header.inference
        try:
            arrays = self._session.compute(frame)
        except Exception as error:  # Whatever a model does, the stage outlives it.
            _log.error("inference %d is lost: %s", inference, error)
            self._counters.add("failed_inferences_total")
            self._log.event("failed", run=frame.header.run, inference=inference, detail=str(error))
            return None
        self._counters.add("compute_seconds_total", frame.measured["compute_s"])
        header = replace(frame.header, length=self._out_bytes)
        return Frame(header, {}, frame.measured), arrays

    def _send_on(self, frame: Frame, arrays: list) -> bool:
        if not self._outlet.send(frame, arrays):
            return False
        if not frame.is_end:
            self._record(frame)
        return True

    def _record(self, frame: Frame) -> None:
        self._counters.add("inferences_total")
        ended = now_s()
        period_s = None if self._completed_s is None else ended - self._completed_s
        self._completed_s = ended
        header = frame.header
        self._log.write(
            "inference", {"run": header.run, "inference": header.inference, **frame.measured, "period_s": period_s}
        )
        self._completed += 1
        if self._completed % _INFERENCES_PER_MEMORY_LINE == 0:
            self._log.memory("running")
