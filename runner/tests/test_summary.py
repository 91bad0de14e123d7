"""The figures of a summary: of logs written by hand, and of a pipeline that ran."""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path

from cutpoint_runner.faults import Fault
from cutpoint_runner.logs import read_logs
from cutpoint_runner.statistics import Run, describe
from cutpoint_runner.summary import summarize

from .pipeline import PipelineCase

_HEADER = {"record": "header", "version": 1, "model": "m", "pipeline": 0, "overlap": "full", "clock": 1}


class ByHand(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, name: str, *records: dict) -> None:
        (self.folder / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))

    def summary(self, warm_up: int) -> dict:
        logs, warnings = read_logs([self.folder])
        self.assertEqual(warnings, [])
        (pipeline,) = summarize(logs, warm_up)["pipelines"]
        return pipeline

    def sink(self, run: int, completed: dict[int, float], latency_s: float | None, fed: int) -> list[dict]:
        lines = [
            {"record": "inference", "run": run, "inference": i, "completed_s": at, "latency_s": latency_s}
            | {"receive_s": 0.1, "receive_blocked_s": 0.0, "received_bytes": 1000}
            for i, at in completed.items()
        ]
        known = [{k: v for k, v in line.items() if v is not None} for line in lines]
        return [
            {**_HEADER, "role": "sink", "receive_from": "stage 0"},
            *known,
            {"record": "end", "run": run, "fed": fed},
        ]

    def test_period_is_that_after_the_warm_up_and_before_the_source_ends(self):
        # The last two arrive faster, when the source, which began inference 9 at 9.5, sends no more.
        completed = {0: 5.0, 1: 5.1, **{i: 4.0 + i for i in range(2, 8)}, 8: 11.5, 9: 11.6}
        self.write("sink", *self.sink(1, completed, 2.1, 10))
        pipeline = self.summary(2)
        self.assertAlmostEqual(pipeline["period_s"], 1.0)
        (run,) = pipeline["runs"]
        self.assertEqual((run["period_of"], run["drained"]), (3, False))

    def test_lost_inferences(self):
        self.write("sink", *self.sink(1, {0: 1.0, 3: 2.0}, 0.5, 6))
        pipeline = self.summary(0)
        self.assertEqual((pipeline["fed"], pipeline["delivered"], pipeline["lost"]), (6, 2, 4))

    def test_latency_is_of_the_run_with_one_at_a_time(self):
        one = self.sink(1, {0: 1.0, 1: 2.0, 2: 3.0}, 0.25, 3)
        self.write("sink", *one, *self.sink(2, {0: 4.0, 1: 5.0, 2: 6.0}, 4.0, 3))
        self.write("source", {**_HEADER, "role": "source", "run": 1, "window": 1})
        pipeline = self.summary(1)
        self.assertEqual(pipeline["latency"], {"mean_s": 0.25, "median_s": 0.25, "p95_s": 0.25, "count": 2})
        self.assertEqual(pipeline["latency_of"], "one_at_a_time")

    def test_latency_of_another_machine_is_the_round_trip(self):
        self.write("sink", *self.sink(1, {0: 100.0, 1: 101.0}, None, 2))
        answers = [{"record": "answer", "run": 1, "inference": i, "round_trip_s": 0.5 + i} for i in range(2)]
        self.write("source", {**_HEADER, "role": "source", "run": 1, "window": 1}, *answers)
        pipeline = self.summary(0)
        self.assertEqual(pipeline["latency"], {"mean_s": 1.0, "median_s": 1.0, "p95_s": 1.5, "count": 2})

    def test_goodput_is_of_frames_that_the_receiver_awaited(self):
        header = {**_HEADER, "role": "stage", "index": 0, "node_id": "n", "receive_from": "source"}
        frame = {"record": "inference", "run": 1, "received_bytes": 1000}
        awaited = {**frame, "inference": 0, "receive_s": 0.01, "receive_blocked_s": 0.0001}
        blocked = {**frame, "inference": 1, "receive_s": 0.0001, "receive_blocked_s": 0.2}
        self.write("stage", header, awaited, blocked)
        (hop,) = self.summary(0)["hops"]
        self.assertEqual((hop["from"], hop["to"], hop["measured"]), ("source", "stage 0", 1))
        self.assertAlmostEqual(hop["goodput_bps"], 800_000)
        self.assertAlmostEqual(hop["transfer_s"], 0.01)

    def test_means_are_of_streams_and_those_of_single_inferences_stand_apart(self):
        header = {**_HEADER, "role": "stage", "index": 0, "node_id": "n", "receive_from": "source"}
        line = {"record": "inference", "received_bytes": 1000, "receive_blocked_s": 0.0, "sent_bytes": 8}
        alone = [{**line, "run": 1, "inference": i, "compute_s": 1.0, "receive_s": 0.01} for i in range(3)]
        streamed = [{**line, "run": 2, "inference": i, "compute_s": 3.0, "receive_s": 0.02} for i in range(4)]
        self.write("stage", header, *alone, *streamed)
        # The source says which runs had one inference at a time; without its log all are streams.
        self.write("sink", *self.sink(1, {0: 1.0, 1: 2.0}, 0.5, 2), *self.sink(2, {0: 3.0, 1: 4.0}, 0.5, 2))
        (stage,) = self.summary(1)["stages"]
        self.assertEqual((stage["counted"], stage["compute_s"], "alone" in stage), (5, 2.2, False))
        self.write("source", {**_HEADER, "role": "source", "run": 1, "window": 1})
        pipeline = self.summary(1)
        (stage,) = pipeline["stages"]
        self.assertEqual((stage["counted"], stage["compute_s"]), (3, 3.0))
        self.assertEqual(stage["alone"], {"counted": 2, "compute_s": 1.0})
        hop = pipeline["hops"][0]
        self.assertEqual((hop["measured"], hop["transfer_s"], hop["alone"]["measured"]), (3, 0.02, 2))
        self.assertAlmostEqual(hop["alone"]["goodput_bps"], 800_000)

    def test_restart_of_a_stage_goes_on_in_its_log(self):
        header = {**_HEADER, "role": "stage", "index": 0, "node_id": "n", "receive_from": "source"}
        memory = [
            {"record": "memory", "at": "before_load", "resident_bytes": 10, "peak_bytes": 11},
            {"record": "memory", "at": "warm", "resident_bytes": 20, "peak_bytes": 25},
        ]
        times = {"receive_s": 0.5, "receive_blocked_s": 0.0, "received_bytes": 8, "send_s": 0.25}
        inferences = [
            {"record": "inference", "run": 1, "inference": i, **times, "compute_s": compute_s}
            for i, compute_s in enumerate((9.0, 1.0, 2.0))
        ]
        failed = {"record": "event", "event": "failed", "at_s": 1.0}
        self.write("stage", header, *memory, *inferences[:2], header, inferences[2], failed)
        (stage,) = self.summary(1)["stages"]
        self.assertEqual((stage["starts"], stage["inferences"], stage["failed"]), (2, 3, 1))
        self.assertEqual((stage["compute_s"], stage["receive_s"], stage["send_s"]), (1.5, 0.5, 0.25))
        self.assertEqual(stage["memory"], {"before_load_bytes": 10, "warm_bytes": 20, "peak_bytes": 25})

    def test_line_of_a_process_that_was_killed_is_left_out_and_named(self):
        self.write("sink", *self.sink(1, {0: 1.0}, 0.5, 1))
        with (self.folder / "sink.jsonl").open("a") as file:
            file.write('{"record": "infer')
        logs, warnings = read_logs([self.folder])
        self.assertEqual(len(logs), 1)
        self.assertEqual(len(warnings), 1)
        self.assertIn("sink.jsonl:4 is not a record", warnings[0])

    def test_folders_without_logs(self):
        with self.assertRaisesRegex(Fault, "has no .jsonl file"):
            read_logs([self.folder])
        self.write("other", {"record": "inference"})
        with self.assertRaisesRegex(Fault, "does not begin with a header"):
            read_logs([self.folder])
        self.write("other", {**_HEADER, "role": "sink", "version": 2})
        with self.assertRaisesRegex(Fault, "is of version 2, but 1 is read"):
            read_logs([self.folder])


