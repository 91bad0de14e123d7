"""Means and quantiles of what was measured."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

DEFAULT_WARM_UP = 14


def describe(values: list[float]) -> dict | None:
    """Returns mean, median and 95th percentile (nearest rank) of seconds, or `None` of no values."""
    if not values:
        return None
    ordered = sorted(values)
    middle = len(ordered) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return {
        "mean_s": mean(ordered),
        "median_s": median,
        "p95_s": ordered[math.ceil(0.95 * len(ordered)) - 1],
        "count": len(ordered),
    }


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


class Run:
    """What one run of the source delivered."""

    def __init__(self, run: int, warm_up: int, kept: int | None = None):
        """Without `kept`, the figures are of all inferences, else of the last ones."""
        self.run = run
        self.fed: int | None = None
        self.delivered = 0
        # How many inferences the source lets into the pipeline at once; without limit if absent.
        self.window: int | None = None
        self._warm_up = warm_up
        self._completed: deque[float] = deque(maxlen=kept)
        self._latencies: deque[float] = deque(maxlen=kept)
        self._last_started_s = -math.inf

    def add(self, inference: int, completed_s: float, latency_s: float | None) -> None:
        """Adds an inference whose outputs arrived, in order; the latency may be unknown."""
        self.delivered += 1
        if latency_s is not None:
            self._last_started_s = max(self._last_started_s, completed_s - latency_s)
        if inference < self._warm_up:
            return
        self._completed.append(completed_s)
        if latency_s is not None:
            self._latencies.append(latency_s)

    @property
    def latencies(self) -> list[float]:
        return list(self._latencies)

    @property
    def lost(self) -> int | None:
        """How many inferences did not arrive, once the source has told how many it fed."""
        return None if self.fed is None else self.fed - self.delivered

    def steady(self) -> Steady:
        """Returns the steady state: what arrived after the warm-up, and before the source ended.

        After that the pipeline runs empty, and where transfers share a medium, the last ones have more of it. If most
        of a run is on its way when the source ends, as with tensors that the kernel's buffers hold, all of it counts.
        """
        completed = list(self._completed)
        loaded = [at for at in completed if at <= self._last_started_s]
        drained = 2 * len(loaded) < len(completed)
        counted = completed if drained else loaded
        return Steady(max(0, len(counted) - 1), counted[-1] - counted[0] if counted else 0.0, drained)

    def figures(self) -> dict:
        """Returns what the run shows in its steady state; what it does not show is absent."""
        steady = self.steady()
        figures = {
            "run": self.run,
            "window": self.window,
            "fed": self.fed,
            "delivered": self.delivered,
            "lost": self.lost,
            "period_s": steady.elapsed_s / steady.intervals if steady.intervals else None,
            "period_of": steady.intervals or None,
            "drained": steady.drained if steady.intervals else None,
            "latency": describe(self.latencies),
        }
        return {name: value for name, value in figures.items() if value is not None}


@dataclass(frozen=True)
class Steady:
    """The times between completions in a steady state."""

    # How many, and their sum.
    intervals: int
    elapsed_s: float
    # Whether they are also of a pipeline that runs empty.
    drained: bool
