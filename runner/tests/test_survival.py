"""What the pipeline survives: stages that end or come late, and connections that are lost."""

import numpy as np

from .models import expected
from .pipeline import PipelineCase


class Survival(PipelineCase):
    """Feeds numbered inputs, so that an output shows which input it is of."""

    size = 20_000
    count = 60

    def setUp(self) -> None:
        super().setUp()
        numbers = np.arange(self.count, dtype=np.float32)
        self.inputs = np.repeat(numbers, self.size).reshape(self.count, 1, self.size)
        np.save(self.folder / "inputs.npy", self.inputs)

    def feed(self, *arguments: str):
        return self.start(
            "feed", "--inputs", str(self.folder / "inputs.npy"), "--count", str(self.count), "--rate", "60", *arguments
        )

    def sink(self, *arguments: str):
        return self.start("sink", "--save", str(self.folder / "saved"), *arguments)

    def delivered(self) -> int:
        return len(list((self.folder / "saved").glob("*.npz")))

    def check_outputs(self) -> list[int]:
        """Checks that each output is whole and of its own input; returns the inferences that arrived."""
        arrived = []
        for path in sorted((self.folder / "saved").glob("*.npz")):
            inference = int(path.stem.rsplit("-", 1)[1])
            outputs = np.load(path, allow_pickle=False)
            for name, array in expected(self.inputs[inference]).items():
                np.testing.assert_array_equal(outputs[name], array, f"{name} of inference {inference}")
            arrived.append(inference)
        return arrived

    def check_restart(self, index: int, *arguments: str) -> dict:
        stages = self.start_stages(*arguments)
        sink, feed = self.sink(*arguments), self.feed(*arguments)
        self.wait_until(lambda: self.delivered() >= 10, "ten outputs")
        stages[index].kill()
        before = self.delivered()
        self.start("stage", "--index", str(index), *arguments).wait_for("is ready")
        fed, (run,) = feed.result(), sink.result()["runs"]
        arrived = self.check_outputs()
        self.assertEqual(fed["fed"], self.count)
        self.assertEqual(run["delivered"], len(arrived))
        self.assertEqual(run["lost"], self.count - len(arrived))
        self.assertGreater(len(arrived), before + 5)
        self.assertEqual(arrived[-1], self.count - 1)
        return run

    def test_first_stage_restarts(self):
        self.check_restart(0)

    def test_stage_between_restarts(self):
        self.check_restart(1)

    def test_last_stage_restarts(self):
        self.check_restart(2)

    def test_stage_restarts_without_overlap(self):
        run = self.check_restart(1, "--overlap", "none")
        # What a receiver has not taken completely is sent again: only what the stage had in hand is lost.
        self.assertLessEqual(run["lost"], 1)

    def test_stage_that_ends_in_order_loses_nothing(self):
        stages = self.start_stages()
        sink, feed = self.sink(), self.feed()
        self.wait_until(lambda: self.delivered() >= 10, "ten outputs")
        self.assertEqual(stages[1].terminate(), 0)
        self.start("stage", "--index", "1").wait_for("is ready")
        feed.result()
        (run,) = sink.result()["runs"]
        self.assertEqual(run["lost"], 0)
        self.assertEqual(self.check_outputs(), list(range(self.count)))

    def test_neighbours_may_come_late_and_in_any_order(self):
        feed, sink = self.feed(), self.sink()
        self.start("stage", "--index", "2").wait_for("is ready")
        self.start("stage", "--index", "0").wait_for("does not answer yet")
        sink.wait_for("stage 2 to sink: connected")
        feed.wait_for("source to stage 0: connected")
        self.start("stage", "--index", "1")
        feed.result()
        (run,) = sink.result()["runs"]
        self.assertEqual(run["lost"], 0)
        self.assertEqual(self.check_outputs(), list(range(self.count)))

    def test_sink_may_leave_before_the_source_ends(self):
        stages = self.start_stages()
        sink, feed = self.sink("--count", "5"), self.feed()
        (run,) = sink.result()["runs"]
        self.assertEqual(run["delivered"], 5)
        self.start("sink", "--forever").wait_for("connected")
        self.assertEqual(feed.result()["fed"], self.count)
        for stage in stages:
            self.assertEqual(stage.terminate(), 0)

    def test_source_that_needs_answers_says_that_none_come(self):
        feed = self.feed("--one-at-a-time", "--answer-timeout-s", "0.1")
        self.assertEqual(feed.finish(), 1)
        self.assertIn("the sink has not connected within 0.1 s", feed.errors())
        self.assertNotIn("Traceback", feed.errors())

    def test_log_that_cannot_be_written_does_not_stop_a_stage(self):
        self.logs.mkdir()
        (self.logs / "pipeline-0-stage-1.jsonl").symlink_to("/dev/full")
        stages = self.start_stages()
        sink, feed = self.sink(), self.feed()
        feed.result()
        self.assertEqual(sink.result()["runs"][0]["lost"], 0)
        stages[1].wait_for("cannot be written any more")

    def test_second_run_has_its_own_numbers(self):
        self.start_stages()
        sink = self.start("sink", "--forever")
        for _ in range(2):
            self.start("feed", "--count", "5").result()
        self.assertEqual(sink.terminate(), 0)
        runs = sink.result()["runs"]
        self.assertEqual([(run["fed"], run["delivered"], run["lost"]) for run in runs], [(5, 5, 0)] * 2)

    def test_inferences_in_hand_are_sent_before_a_stage_ends(self):
        stages = self.start_stages("--pace-s", "0.1")
        sink, feed = self.sink(), self.feed("--window", "1000")
        self.wait_until(lambda: self.delivered() >= 3, "three outputs")
        self.assertEqual(feed.terminate(), 0)
        for stage in stages:
            self.assertEqual(stage.terminate(), 0)
        (run,) = sink.result()["runs"]
        self.assertEqual(run["lost"], 0)
        for index in range(3):
            self.assertEqual(self.lines(f"stage-{index}", "memory")[-1]["at"], "end")

    def test_stage_ends_though_nobody_takes_its_inferences(self):
        del self.document["feedback"]
        self.write()
        stage = self.start("stage", "--index", "0", "--grace-s", "0.5")
        stage.wait_for("is ready")
        feed = self.feed()
        feed.wait_for("source to stage 0: connected")
        self.wait_until(lambda: self.lines("source", "inference"), "an inference sent")
        self.assertEqual(stage.terminate(), 0)
        stage.wait_for("inferences are lost")
