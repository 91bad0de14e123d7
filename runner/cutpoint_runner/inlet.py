"""Listens for the one neighbour that sends to this process, and receives its frames."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time

from .address import Address
from .clock import now_s
from .connection import Connection, set_options
from .counters import Counters
from .faults import Fault, Refusal
from .frame import Frame, Kind
from .handshake import Hop, answer, consent
from .shutdown import start_thread
from .times import TimesLog

PULSE_S = 5.0
# So many peers that have not shown the token are heard at once.
_MOST_HANDSHAKES = 8

_log = logging.getLogger(__name__)


class Inlet:
    """The receiving end of a hop. A neighbour that restarts connects anew; a frame that it did not complete is dropped.

    `receive` is for one thread; the other methods are for any.
    """

    def __init__(self, address: Address, hop: Hop, token: str, buffer_bytes: int, counters: Counters, log: TimesLog):
        self._hop = hop
        self._token = token
        self._counters = counters
        self._log = log
        self._rendezvous = hop.overlap == "none"
        self._unproven: list[socket.socket] = []
        self._changed = threading.Condition()
        self._stopped = False
        # The connection that is read, and the one of a neighbour that restarted meanwhile.
        self._current: Connection | None = None
        self._next: Connection | None = None
        self._last = (0, -1)
        self._received_at = now_s()
        self._listener = _listen(address, buffer_bytes)
        self._accepting = start_thread(self._accept, "accept")
        _log.info("%s: listening on %s", hop, address)

    def receive(self) -> Frame | None:
        """Waits for the next frame; returns `None` once stopped and drained."""
        asked = now_s()
        blocked_s = asked - self._received_at
        while True:
            connection = self._connection()
            if connection is None:
                return None
            try:
                frame = self._receive_from(connection)
            except (OSError, Refusal) as fault:
                self._leave(connection, str(fault))
                continue
            if frame is None:
                self._leave(connection, None)
            elif self._is_new(frame):
                self._received_at = now_s()
                frame.measured["receive_blocked_s"] = blocked_s
                frame.measured["receive_wait_s"] = self._received_at - asked - frame.measured["receive_s"]
                return frame

    def wait_connected(self, timeout_s: float) -> bool:
        """Waits until the neighbour is connected; returns whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._current is not None or self._stopped, timeout_s)

    def stop(self) -> None:
        """Asks the neighbour to end; `receive` returns `None` after the frames that it has sent completely.

        The neighbour keeps a frame that it has not, for whoever listens here next.
        """
        with self._changed:
            self._stopped = True
            for connection in (self._current, self._next):
                if connection is not None:
                    connection.end_sending()
            self._changed.notify_all()
        # Wakes the thread that accepts.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Ends everything at once."""
        self.stop()
        self._accepting.join()
        with self._changed:
            for connection in (self._current, self._next):
                if connection is not None:
                    connection.close()

    def _receive_from(self, connection: Connection) -> Frame | None:
        if self._rendezvous:
            connection.send_control(Kind.READY)
        header = connection.receive_header()
        if header is None:
            return None
        begun = now_s()
        frame = connection.receive_body(header, self._hop.tensors)
        if self._rendezvous:
            connection.send_control(Kind.DONE)
        frame.measured["receive_started_s"] = begun
        frame.measured["receive_s"] = now_s() - begun
        frame.measured["received_bytes"] = header.length
        self._counters.add("receive_seconds_total", frame.measured["receive_s"])
        self._counters.add("received_bytes_total", header.length)
        return frame

    def _is_new(self, frame: Frame) -> bool:
        """A neighbour that lost its connection may send a frame again that had arrived."""
        run, inference = frame.header.run, frame.header.inference
        if run == self._last[0] and inference <= self._last[1]:
            self._drop_frame(f"inference {inference} came again")
            return False
        self._last = (run, inference)
        return True

    def _connection(self) -> Connection | None:
        with self._changed:
            self._changed.wait_for(lambda: self._current is not None or self._stopped)
            # A receiver that stops is not ready for another frame; without rendezvous, frames may be on their way.
            return None if self._stopped and self._rendezvous else self._current

    def _leave(self, connection: Connection, fault: str | None) -> None:
        with self._changed:
            self._current, self._next = self._next, None
            self._counters.set("receive_connected", float(self._current is not None))
            stopped = self._stopped
        if fault is not None and not stopped:
            self._drop_frame(fault)
        _log.info("%s: the connection from %s ended", self._hop, connection.peer)
        self._log.event("disconnected", hop=str(self._hop))
        connection.close()

    def _drop_frame(self, why: str) -> None:
        _log.warning("%s: a frame is dropped: %s", self._hop, why)
        self._counters.add("dropped_frames_total")
        self._log.event("dropped", hop=str(self._hop), detail=why)

    def _accept(self) -> None:
        pulse_at = time.monotonic() + PULSE_S
        while not self._stopped:
            self._listener.settimeout(max(0.01, pulse_at - time.monotonic()))
            try:
                sock, address = self._listener.accept()
            except socket.timeout:
                self._pulse()
                pulse_at = time.monotonic() + PULSE_S
                continue
            except OSError as error:
                if not self._stopped:
                    _log.warning("%s: a connection could not be accepted: %s", self._hop, error)
                    time.sleep(0.1)
                continue
            self._begin_handshake(sock, f"{address[0]}:{address[1]}")
        self._listener.close()

    def _begin_handshake(self, sock: socket.socket, peer: str) -> None:
        with self._changed:
            self._unproven.append(sock)
            if len(self._unproven) > _MOST_HANDSHAKES:
                # The oldest, so that peers who say nothing cannot keep the neighbour out.
                with contextlib.suppress(OSError):
                    self._unproven[0].shutdown(socket.SHUT_RDWR)
        start_thread(lambda: self._handshake(sock, peer), "handshake")

    def _handshake(self, sock: socket.socket, peer: str) -> None:
        try:
            answer(sock, self._token, self._hop)
            self._adopt(sock, peer)
        except (OSError, Refusal) as fault:
            self._refuse(peer, str(fault))
            sock.close()
        finally:
            with self._changed:
                self._unproven.remove(sock)

    def _refuse(self, peer: str, why: str) -> None:
        _log.warning("%s: refused %s: %s", self._hop, peer, why)
        self._counters.add("refused_connections_total")
        self._log.event("refused", hop=str(self._hop), detail=why)

    def _adopt(self, sock: socket.socket, peer: str) -> None:
        """The newest connection wins: the neighbour restarted, and its older one may never end by itself."""
        with self._changed:
            if self._stopped:
                raise Refusal("this process ends")
            # Under the lock: what a neighbour sends after the consent is lost if nobody receives from it.
            consent(sock)
            connection = Connection(sock, peer)
            if self._current is None:
                self._current = connection
            else:
                if self._next is not None:
                    self._next.close()
                self._next = connection
                # What has arrived completely is still received.
                self._current.end_receiving()
            self._counters.add("connections_total")
            self._counters.set("receive_connected", 1)
            self._changed.notify_all()
        _log.info("%s: connected with %s", self._hop, connection.peer)
        self._log.event("connected", hop=str(self._hop))

    def _pulse(self) -> None:
        with self._changed:
            connections = [c for c in (self._current, self._next) if c is not None]
        for connection in connections:
            # A connection that fails here fails where it is received from, which says so.
            with contextlib.suppress(OSError):
                connection.send_control(Kind.PULSE)


def _listen(address: Address, buffer_bytes: int) -> socket.socket:
    try:
        family, kind, protocol, _, bound = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        set_options(listener, buffer_bytes)
        listener.bind(bound)
        listener.listen(_MOST_HANDSHAKES)
    except OSError as error:
        raise Fault(
            f"cannot listen on {address}: {error.strerror or error}; give an address of this machine, with --listen"
        ) from error
    return listener
