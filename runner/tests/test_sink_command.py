"""The command `sink` between a stage and a source that the test plays."""

import socket

from cutpoint_runner.connection import Connection
from cutpoint_runner.frame import Header, Kind
from cutpoint_runner.handshake import Hop, answer, consent, dial
from cutpoint_runner.tensors import Tensor

from .pipeline import PATIENCE_S, TOKEN, PipelineCase


class SinkCommand(PipelineCase):
    def setUp(self) -> None:
        super().setUp()
        self.sink = self.start("sink", "--warm-up", "0")
        self.sink.wait_for("stage 2 to sink: listening")
        self.tensors = (Tensor("y", "float32", (1, self.size)), Tensor("large", "bool", (1, self.size)))
        dialled = socket.create_connection(("127.0.0.1", self.ports[3]), PATIENCE_S)
        dial(dialled, TOKEN, Hop("three", 0, "stage 2", "sink", "full", self.tensors))
        self.stage = Connection(dialled, "sink")
        self.addCleanup(self.stage.close)

    def send(self, inference: int) -> None:
        arrays = [tensor.empty() for tensor in self.tensors]
        self.stage.send(Header(Kind.TENSORS, 9, inference, 0, 0, sum(array.nbytes for array in arrays)), arrays)

    def source(self) -> Connection:
        """Listens for the answers of the sink."""
        with socket.create_server(("127.0.0.1", self.ports[4])) as listener:
            accepted, _ = listener.accept()
        answer(accepted, TOKEN, Hop("three", 0, "sink", "source", "full", ()))
        consent(accepted)
        connection = Connection(accepted, "sink")
        self.addCleanup(connection.close)
        return connection

    def test_source_that_comes_late_gets_all_answers(self):
        for inference in range(3):
            self.send(inference)
        self.wait_until(lambda: len(self.lines("sink", "inference")) == 3, "three inferences")
        source = self.source()
        for inference in range(3):
            self.assertEqual(source.receive_header(), Header(Kind.TENSORS, 9, inference))
        self.stage.send(Header(Kind.END, 9, 4), [])
        self.assertEqual(source.receive_header(), Header(Kind.END, 9, 4))
        source.close()
        (run,) = self.sink.result()["runs"]
        self.assertEqual((run["fed"], run["delivered"], run["lost"]), (4, 3, 1))
        # The frames say that another machine's clock started them.
        self.assertNotIn("latency", run)

    def test_absent_source_delays_nothing(self):
        for inference in range(2000):
            self.send(inference)
        self.stage.send(Header(Kind.END, 9, 2000), [])
        (run,) = self.sink.result()["runs"]
        self.assertEqual((run["delivered"], run["lost"]), (2000, 0))
