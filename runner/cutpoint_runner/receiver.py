"""Receives the outputs of a pipeline, counts and keeps them, and answers the source."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

import numpy as np

from .answers import Answers
from .counters import Counters
from .frame import Frame
from .inlet import Inlet
from .statistics import Run
from .times import TimesLog

# A sink that runs for months must not grow: figures are of the last runs, and of their last inferences.
_KEPT_RUNS = 16
_KEPT_INFERENCES = 100_000


class Receiver:
    """What the sink does with each frame."""

    def __init__(
        self,
        inlet: Inlet,
        answers: Answers | None,
        log: TimesLog,
        counters: Counters,
        clock: int,
        save: Path | None,
        warm_up: int,
    ):
        self._inlet = inlet
        self._answers = answers
        self._log = log
        self._counters = counters
        self._clock = clock
        self._save = save
        self._warm_up = warm_up
        self._runs: dict[int, Run] = {}
        self._completed_ns: int | None = None
        if save is not None:
            save.mkdir(parents=True, exist_ok=True)

    def receive(self, count: int | None, forever: bool) -> None:
        """Receives until the end of a run, or so many inferences, or for ever."""
        received = 0
        while True:
            frame = self._inlet.receive()
            if frame is None:
                return
            run = self._run(frame.header.run)
            if frame.is_end:
                run.fed = frame.header.inference
                self._log.write("end", {"run": run.run, "fed": run.fed})
            else:
                received += 1
                self._take(frame, run)
            if self._answers is not None:
                self._answers.add(frame.header)
            if received == count or (frame.is_end and not forever):
                return

    def result(self) -> dict:
        """What the command prints."""
        return {"warm_up_inferences": self._warm_up, "runs": [run.figures() for run in self._runs.values()]}

    def _run(self, number: int) -> Run:
        if number not in self._runs:
            self._runs[number] = Run(number, self._warm_up, _KEPT_INFERENCES)
            while len(self._runs) > _KEPT_RUNS:
                del self._runs[next(iter(self._runs))]
        return self._runs[number]

    def _take(self, frame: Frame, run: Run) -> None:
        header = frame.header
        ended_ns = time.monotonic_ns()
        latency_s = (ended_ns - header.started_ns) / 1e9 if header.clock == self._clock else None
        period_s = None if self._completed_ns is None else (ended_ns - self._completed_ns) / 1e9
        self._completed_ns = ended_ns
        run.add(header.inference, ended_ns / 1e9, latency_s)
        self._counters.add("inferences_total")
        times = {"completed_s": ended_ns / 1e9, "latency_s": latency_s, "period_s": period_s}
        self._log.write("inference", {"run": run.run, "inference": header.inference, **frame.measured, **times})
        if self._save is not None:
            save_outputs(self._save / f"run-{run.run}-{header.inference:08}.npz", frame.tensors)


def save_outputs(path: Path, tensors: dict[str, np.ndarray]) -> None:
    """Writes a file that `numpy.load` reads; it is complete as soon as it has its name.

    `numpy.savez` takes names as its own arguments, and a tensor may be called `file`.
    """
    partial = path.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        for name, array in tensors.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    partial.replace(path)
