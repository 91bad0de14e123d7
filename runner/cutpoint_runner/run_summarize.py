"""The command `summarize`: one JSON document of the logs of a pipeline."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from .faults import Fault
from .logs import read_logs
from .options import whole_number
from .statistics import DEFAULT_WARM_UP
from .summary import summarize


def add_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "directories", nargs="+", type=Path, metavar="DIR", help="folders with the logs of all processes"
    )
    parser.add_argument(
        "--warm-up",
        type=whole_number,
        default=DEFAULT_WARM_UP,
        metavar="N",
        help=f"the first inferences of a run, which do not count [{DEFAULT_WARM_UP}]",
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints the summary; returns the exit status."""
    logs, warnings = read_logs(arguments.directories)
    for warning in warnings:
        print(f"cutpoint-runner: {warning}", file=sys.stderr)
    try:
        summary = summarize(logs, arguments.warm_up)
    except (KeyError, TypeError) as error:
        raise Fault(f"a record of the logs is not as a runner writes it: {error!r}") from error
    print(json.dumps({**summary, "warnings": warnings}, indent=2))
    return 0
