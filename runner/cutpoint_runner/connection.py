"""An authenticated connection between two neighbours, and the options of its socket."""

from __future__ import annotations

import contextlib
import socket
import threading

import numpy as np

from .faults import Refusal
from .frame import CONTROLS, HEADER_BYTES, Frame, Header, Kind
from .tensors import Tensor, bytes_of

# Linux takes at most 1024 pieces in one call.
_MOST_PIECES = 512


def set_options(sock: socket.socket, buffer_bytes: int) -> None:
    """Caps the kernel's buffers, which else hide whole transfers, and has a dead neighbour noticed.

    Call it before `listen` or `connect`: the window of a connection is negotiated when it begins.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class Connection:
    """Sends and receives frames. Any failure is an `OSError` or a `Refusal`, after which it is of no more use."""

    def __init__(self, sock: socket.socket, peer: str):
        self.peer = peer
        self._socket = sock
        self._sending = threading.Lock()
        sock.settimeout(None)

    def send(self, header: Header, arrays: list[np.ndarray]) -> None:
        """Sends a frame; returns when the kernel has all of it."""
        pieces = [memoryview(header.pack())]
        pieces += [view for view in map(bytes_of, arrays) if len(view)]
        with self._sending:
            while pieces:
                sent = self._socket.sendmsg(pieces[:_MOST_PIECES])
                pieces = _without(pieces, sent)

    def send_control(self, kind: Kind) -> None:
        """Sends a word of the receiver. A pulse is left out if the neighbour does not read."""
        flags = socket.MSG_DONTWAIT if kind is Kind.PULSE else 0
        with self._sending:
            try:
                sent = self._socket.send(Header(kind).pack(), flags)
            except BlockingIOError:
                return
        if sent < HEADER_BYTES:
            raise ConnectionError("the neighbour does not read what it is told")

    def receive_header(self) -> Header | None:
        """Returns the next header, or `None` if the neighbour ended the connection between two frames."""
        data = bytearray(HEADER_BYTES)
        received = self._fill(memoryview(data))
        if received == 0:
            return None
        if received < HEADER_BYTES:
            raise ConnectionError("the connection ended within a header")
        return Header.unpack(bytes(data))

    def receive_body(self, header: Header, tensors: tuple[Tensor, ...]) -> Frame:
        """Receives the tensors of a frame, each into an array of its own."""
        if header.kind in CONTROLS:
            raise Refusal(f"the neighbour sends a frame of kind {header.kind.name}")
        expected = 0 if header.kind is Kind.END else sum(tensor.bytes for tensor in tensors)
        if header.length != expected:
            raise Refusal(f"a frame announces {header.length} bytes, but its layout has {expected}")
        frame = Frame(header)
        for tensor in () if header.kind is Kind.END else tensors:
            array = tensor.empty()
            if self._fill(bytes_of(array)) < tensor.bytes:
                raise ConnectionError("the connection ended within a frame")
            frame.tensors[tensor.name] = array
        return frame

    def _fill(self, view: memoryview) -> int:
        """Receives until the view is full or the connection ends; returns the bytes received."""
        received = 0
        while received < len(view):
            count = self._socket.recv_into(view[received:], 0, socket.MSG_WAITALL)
            if count == 0:
                break
            received += count
        return received

    def fileno(self) -> int:
        return self._socket.fileno()

    def end_sending(self) -> None:
        """Tells the neighbour that no frame follows."""
        self._shut(socket.SHUT_WR)

    def end_receiving(self) -> None:
        """Has a receiver return what has arrived already, and then the end of the connection."""
        self._shut(socket.SHUT_RD)

    def interrupt(self) -> None:
        """Ends the connection for every thread that waits for it."""
        self._shut(socket.SHUT_RDWR)

    def _shut(self, how: int) -> None:
        # The other side may have ended it already.
        with contextlib.suppress(OSError):
            self._socket.shutdown(how)

    def close(self) -> None:
        self.interrupt()
        self._socket.close()


def _without(pieces: list[memoryview], sent: int) -> list[memoryview]:
    """Returns what is left of the pieces after the first bytes were sent."""
    for i, piece in enumerate(pieces):
        if sent < len(piece):
            return [piece[sent:], *pieces[i + 1 :]]
        sent -= len(piece)
    return []
