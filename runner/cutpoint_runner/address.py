"""Addresses, `host:port` or `[host]:port` for IPv6."""

from __future__ import annotations

from dataclasses import dataclass

from .faults import Fault


@dataclass(frozen=True)
class Address:
    """Where an end of a connection listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Reads an address; raises `Fault` if it has no host or no port of 1 to 65535."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if bracketed:
        host = host[1:-1]
    # isdecimal accepts digits of other scripts, which no address has.
    digits = port.isascii() and port.isdecimal()
    named = _is_name(host) and (":" in host) == bracketed
    if not colon or not named or not digits or not 0 < int(port) < 65536:
        raise Fault(f"{text!r} is not an address; write host:port, or [host]:port for IPv6")
    return Address(host, int(port))


def _is_name(host: str) -> bool:
    """Whether the system can look the name up; it raises errors of several kinds for names that it cannot read."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return bool(host) and host.isprintable() and " " not in host
