"""The regimes in which a prediction is compared with pipelines that run."""

from __future__ import annotations

from dataclasses import dataclass

from network import Network

HOSTS = (2, 3, 4)
SINK = 5
# Layers of the model, in order.
_EARLY, _MIDDLE, _AFTER_MIDDLE = "elementwise_add_1", "elementwise_add_4", "conv2d_82.tmp_0"
# One with a large output, and its reader.
_LARGE, _AFTER_LARGE = "relu_3.tmp_0", "depthwise_conv2d_1.tmp_0"


@dataclass(frozen=True)
class Regime:
    """A site of five devices, and what is asked of the planner."""

    name: str
    # What may limit the placement by the planner's document, so that the regime is what its name says.
    bottlenecks: tuple[str, ...]
    network: Network
    # Of each host. The model takes 124 million operations.
    flops_per_s: float
    source: int = 1
    # The layers that a device must run.
    pins: tuple[tuple[str, int], ...] = ()
    overlap: str = "full"
    # How many inputs are fed as fast as they are taken.
    streamed: int = 120
    # How many pipelines are asked for.
    pipelines: int = 1
    # By how much the model of private links must be wrong at least.
    private_links_miss: float = 0.0

    def pairs(self) -> list[tuple[int, int]]:
        """Returns from where to where a pipeline may send."""
        sending, receiving = {self.source, *HOSTS}, {*HOSTS, SINK}
        return [(a, b) for a in sorted(sending) for b in sorted(receiving) if a != b]

    @property
    def medium(self) -> str | None:
        return "channel" if self.network.medium_bps is not None else None


REGIMES = (
    Regime("communication-bound", ("source",), Network(5, port_bps=20_000_000), 6.0e8),
    Regime("compute-bound", ("stage",), Network(5, port_bps=20_000_000), 1.5e8),
    # The inputs travel for as long as each of two stages computes.
    Regime("balanced", ("source", "stage"), Network(5, port_bps=18_400_000), 2.35e8),
    # The source's port carries the inputs and what its own stage sends.
    Regime(
        "source that hosts a stage",
        ("medium",),
        Network(5, port_bps=20_000_000),
        4.0e8,
        source=3,
        pins=((_EARLY, 2), (_MIDDLE, 3), (_AFTER_MIDDLE, 4)),
        # Where the source runs ahead of its own stage for a while, the period is longer for as long.
        streamed=220,
    ),
    # The devices have to run certain layers, so that three transfers share the channel.
    Regime(
        "one shared channel",
        ("medium",),
        Network(5, medium_bps=10_000_000),
        2.5e8,
        pins=((_LARGE, 2), (_AFTER_LARGE, 3), (_AFTER_MIDDLE, 4)),
        streamed=80,
        private_links_miss=0.20,
    ),
    Regime("rendezvous without overlap", ("node",), Network(5, port_bps=20_000_000), 2.5e8, overlap="none"),
    # One on a device, and one on two: the source sends a third of the inputs to the first.
    Regime("two pipelines on ports", ("stage",), Network(5, port_bps=20_000_000), 1.5e8, pipelines=2),
    # The channel would carry one of them at its own rate, and not both.
    Regime("two pipelines on one channel", ("medium",), Network(5, medium_bps=10_000_000), 1.5e8, streamed=80, pipelines=2),
)
