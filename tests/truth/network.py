"""An emulated network: a namespace per device, joined by a router, with rates that the kernel enforces.

With ports, what a device sends and what it receives is limited, each direction by itself. With a shared medium, all
traffic, acknowledgements included, makes a turn through one limited interface.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# A token bucket must be as small as this, or whole transfers pass at the speed of memory.
_BURST_BYTES = 3200
_QUEUE_MS = 100

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
        limit("router", "there", self.medium_bps)


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


def limit(namespace: str, interface: str, bps: int) -> None:
    """Limits what an interface sends."""
    bucket = ["tbf", "rate", f"{bps}bit", "burst", str(_BURST_BYTES), "latency", f"{_QUEUE_MS}ms"]
    _run("tc", "-n", namespace, "qdisc", "add", "dev", interface, "root", *bucket)


def in_namespace(namespace: str) -> list[str]:
    """Returns the words that run a command in a namespace."""
    return ["nsenter", f"--net=/run/netns/{namespace}"]


def run_in(namespace: str, *command: str) -> str:
    return _run(*in_namespace(namespace), *command)


def measured_goodput(sender: int, receiver: int, both_ways: bool) -> float:
    """Returns the bits of payload per second that one connection carries, as a measurement of a site would.

    A port of a pipeline carries what a stage sends beside the acknowledgements of what it receives, which take about
    2 %. So a rate of ports is measured while both directions are in use.
    """
    pairs = [(sender, receiver), (receiver, sender)] if both_ways else [(sender, receiver)]
    listeners = [_goodput(to, "receive") for _, to in pairs]
    for listener in listeners:
        listener.stdout.readline()
    senders = [_goodput(of, "send", address(to)) for of, to in pairs]
    for process in senders:
        process.wait(30)
    return [float(listener.communicate(timeout=30)[0]) for listener in listeners][0]


def _goodput(at: int, *words: str) -> subprocess.Popen:
    command = [*in_namespace(device(at)), sys.executable, str(Path(__file__).with_name("goodput.py")), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


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
