"""The command `probe`: asks a stage or a sink whether it is ready, for containers that have no other tool."""

from __future__ import annotations

import argparse
import http.client
import ipaddress

from .address import Address
from .options import add_flag, address

_TIMEOUT_S = 5.0


def add_flags(parser: argparse.ArgumentParser) -> None:
    add_flag(parser, "health", address, help="where the process answers probes", metavar="HOST:PORT")


def run(arguments: argparse.Namespace) -> int:
    """Returns 0 if the process is ready, or if it has no address for probes."""
    if arguments.health is None:
        print("there is no address to ask: neither --health nor CUTPOINT_RUNNER_HEALTH is set")
        return 0
    connection = http.client.HTTPConnection(_reachable(arguments.health), arguments.health.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        print(answer.read().decode(errors="replace").strip())
        return 0 if answer.status == 200 else 1
    except (OSError, http.client.HTTPException) as error:
        print(f"{arguments.health} does not answer: {error}")
        return 1
    finally:
        connection.close()


def _reachable(address: Address) -> str:
    """A process that listens on all addresses answers on the loopback one."""
    try:
        unspecified = ipaddress.ip_address(address.host).is_unspecified
    except ValueError:
        return address.host
    if not unspecified:
        return address.host
    return "::1" if ":" in address.host else "127.0.0.1"
