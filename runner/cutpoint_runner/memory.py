"""What memory this process takes."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path


def resident_bytes() -> int | None:
    """Returns the resident set, or `None` where the system has no `/proc`."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def peak_bytes() -> int:
    """Returns the largest resident set so far."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        # Elsewhere. On Linux it would count what the process that started this one takes.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    # Linux updates the peak less often than the present.
    return max(int(line.split()[1]) * 1024, resident_bytes() or 0)
