"""The answers of a whole pipeline, with and without overlap."""

import numpy as np

from .models import expected
from .pipeline import PipelineCase


class Answers(PipelineCase):
    size = 50_000

    def check(self, *arguments: str) -> None:
        inputs = np.random.default_rng(1).random((5, 1, self.size), np.float32) * 4
        np.save(self.folder / "inputs.npy", inputs)
        saved = self.folder / "saved"
        self.start_stages(*arguments)
        sink = self.start("sink", "--save", str(saved), "--warm-up", "2", *arguments)
        feed = self.start("feed", "--inputs", str(self.folder / "inputs.npy"), "--count", "12", *arguments)
        fed = feed.result()
        (run,) = sink.result()["runs"]
        self.assertEqual((fed["fed"], fed["answered"]), (12, 12))
        self.assertEqual((run["fed"], run["delivered"], run["lost"]), (12, 12, 0))
        self.assertEqual(run["latency"]["count"], 10)
        for inference in range(12):
            outputs = np.load(saved / f"run-{fed['run']}-{inference:08}.npz", allow_pickle=False)
            wanted = expected(inputs[inference % 5])
            self.assertEqual(sorted(outputs), sorted(wanted))
            for name, array in wanted.items():
                np.testing.assert_array_equal(outputs[name], array)

    def test_relayed_tensor_reaches_the_last_stage(self):
        self.check()

    def test_without_overlap(self):
        self.check("--overlap", "none")

    def test_window_of_one(self):
        self.check("--log-dir", str(self.logs))
        sink = self.start("sink")
        self.start("feed", "--one-at-a-time", "--count", "5").result()
        sink.result()
        feed = self.lines("source", "inference")[-5:]
        answers = self.lines("source", "answer")[-5:]
        self.assertEqual([line["inference"] for line in answers], list(range(5)))
        for following, answer, sent in zip(feed[1:], answers, feed):
            self.assertGreaterEqual(following["started_s"], sent["started_s"] + answer["round_trip_s"] - 1e-3)
