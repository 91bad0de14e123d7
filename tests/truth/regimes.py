"""The six regimes in which a prediction is compared with a pipeline that runs."""

from __future__ import annotations

from dataclasses import dataclass

from law import Pipeline
from network import Network

_BPS = 20_000_000
# A transfer of so many bytes takes 80 ms over a port.
_80_MS = 191_000


@dataclass(frozen=True)
class Regime:
    name: str
    network: Network
    pipeline: Pipeline


def _regime(name, compute_s, sent_bytes, source=1, shared=False, overlap="full") -> Regime:
    network = Network(5, medium_bps=_BPS) if shared else Network(5, port_bps=_BPS)
    return Regime(name, network, Pipeline(source, (2, 3, 4), 5, compute_s, sent_bytes, overlap))


REGIMES = (
    _regime("communication-bound", (0.02, 0.03, 0.02), (_80_MS // 2, 2 * _80_MS, _80_MS, 4000)),
    _regime("compute-bound", (0.05, 0.16, 0.10), (_80_MS, _80_MS, _80_MS, 4000)),
    # Every wait of one thread for another shows here, so the times are longer than elsewhere.
    _regime("balanced", (0.16, 0.16, 0.16), (2 * _80_MS,) * 4),
    _regime("source that hosts a stage", (0.03, 0.04, 0.03), (_80_MS, _80_MS, _80_MS, 4000), source=3),
    _regime("one shared channel", (0.04, 0.06, 0.04), (_80_MS // 2, _80_MS, _80_MS // 2, 4000), shared=True),
    _regime("rendezvous without overlap", (0.04, 0.08, 0.04), (_80_MS, _80_MS, _80_MS, 4000), overlap="none"),
)
