"""Means and quantiles of what was measured."""

from __future__ import annotations

import math
from collections import deque

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

    def add(self, inference: int, completed_s: float, latency_s: float | None) -> None:
        """Adds an inference whose outputs arrived, in order; the latency may be unknown."""
        self.delivered += 1
        if inference < self._warm_up:
            return
        self._completed.append(completed_s)
        if latency_s is not None:
            self._latencies.append(latency_s)

    @property
    def intervals(self) -> int:
        """How many times one inference of the steady state followed another."""
        return max(0, len(self._completed) - 1)

    @property
    def elapsed_s(self) -> float:
        """The time of these intervals."""
        return self._completed[-1] - self._completed[0] if self._completed else 0.0

    @property
    def latencies(self) -> list[float]:
        return list(self._latencies)

    @property
    def lost(self) -> int | None:
        """How many inferences did not arrive, once the source has told how many it fed."""
        return None if self.fed is None else self.fed - self.delivered

    def figures(self) -> dict:
        """Returns what the run shows in its steady state; what it does not show is absent."""
        figures = {
            "run": self.run,
            "window": self.window,
            "fed": self.fed,
            "delivered": self.delivered,
            "lost": self.lost,
            "period_s": self.elapsed_s / self.intervals if self.intervals else None,
            "latency": describe(self.latencies),
        }
        return {name: value for name, value in figures.items() if value is not None}
