"""How many inferences a stage holds, and in which order they pass."""

import threading
import unittest

from cutpoint_runner.counters import Counters
from cutpoint_runner.frame import Frame, Header, Kind
from cutpoint_runner.stage import StageLoop
from cutpoint_runner.stages import End, Stage
from cutpoint_runner.times import TimesLog

from .pipeline import PATIENCE_S, PipelineCase, Process

_STAGE = Stage(0, 0, "node", "file", (), (), End("source", None), End("sink", None), {})


class _Ends:
    """An inlet that has an inference at any time, an outlet that waits, and a session that does nothing."""

    def __init__(self, count: int, held: int):
        self._count = count
        self._held = held
        self._changed = threading.Condition()
        self.received = 0
        self.sent = []
        self.most_held = 0
        self.failed = False

    def receive(self):
        with self._changed:
            if self.received == self._count:
                return None
            self.received += 1
            self._changed.notify_all()
            return Frame(Header(Kind.TENSORS, 1, self.received - 1))

    def compute(self, frame):
        frame.measured["compute_s"] = 0.0
        return []

    def send(self, frame, _arrays):
        with self._changed:
            wanted = min(self._count, len(self.sent) + self._held)
            if not self._changed.wait_for(lambda: self.received >= wanted, PATIENCE_S):
                return False
            self.most_held = max(self.most_held, self.received - len(self.sent))
            self.sent.append(frame.header.inference)
            return True

    def stop(self):
        pass

    def close(self, _timeout_s=0.0):
        pass


class Loop(unittest.TestCase):
    def run_loop(self, overlap: str, held: int) -> _Ends:
        ends = _Ends(50, held)
        loop = StageLoop(_STAGE, ends, ends, ends, Counters(), TimesLog(None, "", {}), overlap)
        loop.finish(PATIENCE_S)
        self.assertEqual(ends.sent, list(range(50)))
        return ends

    def test_with_overlap_a_stage_holds_five(self):
        self.assertEqual(self.run_loop("full", 5).most_held, 5)

    def test_without_overlap_a_stage_holds_one(self):
        self.assertEqual(self.run_loop("none", 1).most_held, 1)


class Failure(PipelineCase):
    def test_thread_that_fails_ends_the_process_as_failed(self):
        code = (
            "import sys, cutpoint_runner.stage as stage, cutpoint_runner.__main__ as main\n"
            "def fail(self, frame): raise MemoryError('too large')\n"
            "stage.StageLoop._computed_from = fail\n"
            "sys.exit(main.main())\n"
        )
        process = Process(
            ["stage", "--stages", str(self.folder / "stages.json"), "--index", "0", "--grace-s", "1"], {}, code
        )
        self.addCleanup(process.close)
        process.wait_for("is ready")
        feed = self.start("feed", "--count", "1", "--send-to", f"127.0.0.1:{self.ports[0]}")
        self.assertEqual(process.finish(), 1)
        self.assertIn("the thread 'compute' failed", process.errors())
        self.assertIn("MemoryError: too large", process.errors())
        feed.terminate()
