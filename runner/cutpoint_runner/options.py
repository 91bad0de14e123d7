"""What the commands share: their flags, with a variable of the environment for each, and what follows from them."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from .address import Address, parse_address
from .faults import Fault
from .stages import OVERLAPS, Stages, check_token, read_stages

# Half of it leaves a link idle at times whose other direction is full too: acknowledgements wait behind data.
DEFAULT_BUFFER_BYTES = 262144
BUFFER_LIMITS = (16384, 16777216)


def add_flag(parser: argparse.ArgumentParser, name: str, kind=str, default=None, help: str = "", **more) -> None:
    """Adds a flag whose default is the variable `CUTPOINT_RUNNER_` and its name, where that is set."""
    variable = "CUTPOINT_RUNNER_" + name.upper().replace("-", "_")
    shown = "" if default is None else f" [{default}]"
    # argparse reads a default that is a text as if it had been typed.
    value = os.environ.get(variable, default)
    parser.add_argument(f"--{name}", type=kind, default=value, help=f"{help}{shown} ({variable})", **more)


def add_common_flags(parser: argparse.ArgumentParser, pipeline: str | None = "0") -> None:
    """Adds what a stage, a source and a sink understand alike; without a default pipeline, all are meant."""
    add_flag(parser, "stages", Path, "stages.json", help="the file that says what runs where", metavar="FILE")
    which = "which pipeline of the file" if pipeline is not None else "one pipeline alone; all of the file if absent"
    add_flag(parser, "pipeline", whole_number, pipeline, help=which, metavar="N")
    add_flag(parser, "token-file", Path, help="a file with the token, if not stages.json has it", metavar="FILE")
    add_flag(parser, "overlap", overlap, help="full or none, if not as stages.json says")
    add_flag(parser, "log-dir", Path, help="a folder for the times, as JSON lines", metavar="DIR")
    add_flag(
        parser,
        "socket-buffer-bytes",
        buffer_bytes,
        str(DEFAULT_BUFFER_BYTES),
        help="the most that the kernel buffers at each end of a connection",
        metavar="BYTES",
    )


def address(text: str) -> Address:
    try:
        return parse_address(text)
    except Fault as fault:
        raise argparse.ArgumentTypeError(str(fault)) from fault


def overlap(text: str) -> str:
    if text not in OVERLAPS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(OVERLAPS)}")
    return text


def whole_number(text: str) -> int:
    return _number(text, int, 0, 1 << 40, "a whole number from 0")


def positive(text: str) -> int:
    return _number(text, int, 1, 1 << 40, "a whole number from 1")


def seconds(text: str) -> float:
    return _number(text, float, 0.0, 1e7, "a number of seconds from 0 to 10000000")


def rate(text: str) -> float:
    return _number(text, float, 1e-6, 1e6, "a number per second from 0.000001 to 1000000")


def buffer_bytes(text: str) -> int:
    return _number(text, int, *BUFFER_LIMITS, f"a number of bytes from {BUFFER_LIMITS[0]} to {BUFFER_LIMITS[1]}")


def _number(text: str, kind, least, most, words: str):
    try:
        value = kind(text)
    except ValueError:
        value = None
    # Written so that not-a-number fails, too.
    if value is None or not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not {words}")
    return value


def stages_of(arguments: argparse.Namespace) -> Stages:
    return read_stages(arguments.stages)


def token_of(arguments: argparse.Namespace, stages: Stages) -> str:
    """Returns the token of the file that was named, else of `stages.json`."""
    if arguments.token_file is None:
        if stages.token is None:
            raise Fault(f"{arguments.stages} has no token; name a file that has it with --token-file")
        return stages.token
    try:
        token = arguments.token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(f"{arguments.token_file} cannot be read: {error}") from error
    check_token(token)
    return token


def required(address: Address | None, what: str, flag: str) -> Address:
    """Returns an address, or says which flag supplies it."""
    if address is None:
        raise Fault(f"stages.json has no address {what}; give it with {flag}")
    return address