class Statistics(unittest.TestCase):
    def test_describe(self):
        self.assertIsNone(describe([]))
        self.assertEqual(describe([3.0]), {"mean_s": 3.0, "median_s": 3.0, "p95_s": 3.0, "count": 1})
        figures = describe([float(i) for i in range(100, 0, -1)])
        self.assertEqual(figures, {"mean_s": 50.5, "median_s": 50.5, "p95_s": 95.0, "count": 100})

    def test_run_of_buffered_inferences_counts_while_it_drains(self):
        run = Run(1, 0)
        for i in range(10):
            run.add(i, 1.0 + i, 1.0 + i)
        self.assertEqual(run.figures()["period_s"], 1.0)
        self.assertIs(run.figures()["drained"], True)

    def test_run_without_latencies_has_a_period(self):
        run = Run(1, 1)
        for i, at in enumerate((0.0, 5.0, 7.0)):
            run.add(i, at, None)
        self.assertEqual(run.figures()["period_s"], 2.0)
        self.assertNotIn("latency", run.figures())

    def test_kept_inferences_are_the_last(self):
        run = Run(1, 0, kept=3)
        for i in range(10):
            run.add(i, float(i * i), None)
        self.assertEqual(run.figures()["period_s"], (81 - 49) / 2)
        self.assertEqual(run.delivered, 10)


