"""The clock of all measurements: monotonic, and the same for all processes of a machine."""

from __future__ import annotations

import random
import time
import zlib
from pathlib import Path


def now_s() -> float:
    """Returns the seconds of the monotonic clock."""
    return time.monotonic()


def clock_id() -> int:
    """Returns a number that two processes share if their monotonic clocks are the same.

    That is the start of the machine with the namespace of its clocks. Where the system tells neither, the number is
    drawn, so that no two processes share it.
    """
    try:
        started = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        clocks = Path("/proc/self/ns/time")
        namespace = clocks.readlink() if clocks.is_symlink() else ""
    except OSError:
        return random.SystemRandom().getrandbits(32)
    return zlib.crc32(f"{started} {namespace}".encode())
