"""What else the pipeline survives: processes that come late, leave early, or cannot write their logs."""

from .numbered import NumberedCase


class Survival(NumberedCase):
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
