"""How two neighbours prove to each other that they know the pipeline's token, and agree on what travels.

The side that dials speaks first: a greeting with a nonce, answered by one; its proof, answered by the other's; then the
layout that it will send, answered by consent or a reason. The token itself never travels.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
import struct
import time
from dataclasses import dataclass

from .faults import Refusal
from .tensors import Tensor

HANDSHAKE_S = 10.0
LONGEST_OFFER_BYTES = 4 << 20

_MAGIC = b"CUTPOINT"
_VERSION = 1
_NONCE_BYTES = 32
_GREETING = struct.Struct(f"!8sB{_NONCE_BYTES}s")
_LENGTH = struct.Struct("!I")


@dataclass(frozen=True)
class Hop:
    """What both ends of a connection must agree on."""

    model: str
    pipeline: int
    sender: str
    receiver: str
    overlap: str
    tensors: tuple[Tensor, ...]

    def __str__(self) -> str:
        return f"{self.sender} to {self.receiver}"

    def offer(self) -> dict:
        """The hop in the form that travels."""
        return {
            "model": self.model,
            "pipeline": self.pipeline,
            "sender": self.sender,
            "receiver": self.receiver,
            "overlap": self.overlap,
            "tensors": [tensor.as_json() for tensor in self.tensors],
        }

    def difference(self, offer) -> str | None:
        """Says how an offer differs from this hop, or returns `None`."""
        if not isinstance(offer, dict):
            return "the offer is not an object"
        expected = self.offer()
        for name in ("model", "pipeline", "sender", "receiver", "overlap"):
            if offer.get(name) != expected[name]:
                return f"{name} is {_shown(expected[name])} here and {_shown(offer.get(name))} there"
        return _difference_of_lists(expected["tensors"], offer.get("tensors"))


def _difference_of_lists(here: list, there) -> str | None:
    if not isinstance(there, list):
        return "the tensors of the offer are not a list"
    if len(here) != len(there):
        return f"{len(here)} tensors are expected and {len(there)} are offered"
    for i, (expected, offered) in enumerate(zip(here, there)):
        if expected != offered:
            return f"tensor {i} is {_shown(expected)} here and {_shown(offered)} there"
    return None


def _shown(value) -> str:
    text = json.dumps(value)
    return text if len(text) <= 200 else text[:200] + "…"


def dial(sock: socket.socket, token: str, hop: Hop) -> None:
    """Does the part of the side that dialled; raises `Refusal` or `OSError`."""
    wire = _Wire(sock)
    mine = os.urandom(_NONCE_BYTES)
    wire.send(_GREETING.pack(_MAGIC, _VERSION, mine))
    theirs = _nonce_of(wire.receive(_GREETING.size))
    wire.send(_proof(token, b"dials", mine, theirs))
    try:
        proof = wire.receive(hashlib.sha256().digest_size)
    except _Ended:
        raise Refusal("it did not accept the token; both must have the stages.json of the same export") from None
    if not hmac.compare_digest(proof, _proof(token, b"listens", mine, theirs)):
        raise Refusal("it does not know the token")
    wire.send_json(hop.offer())
    answer = wire.receive_json()
    if not isinstance(answer, dict) or answer.get("accepted") is not True:
        detail = answer.get("detail") if isinstance(answer, dict) else None
        raise Refusal(f"it refused the layout: {_shown(detail)}")


def answer(sock: socket.socket, token: str, hop: Hop) -> None:
    """Does the part of the side that was dialled up to its `consent`; raises `Refusal` or `OSError`."""
    wire = _Wire(sock)
    theirs = _nonce_of(wire.receive(_GREETING.size))
    mine = os.urandom(_NONCE_BYTES)
    wire.send(_GREETING.pack(_MAGIC, _VERSION, mine))
    proof = wire.receive(hashlib.sha256().digest_size)
    if not hmac.compare_digest(proof, _proof(token, b"dials", theirs, mine)):
        raise Refusal("it does not know the token")
    wire.send(_proof(token, b"listens", theirs, mine))
    difference = hop.difference(wire.receive_json())
    if difference is not None:
        wire.send_json({"accepted": False, "detail": difference})
        raise Refusal(f"its layout differs: {difference}")


def consent(sock: socket.socket) -> None:
    """Has the side that dialled begin to send; raises `OSError`."""
    _Wire(sock).send_json({"accepted": True})


def _proof(token: str, side: bytes, dialler: bytes, listener: bytes) -> bytes:
    """A proof names its side, so that it cannot be sent back to the one who made it."""
    return hmac.new(token.encode(), b"cutpoint runner " + side + dialler + listener, hashlib.sha256).digest()


def _nonce_of(greeting: bytes) -> bytes:
    magic, version, nonce = _GREETING.unpack(greeting)
    if magic != _MAGIC:
        raise Refusal("it is not a runner")
    if version != _VERSION:
        raise Refusal(f"it speaks version {version} of the protocol, and this one version {_VERSION}")
    return nonce


class _Ended(ConnectionError):
    """The peer ended the connection, perhaps because it ends itself."""


class _Wire:
    """Reads and writes against one deadline, so that a slow peer cannot hold the handshake open."""

    def __init__(self, sock: socket.socket):
        self._socket = sock
        self._deadline = time.monotonic() + HANDSHAKE_S

    def send(self, data: bytes) -> None:
        self._set_timeout()
        self._socket.sendall(data)

    def receive(self, count: int) -> bytes:
        """Receives exactly so many bytes."""
        data = bytearray()
        while len(data) < count:
            self._set_timeout()
            piece = self._socket.recv(min(count - len(data), 65536))
            if not piece:
                raise _Ended("it ended the connection within the handshake")
            data += piece
        return bytes(data)

    def send_json(self, value) -> None:
        data = json.dumps(value).encode()
        self.send(_LENGTH.pack(len(data)) + data)

    def receive_json(self):
        (length,) = _LENGTH.unpack(self.receive(_LENGTH.size))
        if length > LONGEST_OFFER_BYTES:
            raise Refusal(f"it announces a layout of {length} bytes; {LONGEST_OFFER_BYTES} are the most")
        try:
            return json.loads(self.receive(length))
        except (ValueError, RecursionError):
            raise Refusal("its layout is not JSON") from None

    def _set_timeout(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Refusal(f"it did not complete the handshake within {HANDSHAKE_S:g} s")
        self._socket.settimeout(left)
