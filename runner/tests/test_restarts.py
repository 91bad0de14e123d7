"""Stages that end and start again while inferences are on their way."""

from .numbered import NumberedCase


class Restarts(NumberedCase):
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
