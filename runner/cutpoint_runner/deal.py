"""Deals inputs out to several pipelines in proportion to their planned rates."""

from __future__ import annotations


class Deal:
    """Smooth weighted round robin: after each round of dealing every pipeline has its share, and none gets its own at once.

    It draws nothing, so that the same pipelines that are free give the same order. A pipeline that is not free is passed
    over, and does not make up for it later.
    """

    def __init__(self, weights: list[float]):
        self._weights = weights
        self._due = [0.0] * len(weights)

    def next(self, free: list[bool]) -> int | None:
        """Returns the place of the pipeline whose turn it is, or `None` if none is free."""
        places = [place for place, is_free in enumerate(free) if is_free]
        if not places:
            return None
        for place in places:
            self._due[place] += self._weights[place]
        # Of equals the first.
        chosen = max(places, key=lambda place: self._due[place])
        self._due[chosen] -= sum(self._weights[place] for place in places)
        return chosen


def weights_of(rates_per_s: list[float | None]) -> list[float]:
    """Returns what pipelines get of the inputs: their planned rates, or equal parts where not all are known."""
    if any(not rate for rate in rates_per_s):
        return [1.0] * len(rates_per_s)
    return [float(rate) for rate in rates_per_s]
