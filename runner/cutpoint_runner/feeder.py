"""Feeds a run: inputs dealt out to pipelines, at a rate or as fast as they are taken, at most a window at once in each."""

from __future__ import annotations

import logging
import threading
import time

import numpy as np

from .clock import now_s
from .deal import Deal
from .faults import Fault
from .frame import Frame, Header, Kind
from .inlet import Inlet
from .outlet import Outlet
from .shutdown import Shutdown, start_thread
from .times import TimesLog

_log = logging.getLogger(__name__)


# Of a sink that does not answer, so many inferences are remembered.
_MOST_UNANSWERED = 65536
# A source that needs no answers waits so long for a sink that would give them.
_SINK_S = 10.0


class Window:
    """Which inferences are in the pipeline, as far as the sink has answered. It answers in order."""

    def __init__(self, size: int | None, inlet: Inlet | None, log: TimesLog, run: int, timeout_s: float):
        self._size = size
        self._inlet = inlet
        self._log = log
        self._run = run
        self._timeout_s = timeout_s
        self._changed = threading.Condition()
        self._sent_at: dict[int, float] = {}
        self._connected = False
        self._ended = False
        self.answered = 0
        if inlet is not None:
            start_thread(self._hear, "answers")

    def await_sink(self) -> None:
        """Waits for the sink to connect; raises `Fault` if it does not come though a window needs its answers."""
        if self._inlet is None:
            return
        timeout_s = _SINK_S if self._size is None else self._timeout_s
        self._connected = self._inlet.wait_connected(timeout_s)
        if not self._connected:
            if self._size is not None:
                raise Fault(f"the sink has not connected within {timeout_s:g} s; start it with the same --feedback")
            _log.warning("the sink has not connected within %g s; its answers may be missing", timeout_s)

    def enter(self, inference: int) -> None:
        """Waits for a place, and takes it; what was not answered in time has lost its own."""
        with self._changed:
            if self._size is not None and not self._changed.wait_for(self._has_place, self._timeout_s):
                _log.warning("inferences are lost: %s", sorted(self._sent_at))
                self._sent_at.clear()
            if self._inlet is not None:
                self._sent_at[inference] = now_s()
            while len(self._sent_at) > _MOST_UNANSWERED:
                del self._sent_at[next(iter(self._sent_at))]

    def await_end(self) -> None:
        """Waits until the sink has heard of the end of the run, where it answers at all."""
        deadline = now_s() + self._timeout_s
        with self._changed:
            while self._connected and not self._changed.wait_for(lambda: self._ended, 0.2):
                # A sink that has what it wants leaves.
                if not self._inlet.wait_connected(0) or now_s() > deadline:
                    _log.warning("the sink did not stay until the end of the run")
                    return

    def _has_place(self) -> bool:
        return len(self._sent_at) < self._size

    def _hear(self) -> None:
        while True:
            frame = self._inlet.receive()
            if frame is None:
                return
            if frame.header.run == self._run:
                self._leave(frame, now_s())

    def _leave(self, frame: Frame, heard: float) -> None:
        inference = frame.header.inference
        with self._changed:
            sent = self._sent_at.pop(inference, None)
            # The pipeline keeps the order: what came before and was not answered will not be.
            for earlier in [other for other in self._sent_at if other < inference]:
                del self._sent_at[earlier]
            self._ended = self._ended or frame.is_end
            self.answered += not frame.is_end
            self._changed.notify_all()
        if sent is not None:
            times = {"run": self._run, "inference": inference, "round_trip_s": heard - sent}
            self._log.write("answer", times)


