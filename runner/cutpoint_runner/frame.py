"""Frames: a fixed header, then the tensors of one inference in the order that the handshake agreed on."""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass, field, replace

import numpy as np

from .faults import Refusal

MAGIC = b"CPF1"
VERSION = 1

# magic, version, kind, reserved, run, clock, inference, started_ns, length
_HEADER = struct.Struct("!4sBBHIIQQQ")
HEADER_BYTES = _HEADER.size


class Kind(enum.IntEnum):
    """What a frame is for."""

    TENSORS = 1
    # The source ends its run; the inference is the number that it fed.
    END = 2
    # From the receiver: it is alive, is ready for a frame, has the whole frame.
    PULSE = 3
    READY = 4
    DONE = 5


@dataclass(frozen=True)
class Header:
    """What precedes the tensors of a frame."""

    kind: Kind
    # Drawn by the source when it starts; numbers of inferences increase within a run.
    run: int = 0
    inference: int = 0
    # The source's monotonic clock when it began to send, and which machine's clock that is.
    started_ns: int = 0
    clock: int = 0
    length: int = 0

    def pack(self) -> bytes:
        fields = (self.run, self.clock, self.inference, self.started_ns, self.length)
        return _HEADER.pack(MAGIC, VERSION, self.kind, 0, *fields)

    def without_tensors(self) -> Header:
        """The header by which the sink answers the source."""
        return replace(self, length=0)

    @staticmethod
    def unpack(data: bytes) -> Header:
        """Reads a header; raises `Refusal` if it is none of this version."""
        magic, version, kind, reserved, run, clock, inference, started_ns, length = _HEADER.unpack(data)
        if magic != MAGIC or version != VERSION or reserved != 0:
            raise Refusal("what follows is not a frame of this version")
        try:
            return Header(Kind(kind), run, inference, started_ns, clock, length)
        except ValueError:
            raise Refusal(f"there is no frame of kind {kind}") from None


CONTROLS = frozenset((Kind.PULSE, Kind.READY, Kind.DONE))


@dataclass
class Frame:
    """One inference on its way through a stage, or the end of a run."""

    header: Header
    # By name. Arrays are never changed once they are in a frame.
    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    # What was measured of this inference so far, by the names of the log.
    measured: dict[str, float | int | bool] = field(default_factory=dict)

    @property
    def is_end(self) -> bool:
        return self.header.kind is Kind.END
