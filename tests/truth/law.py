"""Period and latency of a pipeline as docs/problem.md defines them, for networks of ports or of one shared medium."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True)
class Pipeline:
    """Stages in order on their devices, with a source and a sink."""

    source: int
    devices: tuple[int, ...]
    sink: int
    compute_s: tuple[float, ...]
    # What the source sends, and what each stage sends.
    sent_bytes: tuple[int, ...]
    overlap: str = "full"

    def transfers(self) -> list[tuple[int, int, int]]:
        """Returns sender, receiver and bytes of each transfer that is one."""
        path = (self.source, *self.devices, self.sink)
        return [hop for hop in zip(path, path[1:], self.sent_bytes) if hop[0] != hop[1]]


def predicted(pipeline: Pipeline, goodput_bps: float, shared: bool) -> tuple[float, float]:
    """Returns period and latency in seconds; links have no latency worth counting."""
    busy_s: defaultdict[tuple, float] = defaultdict(float)
    for stage_device, compute_s in zip(pipeline.devices, pipeline.compute_s):
        busy_s["device" if pipeline.overlap == "none" else "compute", stage_device] += compute_s
    latency_s = sum(pipeline.compute_s)
    for sender, receiver, size in pipeline.transfers():
        transfer_s = 8 * size / goodput_bps
        latency_s += transfer_s
        media = [("medium",)] if shared else [("out", sender), ("in", receiver)]
        nodes = [("device", sender), ("device", receiver)] if pipeline.overlap == "none" else []
        for occupied in media + nodes:
            busy_s[occupied] += transfer_s
    return max(busy_s.values()), latency_s