class Lane:
    """The way to one pipeline: a thread that sends one inference after the other, as soon as it is given."""

    def __init__(
        self,
        pipeline: int,
        outlet: Outlet,
        window: Window,
        log: TimesLog,
        run: int,
        clock: int,
        inputs: list[list[np.ndarray]],
        changed: threading.Condition,
    ):
        self.pipeline = pipeline
        self.fed = 0
        self.window = window
        self.has_ended = False
        self._outlet = outlet
        self._log = log
        self._run = run
        self._clock = clock
        self._inputs = inputs
        self._changed = changed
        self._given: int | None = None
        self._is_closed = False
        self._thread = start_thread(self._send_all, f"lane {pipeline}")

    @property
    def is_free(self) -> bool:
        """Whether the lane waits for an input. Read and changed with the lock of the feeder."""
        return self._given is None and not self.has_ended

    def give(self, number: int) -> None:
        """Has the lane send the input with this number, counted over all pipelines."""
        self._given = number
        self._changed.notify_all()

    def close(self) -> None:
        """Has the lane end the run after what it sends."""
        self._is_closed = True
        self._changed.notify_all()

    def join(self) -> None:
        self._thread.join()

    def result(self) -> dict:
        return {"pipeline": self.pipeline, "fed": self.fed, "answered": self.window.answered}

    def _send_all(self) -> None:
        try:
            while self._await_input() and self._send(self._given):
                with self._changed:
                    self.fed += 1
                    self._given = None
                    self._changed.notify_all()
            header = Header(Kind.END, self._run, self.fed, time.monotonic_ns(), self._clock)
            self._outlet.send(Frame(header), [])
            self.window.await_end()
        finally:
            with self._changed:
                self.has_ended = True
                self._changed.notify_all()

    def _await_input(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._given is not None or self._is_closed)
            return self._given is not None

    def _send(self, number: int) -> bool:
        inference = self.fed
        self.window.enter(inference)
        arrays = self._inputs[number % len(self._inputs)]
        length = sum(array.nbytes for array in arrays)
        header = Header(Kind.TENSORS, self._run, inference, time.monotonic_ns(), self._clock, length)
        frame = Frame(header)
        if not self._outlet.send(frame, arrays):
            return False
        times = {"started_s": header.started_ns / 1e9, **frame.measured}
        self._log.write("inference", {"run": self._run, "inference": inference, "input": number, **times})
        return True


class Feeder:
    """Sends one run: deals its inputs out to the lanes that are free."""

    def __init__(self, lanes: list[Lane], deal: Deal, shutdown: Shutdown, changed: threading.Condition):
        self._lanes = lanes
        self._deal = deal
        self._shutdown = shutdown
        self._changed = changed
        self._begun = now_s()

    def feed(self, count: int, rate: float | None) -> None:
        """Sends so many inferences and the end of the run, or fewer if the process is to end."""
        try:
            for lane in self._lanes:
                lane.window.await_sink()
            self._begun = due = now_s()
            for number in range(count):
                if rate is not None:
                    self._shutdown.wait(max(0.0, due - now_s()))
                    # A source that could not send in time does not make up for it in a burst.
                    due = max(due, now_s()) + 1 / rate
                if not self._give(number):
                    break
        finally:
            with self._changed:
                for lane in self._lanes:
                    lane.close()
        for lane in self._lanes:
            lane.join()

    def result(self) -> dict:
        """What the command prints."""
        result = {
            "fed": sum(lane.fed for lane in self._lanes),
            "answered": sum(lane.window.answered for lane in self._lanes),
            "elapsed_s": round(now_s() - self._begun, 6),
        }
        if len(self._lanes) > 1:
            result["pipelines"] = [lane.result() for lane in self._lanes]
        return result

    def _give(self, number: int) -> bool:
        """Gives an input to a lane; returns `False` if the process is to end, or all lanes have ended."""
        with self._changed:
            while not self._shutdown.asked:
                place = self._deal.next([lane.is_free for lane in self._lanes])
                if place is not None:
                    self._lanes[place].give(number)
                    return True
                if all(lane.has_ended for lane in self._lanes):
                    return False
                # A signal wakes nobody.
                self._changed.wait(0.2)
        return False
