"""Without overlap, a transfer begins when its receiver is ready and ends when it has everything."""

import select
import socket

from cutpoint_runner.connection import Connection
from cutpoint_runner.frame import Header, Kind
from cutpoint_runner.handshake import Hop, answer, consent, dial
from cutpoint_runner.tensors import Tensor

from .pipeline import PATIENCE_S, TOKEN, PipelineCase


class Rendezvous(PipelineCase):
    """Stage 0 between two neighbours that the test plays."""

    size = 1000

    def setUp(self) -> None:
        super().setUp()
        self.listener = socket.create_server(("127.0.0.1", self.ports[1]))
        self.addCleanup(self.listener.close)
        self.start("stage", "--index", "0", "--overlap", "none")
        vectors = [Tensor(name, "float32", (1, self.size)) for name in "xab"]
        self.sends = tuple(vectors[1:])
        self.after = self.accept()
        dialled = socket.create_connection(("127.0.0.1", self.ports[0]), PATIENCE_S)
        dial(dialled, TOKEN, Hop("three", 0, "source", "stage 0", "none", (vectors[0],)))
        self.before = Connection(dialled, "stage 0")
        self.addCleanup(self.before.close)

    def accept(self) -> Connection:
        """Waits until the stage dials stage 1."""
        accepted, _ = self.listener.accept()
        answer(accepted, TOKEN, Hop("three", 0, "stage 0", "stage 1", "none", self.sends))
        consent(accepted)
        connection = Connection(accepted, "stage 0")
        self.addCleanup(connection.close)
        return connection

    def give(self, inference: int) -> None:
        """Plays the source: waits until the stage is ready, and sends."""
        self.assertEqual(self.heard(self.before), Kind.READY)
        array = self.sends[0].empty()
        array.fill(inference)
        self.before.send(Header(Kind.TENSORS, 1, inference, 0, 0, array.nbytes), [array])
        self.assertEqual(self.heard(self.before), Kind.DONE)

    def heard(self, connection: Connection) -> Kind:
        """Returns the next word of the stage."""
        while True:
            header = connection.receive_header()
            if header is None or header.kind is not Kind.PULSE:
                return None if header is None else header.kind

    def assert_silent(self, connection: Connection) -> None:
        # A stage that speaks too early does so at once.
        self.assertEqual(select.select([connection], [], [], 0.2)[0], [])

    def take(self, inference: int) -> None:
        """Plays stage 1: is ready, and receives."""
        self.after.send_control(Kind.READY)
        frame = self.after.receive_body(self.after.receive_header(), self.sends)
        self.assertEqual(frame.header.inference, inference)
        self.assertEqual(frame.tensors["a"][0, 0], 2 * inference)

    def test_sender_waits_until_the_receiver_is_ready_and_has_everything(self):
        self.give(0)
        self.assert_silent(self.after)
        self.take(0)
        # The stage is still sending as long as the receiver does not say that it is done.
        self.assert_silent(self.before)
        self.after.send_control(Kind.DONE)
        self.give(1)
        self.take(1)

    def test_frame_without_the_word_that_it_arrived_is_sent_again(self):
        self.give(5)
        self.take(5)
        self.after.close()
        self.after = self.accept()
        self.take(5)
        self.after.send_control(Kind.DONE)
        self.give(6)

    def test_wrong_word_ends_the_connection(self):
        self.give(0)
        self.after.send_control(Kind.DONE)
        self.assertIsNone(self.after.receive_header())
