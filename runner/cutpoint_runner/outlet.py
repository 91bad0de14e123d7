"""Dials the one neighbour that receives from this process, and sends it frames."""

from __future__ import annotations

import logging
import queue
import select
import socket
import threading
import time

from .address import Address
from .clock import now_s
from .connection import Connection, set_options
from .counters import Counters
from .faults import Refusal
from .frame import Frame, Kind
from .handshake import HANDSHAKE_S, Hop, dial
from .inlet import PULSE_S
from .shutdown import start_thread
from .times import TimesLog

# A neighbour that is silent for so many pulses has lost its power or its network.
SILENCE_S = 4 * PULSE_S
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
# A neighbour that refuses will do so again until somebody changes something.
_PAUSE_AFTER_REFUSAL_S = 5.0

_log = logging.getLogger(__name__)


class Outlet:
    """The sending end of a hop. It dials until the neighbour answers, and again when the connection is lost.

    A frame that was not sent completely is sent again over the next connection. `send` is for one thread.
    """

    def __init__(self, address: Address, hop: Hop, token: str, buffer_bytes: int, counters: Counters, log: TimesLog):
        self._address = address
        self._hop = hop
        self._token = token
        self._buffer_bytes = buffer_bytes
        self._counters = counters
        self._log = log
        self._rendezvous = hop.overlap == "none"
        self._changed = threading.Condition()
        self._connection: Connection | None = None
        self._controls: queue.SimpleQueue[Kind | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._said: str | None = None
        self._link = start_thread(self._keep_link, "link")

    def send(self, frame: Frame, arrays: list) -> bool:
        """Sends a frame and measures it; returns `False` if `abort` came first."""
        asked = now_s()
        while True:
            connection, controls = self._await_connection()
            if connection is None:
                return False
            try:
                if self._rendezvous:
                    _await_control(controls, Kind.READY)
                begun = now_s()
                connection.send(frame.header, arrays)
                if self._rendezvous:
                    _await_control(controls, Kind.DONE)
            except OSError as error:
                self._leave(connection, str(error))
                continue
            self._measure(frame, asked, begun)
            return True

    def close(self, timeout_s: float) -> None:
        """Ends the connection after all that was sent has arrived, or after the time."""
        self._stopped.set()
        with self._changed:
            connection = self._connection
            self._changed.notify_all()
        if connection is not None:
            connection.end_sending()
        # The neighbour ends its side when it has read the last frame.
        self._link.join(timeout_s)
        if connection is not None:
            connection.close()

    def abort(self) -> None:
        """Has `send` give up."""
        self._stopped.set()
        with self._changed:
            if self._connection is not None:
                self._connection.interrupt()
            self._connection = None
            self._changed.notify_all()

    def _await_connection(self):
        with self._changed:
            self._changed.wait_for(lambda: self._connection is not None or self._stopped.is_set())
            return self._connection, self._controls

    def _measure(self, frame: Frame, asked: float, begun: float) -> None:
        ended = now_s()
        frame.measured["send_wait_s"] = begun - asked
        frame.measured["send_s"] = ended - begun
        frame.measured["sent_bytes"] = frame.header.length
        frame.measured["completed_s"] = ended
        self._counters.add("send_seconds_total", ended - begun)
        self._counters.add("sent_bytes_total", frame.header.length)

    def _leave(self, connection: Connection, why: str) -> None:
        connection.interrupt()
        with self._changed:
            if self._connection is not connection:
                return
            self._connection = None
            self._counters.set("send_connected", 0)
        if not self._stopped.is_set():
            _log.warning("%s: the connection is lost: %s", self._hop, why)
        self._log.event("disconnected", hop=str(self._hop))

    def _keep_link(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._stopped.is_set():
            try:
                connection = self._dial()
            except (OSError, Refusal) as fault:
                self._say(f"{self._address} does not answer yet: {fault}")
                pause_s = _PAUSE_AFTER_REFUSAL_S if isinstance(fault, Refusal) else min(2 * pause_s, _LONGEST_PAUSE_S)
                self._stopped.wait(pause_s)
                continue
            pause_s = _FIRST_PAUSE_S
            self._said = None
            self._adopt(connection)
            self._leave(connection, self._listen(connection))
            connection.close()

    def _dial(self) -> Connection:
        sock = _connected(self._address, self._buffer_bytes)
        try:
            dial(sock, self._token, self._hop)
        except (OSError, Refusal):
            sock.close()
            raise
        return Connection(sock, str(self._address))

    def _adopt(self, connection: Connection) -> None:
        with self._changed:
            self._connection = connection
            # Words of an older connection must not be taken for words of this one.
            self._controls = queue.SimpleQueue()
            self._counters.add("connections_total")
            self._counters.set("send_connected", 1)
            self._changed.notify_all()
        _log.info("%s: connected with %s", self._hop, self._address)
        self._log.event("connected", hop=str(self._hop))

    def _listen(self, connection: Connection) -> str:
        """Hears what the neighbour says until the connection ends; returns why it ended."""
        controls = self._controls
        heard = time.monotonic()
        try:
            while time.monotonic() - heard < SILENCE_S:
                if not select.select([connection], [], [], 1.0)[0]:
                    continue
                header = connection.receive_header()
                if header is None:
                    return "the neighbour ended it"
                heard = time.monotonic()
                if header.kind is not Kind.PULSE:
                    controls.put(header.kind)
            return f"the neighbour was silent for {SILENCE_S:g} s"
        except (OSError, ValueError, Refusal) as fault:
            return str(fault)
        finally:
            controls.put(None)

    def _say(self, text: str) -> None:
        """Logs the state of the link once, not with each attempt."""
        if text != self._said and not self._stopped.is_set():
            _log.warning("%s: %s", self._hop, text)
            self._said = text


def _await_control(controls: queue.SimpleQueue, expected: Kind) -> None:
    kind = controls.get()
    if kind is None:
        raise ConnectionError("the neighbour ended it")
    if kind is not expected:
        raise ConnectionError(f"the neighbour says {kind.name} where {expected.name} is due")


def _connected(address: Address, buffer_bytes: int) -> socket.socket:
    """Connects to the first of the addresses of a name that answers."""
    failure: OSError = OSError(f"{address.host} has no address")
    for family, kind, protocol, _, target in socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            set_options(sock, buffer_bytes)
            sock.settimeout(HANDSHAKE_S)
            sock.connect(target)
        except OSError as error:
            sock.close()
            failure = error
            continue
        return sock
    raise failure
