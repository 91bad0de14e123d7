"""The command line."""

from __future__ import annotations

import argparse
import logging
import sys

from . import __version__, run_feed, run_probe, run_sink, run_stage, run_summarize
from .faults import Fault

_EXAMPLE = """\
example, three terminals and a pipeline of one stage:
  cutpoint-runner sink  --stages out/stages.json
  cutpoint-runner stage --stages out/stages.json --index 0
  cutpoint-runner feed  --stages out/stages.json --count 100
"""

_COMMANDS = (
    ("stage", run_stage, "run one stage of a pipeline until a signal"),
    ("feed", run_feed, "be the source: send inputs to the first stage"),
    ("sink", run_sink, "be the sink: receive the outputs of the last stage"),
    ("probe", run_probe, "ask a stage or a sink whether it is ready"),
    ("summarize", run_summarize, "turn the logs of a pipeline into one JSON document"),
)


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; returns 0, 1 for a failure, or 2 for what the user must change."""
    parser = argparse.ArgumentParser(
        prog="cutpoint-runner", description="Runs the stages of a pipeline that Cutpoint planned.", epilog=_EXAMPLE
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--version", action="version", version=f"cutpoint-runner {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, module, help_text in _COMMANDS:
        command = commands.add_parser(name, help=help_text, description=module.__doc__)
        module.add_flags(command)
        command.set_defaults(run=module.run)
    parsed = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        return parsed.run(parsed)
    except Fault as fault:
        print(f"cutpoint-runner: {fault}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
