"""What a stage refuses: peers without the token, other layouts, frames that are none."""

import contextlib
import hashlib
import hmac
import json
import random
import socket
import struct

from cutpoint_runner.address import parse_address
from cutpoint_runner.counters import Counters
from cutpoint_runner.faults import Refusal
from cutpoint_runner.frame import HEADER_BYTES, Header, Kind
from cutpoint_runner.handshake import Hop, dial
from cutpoint_runner.inlet import Inlet
from cutpoint_runner.tensors import Tensor
from cutpoint_runner.times import TimesLog

from .pipeline import PATIENCE_S, TOKEN, PipelineCase


class Refusals(PipelineCase):
    """Each test ends with a run of the pipeline, which must work as if nothing had been."""

    def setUp(self) -> None:
        super().setUp()
        self.stage, *_ = self.start_stages()

    def connect(self, which: int = 0) -> socket.socket:
        sock = socket.create_connection(("127.0.0.1", self.ports[which]), PATIENCE_S)
        self.addCleanup(sock.close)
        return sock

    def hop(self, **changes) -> Hop:
        members = {
            "model": "three",
            "pipeline": 0,
            "sender": "source",
            "receiver": "stage 0",
            "overlap": "full",
            "tensors": (Tensor("x", "float32", (1, self.size)),),
        }
        return Hop(**{**members, **changes})

    def neighbour(self) -> socket.socket:
        """A peer that knows the token, but may not keep to the protocol after that."""
        sock = self.connect()
        dial(sock, TOKEN, self.hop())
        sock.settimeout(PATIENCE_S)
        return sock

    def assert_closed(self, sock: socket.socket) -> None:
        """The stage ended the connection, whether or not it read all that it was sent."""
        try:
            while sock.recv(4096):
                pass
        except ConnectionError:
            pass

    def assert_works(self) -> None:
        sink = self.start("sink")
        self.start("feed", "--count", "3").result()
        (run,) = sink.result()["runs"]
        self.assertEqual((run["delivered"], run["lost"]), (3, 0))

    def events(self, event: str) -> list[str]:
        return [line.get("detail") for line in self.lines("stage-0", "event") if line["event"] == event]

    def test_garbage(self):
        generator = random.Random(1)
        for data in (b"GET / HTTP/1.1\r\nHost: stage\r\n\r\n" * 3, b"\x16\x03\x01" + bytes(200), b"\0" * 5000):
            sock = self.connect()
            sock.sendall(data)
            self.assert_closed(sock)
        for _ in range(50):
            sock = self.connect()
            sock.sendall(generator.randbytes(generator.randrange(1, 300)))
            # The stage may have closed it already.
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_WR)
            self.assert_closed(sock)
        self.stage.wait_for("refused 127.0.0.1")
        self.wait_until(lambda: len(self.events("refused")) == 53, "53 refusals in the log")
        self.assertIn("it is not a runner", self.events("refused"))
        self.assert_works()

    def test_wrong_token(self):
        with self.assertRaisesRegex(Refusal, "did not accept the token"):
            dial(self.connect(), TOKEN + "x", self.hop())
        self.wait_until(lambda: self.events("refused"), "a refusal in the log")
        self.assertEqual(self.events("refused"), ["it does not know the token"])
        self.assert_works()

    def test_proof_cannot_be_sent_back(self):
        sock = self.connect()
        nonce = b"n" * 32
        sock.sendall(b"CUTPOINT\x01" + nonce)
        greeting = sock.recv(41, socket.MSG_WAITALL)
        self.assertEqual(greeting[:9], b"CUTPOINT\x01")
        sock.sendall(greeting[9:])
        self.assertEqual(sock.recv(1), b"")

    def proven(self, which: int = 0) -> socket.socket:
        """A peer that has shown the token, and has yet to offer its layout, written out here byte by byte."""
        sock = self.connect(which)
        nonce = b"m" * 32
        sock.sendall(b"CUTPOINT\x01" + nonce)
        theirs = sock.recv(41, socket.MSG_WAITALL)[9:]

        def proof(side: bytes) -> bytes:
            return hmac.new(TOKEN.encode(), b"cutpoint runner " + side + nonce + theirs, hashlib.sha256).digest()

        sock.sendall(proof(b"dials"))
        self.assertEqual(sock.recv(32, socket.MSG_WAITALL), proof(b"listens"))
        return sock

    def test_offers_that_are_none(self):
        generator = random.Random(2)
        good = json.dumps(self.hop().offer()).encode()
        for number in range(60):
            data = bytearray(good)
            for _ in range(generator.randrange(1, 4)):
                data[generator.randrange(len(data))] = generator.randrange(256)
            length = len(data) if number % 4 else generator.randrange(1 << 32)
            sock = self.proven()
            # The stage may have closed it already.
            with contextlib.suppress(OSError):
                sock.sendall(struct.pack("!I", length) + data)
                sock.shutdown(socket.SHUT_WR)
            self.assert_closed(sock)
        self.wait_until(lambda: len(self.events("refused")) == 60, "60 refusals in the log")
        self.assertTrue(any("are the most" in detail for detail in self.events("refused")))
        self.assertIn("its layout is not JSON", self.events("refused"))
        self.assert_works()

    def test_receiver_that_ends_consents_to_nothing(self):
        address = parse_address(f"127.0.0.1:{self.ports[3]}")
        inlet = Inlet(address, self.hop(), TOKEN, 65536, Counters(), TimesLog(None, "", {}))
        self.addCleanup(inlet.close)
        sock = self.proven(3)
        inlet.stop()
        offer = json.dumps(self.hop().offer()).encode()
        sock.sendall(struct.pack("!I", len(offer)) + offer)
        # With a consent, the neighbour would send a frame that nobody receives.
        self.assertEqual(sock.recv(1), b"")
        self.assertIsNone(inlet.receive())

    def test_other_layouts(self):
        cases = {
            "tensor 0": {"tensors": (Tensor("x", "float32", (1, self.size + 1)),)},
            "1 tensors are expected and 2": {"tensors": self.hop().tensors * 2},
            "model": {"model": "another"},
            "pipeline": {"pipeline": 1},
            "sender": {"sender": "stage 3"},
            "receiver": {"receiver": "stage 1"},
            "overlap": {"overlap": "none"},
        }
        for text, changes in cases.items():
            with self.subTest(text), self.assertRaisesRegex(Refusal, f"refused the layout.*{text}"):
                dial(self.connect(), TOKEN, self.hop(**changes))
        self.wait_until(lambda: len(self.events("refused")) == len(cases), "refusals in the log")
        self.assert_works()

    def test_frames_that_are_none(self):
        length = 4 * self.size
        bad = {
            "announces 18446744073709551615 bytes": Header(Kind.TENSORS, 1, 0, 0, 0, (1 << 64) - 1).pack(),
            "announces 15 bytes": Header(Kind.TENSORS, 1, 0, 0, 0, length - 1).pack(),
            "announces 16 bytes": Header(Kind.END, 1, 0, 0, 0, length).pack(),
            "kind READY": Header(Kind.READY).pack(),
            "not a frame of this version": b"\xff" * HEADER_BYTES,
            "no frame of kind 99": struct.pack("!4sBB34x", b"CPF1", 1, 99),
        }
        for text, data in bad.items():
            with self.subTest(text):
                sock = self.neighbour()
                sock.sendall(data)
                self.assert_closed(sock)
                self.wait_until(lambda text=text: any(text in d for d in self.events("dropped")), text)
        self.assert_works()

    def test_truncated_frames(self):
        whole = Header(Kind.TENSORS, 1, 0, 0, 0, 4 * self.size).pack() + bytes(4 * self.size)
        for cut in (1, HEADER_BYTES - 1, HEADER_BYTES, len(whole) - 1):
            sock = self.neighbour()
            sock.sendall(whole[:cut])
            sock.shutdown(socket.SHUT_WR)
            self.assert_closed(sock)
        self.assertEqual(len(self.events("dropped")), 4)
        self.assert_works()

    def test_inference_that_comes_again_is_dropped(self):
        sink = self.start("sink", "--forever")
        sink.wait_for("stage 2 to sink: listening")
        frame = Header(Kind.TENSORS, 7, 3, 0, 0, 4 * self.size).pack() + bytes(4 * self.size)
        for _ in range(2):
            sock = self.neighbour()
            sock.sendall(frame)
            sock.shutdown(socket.SHUT_WR)
            self.assert_closed(sock)
        self.assertEqual(self.events("dropped"), ["inference 3 came again"])
        self.wait_until(lambda: self.lines("sink", "inference"), "an output")
        sink.terminate()
        (run,) = sink.result()["runs"]
        self.assertEqual(run["delivered"], 1)

    def test_silent_peers_do_not_keep_the_neighbour_out(self):
        silent = [self.connect() for _ in range(8)]
        self.assert_works()
        self.assert_closed(silent[0])
        for sock in silent[1:]:
            sock.setblocking(False)
            with self.assertRaises(BlockingIOError):
                sock.recv(1)

    def test_newer_connection_of_the_neighbour_replaces_a_dead_one(self):
        half_open = self.neighbour()
        half_open.sendall(Header(Kind.TENSORS, 1, 0, 0, 0, 4 * self.size).pack())
        self.assert_works()
        self.assert_closed(half_open)
        self.assertIn("the connection ended within a frame", self.events("dropped"))

    def test_planned_address_alone_is_bound(self):
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", self.ports[0]), PATIENCE_S)
