"""Several pipelines that one source feeds."""

import json
import unittest

import numpy as np
from onnx import helper

from cutpoint_runner.deal import Deal, weights_of

from .models import save, write_stages
from .pipeline import TOKEN, PipelineCase, Process, free_ports


class Dealing(unittest.TestCase):
    def test_shares_are_those_of_the_weights_after_each_round(self):
        deal = Deal([5.0, 1.0, 1.0])
        self.assertEqual([deal.next([True] * 3) for _ in range(7)], [0, 0, 1, 0, 2, 0, 0])
        uneven = Deal([30.5, 12.25, 7.1])
        given = [0, 0, 0]
        for number in range(1, 2000):
            given[uneven.next([True] * 3)] += 1
            for share, weight in zip(given, (30.5, 12.25, 7.1)):
                self.assertLess(abs(share - number * weight / 49.85), 1.5)

    def test_pipeline_that_is_not_free_is_passed_over_and_does_not_make_up_for_it(self):
        deal = Deal([1.0, 1.0])
        self.assertEqual([deal.next([True, False]) for _ in range(5)], [0] * 5)
        self.assertIsNone(deal.next([False, False]))
        self.assertEqual([deal.next([True, True]) for _ in range(4)], [0, 1, 0, 1])

    def test_without_all_rates_parts_are_equal(self):
        self.assertEqual(weights_of([2.0, 6.0]), [2.0, 6.0])
        self.assertEqual(weights_of([2.0, None]), [1.0, 1.0])


class TwoPipelines(PipelineCase):
    """The whole model on each of two nodes; the first is three times as fast."""

    def setUp(self) -> None:
        super().setUp()
        first, _, last = write_stages(self.folder, self.size)
        nodes = [
            helper.make_node("Mul", ["x", "two"], ["a"]),
            helper.make_node("Add", ["x", "one"], ["b"]),
            helper.make_node("Add", ["a", "three"], ["c"]),
            helper.make_node("Mul", ["c", "b"], ["y"]),
            helper.make_node("Greater", ["y", "ten"], ["large"]),
        ]
        save(self.folder / "whole.onnx", nodes, ["x"], ["y", "large"], self.size)
        addresses = [f"127.0.0.1:{port}" for port in free_ports(4)]
        answers = self.two_ports()
        self.document = {
            "model": "whole",
            "token": TOKEN,
            "feedback": f"127.0.0.1:{answers}",
            "pipelines": [{"pipeline": 0, "rate_per_s": 75.0}, {"pipeline": 1, "rate_per_s": 25.0}],
            "stages": [
                {
                    "index": 0,
                    "pipeline": pipeline,
                    "node_id": f"node-{pipeline}",
                    "file": "whole.onnx",
                    "inputs": first["inputs"],
                    "outputs": last["outputs"],
                    "receive_from": {"kind": "source", "address": addresses[2 * pipeline]},
                    "send_to": {"kind": "sink", "address": addresses[2 * pipeline + 1]},
                    "planned": {"compute_s": (0.01, 0.03)[pipeline]},
                }
                for pipeline in range(2)
            ],
        }
        self.write()

    def two_ports(self) -> int:
        """Returns a port that is free, as is the next."""
        ports = free_ports(8)
        return next(port for port, after in zip(ports, ports[1:]) if after == port + 1)

    def start_pipeline(self, pipeline: int, *sink: str) -> list[Process]:
        which = ["--pipeline", str(pipeline)]
        stage = self.start("stage", *which, "--index", "0", "--pace")
        sink = self.start("sink", *which, "--warm-up", "0", *sink)
        stage.wait_for("is ready")
        return [stage, sink]

    def test_inputs_are_dealt_out_by_the_planned_rates(self):
        saved = [self.folder / f"saved-{pipeline}" for pipeline in range(2)]
        processes = [self.start_pipeline(p, "--save", str(saved[p])) for p in range(2)]
        inputs = np.arange(40, dtype=np.float32)[:, np.newaxis, np.newaxis] * np.ones((1, 1, self.size), np.float32)
        np.save(self.folder / "inputs.npy", inputs)
        fed = self.start("feed", "--inputs", str(self.folder / "inputs.npy"), "--count", "40", "--rate", "50").result()
        self.assertEqual((fed["fed"], fed["answered"]), (40, 40))
        shares = [(p["pipeline"], p["fed"], p["answered"]) for p in fed["pipelines"]]
        self.assertEqual(shares, [(0, 30, 30), (1, 10, 10)])
        for (stage, sink), count in zip(processes, (30, 10)):
            (run,) = sink.result()["runs"]
            self.assertEqual((run["run"], run["fed"], run["delivered"], run["lost"]), (fed["run"], count, count, 0))
            self.assertEqual(stage.terminate(), 0)
        # Each input came out once, of the pipeline that its number says.
        order = {}
        for pipeline in range(2):
            for line in self.read(f"pipeline-{pipeline}-source", "inference"):
                order[line["input"]] = (pipeline, line["inference"])
        self.assertEqual(sorted(order), list(range(40)))
        self.assertEqual([order[number][0] for number in range(8)], [0, 0, 1, 0, 0, 0, 1, 0])
        for number, (pipeline, inference) in order.items():
            outputs = np.load(saved[pipeline] / f"run-{fed['run']}-{inference:08}.npz")
            np.testing.assert_array_equal(outputs["y"], (2 * inputs[number] + 3) * (inputs[number] + 1))

        summary = self.start("summarize", str(self.logs), "--warm-up", "0").result()
        periods = [pipeline["period_s"] for pipeline in summary["pipelines"]]
        self.assertEqual([pipeline["delivered"] for pipeline in summary["pipelines"]], [30, 10])
        self.assertAlmostEqual(summary["rate_per_s"], sum(1 / period for period in periods))

    def test_pipeline_that_is_late_does_not_block_the_other(self):
        self.start_pipeline(0)
        feed = self.start("feed", "--count", "30", "--window", "2", "--answer-timeout-s", "30")
        # The sink of the second is there, its stage is not.
        self.start("sink", "--pipeline", "1", "--warm-up", "0")
        path = self.logs / "pipeline-0-sink.jsonl"
        self.wait_until(lambda: path.exists() and len(self.read("pipeline-0-sink", "inference")) == 29, "all but one")
        self.start("stage", "--pipeline", "1", "--index", "0")
        fed = feed.result()
        self.assertEqual([(p["fed"], p["answered"]) for p in fed["pipelines"]], [(29, 29), (1, 1)])

    def test_one_of_the_pipelines_is_fed_alone(self):
        self.start_pipeline(1)
        fed = self.start("feed", "--pipeline", "1", "--count", "5").result()
        self.assertEqual((fed["fed"], fed["answered"]), (5, 5))
        self.assertNotIn("pipelines", fed)

    def test_more_addresses_than_pipelines_are_refused(self):
        feed = self.start("feed", *["--send-to", "127.0.0.1:7000"] * 3)
        self.assertEqual(feed.finish(), 2)
        self.assertIn("--send-to is given 3 times, but 2 pipelines are fed", feed.errors())

    def read(self, name: str, record: str) -> list[dict]:
        text = (self.logs / f"{name}.jsonl").read_text(encoding="utf-8")
        return [line for line in map(json.loads, text.splitlines()) if line["record"] == record]