class OfAPipeline(PipelineCase):
    size = 30_000

    def test_summary_of_all_logs(self):
        stages = self.start_stages("--pace")
        sink = self.start("sink", "--forever")
        for arguments in (["--one-at-a-time", "--count", "18"], ["--count", "60"]):
            self.start("feed", *arguments).result()
        for process in [*stages, sink]:
            self.assertEqual(process.terminate(), 0)
        summary = self.start("summarize", str(self.logs)).result()
        self.assertEqual((summary["version"], summary["model"], summary["warnings"]), (1, "three", []))
        (pipeline,) = summary["pipelines"]
        self.assertEqual((pipeline["fed"], pipeline["delivered"], pipeline["lost"]), (78, 78, 0))
        self.assertEqual(pipeline["latency"]["count"], 4)
        self.assertEqual(pipeline["latency_of"], "one_at_a_time")
        self.assertGreaterEqual(pipeline["latency"]["median_s"], 0.06)
        self.assertGreaterEqual(pipeline["period_s"], 0.02)
        self.assertEqual([stage["index"] for stage in pipeline["stages"]], [0, 1, 2])
        for index, stage in enumerate(pipeline["stages"]):
            self.assertEqual(stage["node_id"], f"node-{index}")
            self.assertEqual(stage["inferences"], 78)
            self.assertEqual(stage["planned"], {"compute_s": 0.02})
            self.assertGreaterEqual(stage["compute_s"], 0.02)
            memory = stage["memory"]
            self.assertLess(memory["before_load_bytes"], memory["loaded_bytes"])
            self.assertLessEqual(memory["warm_bytes"], memory["peak_bytes"])
        sent = [4, 8, 8, 5]
        self.assertEqual([hop["to"] for hop in pipeline["hops"]], ["stage 0", "stage 1", "stage 2", "sink"])
        for hop, size in zip(pipeline["hops"], sent):
            if hop["measured"]:
                self.assertEqual(hop["bytes"], size * self.size)
        for stage, received, made in zip(pipeline["stages"], sent, sent[1:]):
            self.assertEqual(stage["received_bytes"], received * self.size)
            self.assertEqual(stage["sent_bytes"], made * self.size)
