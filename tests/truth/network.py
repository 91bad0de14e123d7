"""An emulated network: a namespace per device, joined by a router, with rates that the kernel enforces.

With ports, what a device sends and what it receives is limited, each direction by itself. With a shared medium, all
traffic, acknowledgements included, makes a turn through one limited interface.
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

# A token bucket must be as small as this, or whole transfers pass at the speed of memory.
_BURST_BYTES = 3200
# Of a medium that is never idle: on a busy machine the kernel comes late, and what a full bucket cannot take is lost.
_MEDIUM_BURST_BYTES = 6400
_QUEUE_MS = 20

_IPERF3_PORT = 5201

_SYSCTLS = (
    "net/ipv4/ip_forward=1",
    "net/ipv4/conf/all/rp_filter=0",
    "net/ipv4/conf/default/rp_filter=0",
    # Rates that were learned from one connection must not be those of the next.
    "net/ipv4/tcp_no_metrics_save=1",
    # The one that every kernel has.
    "net/ipv4/tcp_congestion_control=reno",
)


@dataclass(frozen=True)
class Network:
    """Devices 1 to `devices`. Device i has the address 10.77.i.2."""

    devices: int
    # One rate for each direction of each port, or for the medium that all share.
    port_bps: int | None = None
    medium_bps: int | None = None

    def build(self) -> None:
        """Makes the namespaces; they end with the namespace that this process runs in."""
        for name in ["router", "turn", *map(device, range(1, self.devices + 1))]:
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
            run_in(name, "sh", "-c", "".join(f"echo {v} > /proc/sys/{k};" for k, v in map(_split, _SYSCTLS)))
        for i in range(1, self.devices + 1):
            self._join(i)
        if self.medium_bps is not None:
            self._make_turn()

    def _join(self, i: int) -> None:
        link(f"port{i}", "router", f"10.77.{i}.1", "eth0", device(i), f"10.77.{i}.2")
        _ip("-n", device(i), "route", "add", "default", "via", f"10.77.{i}.1")
        if self.port_bps is not None:
            limit(device(i), "eth0", self.port_bps)
            limit("router", f"port{i}", self.port_bps)

    def _make_turn(self) -> None:
        link("there", "router", "10.78.0.1", "in0", "turn", "10.78.0.2")
        link("back", "router", "10.79.0.1", "out0", "turn", "10.79.0.2")
        _ip("-n", "turn", "route", "add", "10.77.0.0/16", "via", "10.79.0.1")
        _ip("-n", "router", "route", "add", "default", "via", "10.78.0.2", "table", "100")
        for i in range(1, self.devices + 1):
            _ip("-n", "router", "rule", "add", "iif", f"port{i}", "lookup", "100")
        limit("router", "there", self.medium_bps, _MEDIUM_BURST_BYTES)


def device(i: int) -> str:
    return f"device{i}"


def address(i: int) -> str:
    return f"10.77.{i}.2"


def link(name: str, namespace: str, ip: str, other_name: str, other_namespace: str, other_ip: str) -> None:
    """Joins two namespaces. Packets are those of the wire: the kernel must not send several as one."""
    _ip(
        "-n",
        namespace,
        "link",
        "add",
        "name",
        name,
        "type",
        "veth",
        "peer",
        "name",
        other_name,
        "netns",
        other_namespace,
    )
    for where, interface, number in ((namespace, name, ip), (other_namespace, other_name, other_ip)):
        _ip("-n", where, "addr", "add", f"{number}/24", "dev", interface)
        _ip("-n", where, "link", "set", interface, "up", "gso_max_segs", "1")


def limit(namespace: str, interface: str, bps: int, burst_bytes: int = _BURST_BYTES) -> None:
    """Limits what an interface sends."""
    bucket = ["tbf", "rate", f"{bps}bit", "burst", str(burst_bytes), "latency", f"{_QUEUE_MS}ms"]
    _run("tc", "-n", namespace, "qdisc", "add", "dev", interface, "root", *bucket)


def in_namespace(namespace: str) -> list[str]:
    """Returns the words that run a command in a namespace."""
    return ["nsenter", f"--net=/run/netns/{namespace}"]


def run_in(namespace: str, *command: str) -> str:
    return _run(*in_namespace(namespace), *command)


def measure(network: Network, pairs: list[tuple[int, int]], folder: Path) -> None:
    """Writes what iperf3 measures from devices to devices, as for the inventory of a site.

    Where devices have ports, tests that share no device run at the same time.
    """
    folder.mkdir()
    rounds = [[pair] for pair in pairs] if network.medium_bps is not None else _rounds(pairs)
    for together in rounds:
        servers = [_start(to, "iperf3", "--server", "--one-off") for _, to in together]
        for _, to in together:
            _wait_for_listener(to)
        clients = [_start(of, "iperf3", "--client", address(to), *_TEST) for of, to in together]
        for (of, to), client in zip(together, clients):
            found, errors = client.communicate(timeout=60)
            if client.returncode:
                raise SystemExit(f"iperf3 from {device(of)} to {device(to)} failed:\n{errors}{found}")
            (folder / f"{device(of)}-{device(to)}.json").write_text(found, encoding="utf-8")
        for server in servers:
            server.communicate(timeout=60)


_TEST = ("--json", "--time", "1", "--omit", "1", "--connect-timeout", "5000")


def _rounds(pairs: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Divides pairs into rounds in which each device has one pair at most."""
    rounds: list[list[tuple[int, int]]] = []
    for pair in pairs:
        free = [others for others in rounds if not set(pair) & {end for other in others for end in other}]
        if free:
            free[0].append(pair)
        else:
            rounds.append([pair])
    return rounds


def _start(at: int, *command: str) -> subprocess.Popen:
    words = [*in_namespace(device(at)), *command]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _wait_for_listener(at: int) -> None:
    deadline = time.monotonic() + 20
    while str(_IPERF3_PORT) not in run_in(device(at), "ss", "--no-header", "--listening", "--tcp", "--numeric"):
        if time.monotonic() > deadline:
            raise SystemExit(f"iperf3 does not listen on {device(at)} after 20 s")
        time.sleep(0.02)


def _split(setting: str) -> tuple[str, str]:
    name, value = setting.split("=")
    return name, value


def _ip(*words: str) -> str:
    return _run("ip", *words)


def _run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}\n{done.stderr}")
    return done.stdout
