"""The command `stage`: probes, pacing, and what it says of wrong plans."""

import json
import urllib.error
import urllib.request

import numpy as np
import onnx
from onnx import TensorProto, helper

from cutpoint_runner.address import parse_address
from cutpoint_runner.counters import Counters
from cutpoint_runner.health import Health

from .models import expected, save
from .pipeline import PATIENCE_S, PipelineCase, Process, free_ports


class StageCommand(PipelineCase):
    def get(self, port: int, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.read().decode()

    def fault_of(self, *arguments: str, **environment: str) -> str:
        """Runs a stage that cannot start, and returns what it says."""
        self.write()
        process = self.start("stage", *arguments, **environment)
        self.assertEqual(process.finish(), 2, process.errors())
        return process.errors()

    def test_probes_and_metrics(self):
        (port,) = free_ports(1)
        self.start("stage", "--index", "0", "--health", f"127.0.0.1:{port}").wait_for("is ready")
        self.wait_until(lambda: self.get(port, "/readyz")[0] == 200, "readiness")
        self.assertEqual(
            json.loads(self.get(port, "/readyz")[1]), {"status": "ready", "receive": "waiting", "send": "waiting"}
        )
        probe = self.probe(f"127.0.0.1:{port}")
        self.assertEqual((probe.finish(), json.loads(probe.output())["status"]), (0, "ready"))
        self.assertEqual(self.get(port, "/healthz")[0], 200)
        self.assertEqual(self.get(port, "/other")[0], 404)
        for index in (1, 2):
            self.start("stage", "--index", str(index)).wait_for("is ready")
        sink = self.start("sink")
        self.start("feed", "--count", "4").result()
        sink.result()
        metrics = self.get(port, "/metrics")[1]
        labels = '{model="three",pipeline="0",stage="0",node_id="node-0"}'
        self.assertIn(f"\ncutpoint_runner_inferences_total{labels} 4\n", metrics)
        self.assertIn(f"\ncutpoint_runner_received_bytes_total{labels} {4 * 4 * self.size}\n", metrics)
        self.assertIn(f"\ncutpoint_runner_sent_bytes_total{labels} {4 * 8 * self.size}\n", metrics)
        self.assertIn(f"\ncutpoint_runner_send_connected{labels} 1\n", metrics)

    def probe(self, health: str):
        process = Process(["probe"], {"CUTPOINT_RUNNER_HEALTH": health} if health else {})
        self.addCleanup(process.close)
        return process

    def test_probe_of_nobody(self):
        (port,) = free_ports(1)
        self.assertEqual(self.probe(f"0.0.0.0:{port}").finish(), 1)
        self.assertEqual(self.probe("").finish(), 0)

    def test_stage_that_is_not_warm_is_not_ready(self):
        health = Health(parse_address(f"127.0.0.1:{free_ports(1)[0]}"), {"stage": "0"}, Counters())
        self.assertEqual(health.answer("/readyz")[0], 503)
        self.assertEqual(health.answer("/healthz")[0], 200)
        health.set_ready(True)
        self.assertEqual(health.answer("/readyz")[0], 200)

    def test_pacing_sleeps_until_the_planned_time(self):
        self.start_stages("--pace")
        sink = self.start("sink")
        self.start("feed", "--count", "10").result()
        sink.result()
        for index in range(3):
            for line in self.lines(f"stage-{index}", "inference"):
                self.assertGreaterEqual(line["compute_s"], 0.02)
                self.assertLess(line["session_s"], line["compute_s"])
                self.assertIs(line["late"], line["session_s"] > 0.02)

    def test_flags_and_variables_override_addresses(self):
        for stage in self.document["stages"]:
            del stage["receive_from"]["address"], stage["send_to"]["address"]
        del self.document["token"]
        (self.folder / "token").write_text("another token of sixteen\n")
        self.write()
        a = [f"127.0.0.1:{port}" for port in self.ports]
        token = {"CUTPOINT_RUNNER_TOKEN_FILE": str(self.folder / "token")}
        stages = [self.start("stage", "--index", "0", "--listen", a[0], "--send-to", a[1], **token)]
        stages.append(
            self.start(
                "stage", CUTPOINT_RUNNER_INDEX="1", CUTPOINT_RUNNER_LISTEN=a[1], CUTPOINT_RUNNER_SEND_TO=a[2], **token
            )
        )
        stages.append(self.start("stage", "--index", "2", "--listen", a[2], "--send-to", a[3], **token))
        for stage in stages:
            stage.wait_for("is ready")
        sink = self.start("sink", "--listen", a[3], **token)
        self.start("feed", "--send-to", a[0], "--count", "3", **token).result()
        self.assertEqual(sink.result()["runs"][0]["delivered"], 3)

    def test_file_with_one_stage_needs_no_index(self):
        self.document["stages"] = self.document["stages"][1:2]
        self.write()
        self.start("stage").wait_for("stage 1 of three is ready")

    def test_faults_name_what_is_wrong(self):
        stages = self.document["stages"]
        self.assertIn("stage 7 of pipeline 0 is not in stages.json; it has stage 0", self.fault_of("--index", "7"))
        self.assertIn("no provider Quantum", self.fault_of("--index", "0", "--providers", "Quantum"))
        self.assertIn("cannot listen on 192.0.2.1", self.fault_of("--index", "0", "--listen", "192.0.2.1:4000"))
        self.assertIn("give the time with --pace-s", self._without_plan())
        stages[0]["file"] = "missing.onnx"
        self.assertIn("missing.onnx is missing", self.fault_of("--index", "0"))
        stages[0]["file"] = "stages.json"
        self.assertIn("cannot be loaded", self.fault_of("--index", "0"))
        self.assertIn("--index", self.fault_of("--index", "-1"))

    def _without_plan(self) -> str:
        plan = self.document["stages"][0].pop("planned")
        text = self.fault_of("--index", "0", "--pace")
        self.document["stages"][0]["planned"] = plan
        return text

    def test_model_that_differs_from_the_plan(self):
        stages = self.document["stages"][:1]
        self.document["stages"] = stages
        (x,) = stages[0]["inputs"]
        a = stages[0]["outputs"][0]
        x["shape"], x["bytes"] = [1, 5], 20
        self.assertIn("but stages.json plans float32[1, 5]", self.fault_of())
        x["shape"], x["bytes"], x["name"] = [1, 4], 16, "other"
        self.assertIn("reads 'x', which is not among", self.fault_of())
        x["name"], a["name"] = "x", "unknown"
        self.assertIn("output 'unknown' is neither made by", self.fault_of())
        a.update(name="a", type="int32")
        self.assertIn("'a' is float32[1, 4], but int32[1, 4] is planned", self.fault_of())

    def test_type_that_numpy_lacks_is_relayed_but_not_computed_with(self):
        relayed = {"name": "weights", "type": "bfloat16", "shape": [3], "bytes": 6}
        for stage in self.document["stages"][1:2]:
            stage["inputs"].append(relayed)
            stage["outputs"].append(relayed)
        self.document["stages"] = self.document["stages"][1:2]
        self.write()
        self.start("stage").wait_for("is ready")
        stage = self.document["stages"][0]
        stage["inputs"] = stage["outputs"] = [relayed]
        stage["file"] = "half.onnx"
        value = helper.make_tensor_value_info("weights", TensorProto.BFLOAT16, [3])
        made = helper.make_tensor_value_info("other", TensorProto.BFLOAT16, [3])
        graph = helper.make_graph([helper.make_node("Identity", ["weights"], ["other"])], "half", [value], [made])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, self.folder / "half.onnx")
        self.assertIn("of type bfloat16, which numpy lacks; cut elsewhere", self.fault_of())

    def test_inference_that_fails_is_lost_and_the_stage_goes_on(self):
        # Reading element x[0] of a vector fails where that is out of range.
        index = helper.make_tensor_value_info("i", TensorProto.INT64, [1])
        made = helper.make_tensor_value_info("o", TensorProto.INT64, [1])
        graph = helper.make_graph([helper.make_node("Gather", ["i", "i"], ["o"])], "gather", [index], [made])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, self.folder / "gather.onnx")
        described = {"type": "int64", "shape": [1], "bytes": 8}
        (stage,) = self.document["stages"] = self.document["stages"][:1]
        stage.update(file="gather.onnx", inputs=[{"name": "i", **described}], outputs=[{"name": "o", **described}])
        stage["send_to"] = {"kind": "sink", "address": f"127.0.0.1:{self.ports[3]}"}
        self.write()
        np.save(self.folder / "inputs.npy", np.array([[0], [5], [0]]))
        self.start("stage")
        sink = self.start("sink")
        self.start("feed", "--inputs", str(self.folder / "inputs.npy"), "--count", "3").result()
        (run,) = sink.result()["runs"]
        self.assertEqual((run["delivered"], run["lost"]), (2, 1))
        (failed,) = [line for line in self.lines("stage-0", "event") if line["event"] == "failed"]
        self.assertEqual(failed["inference"], 1)

    def test_tensor_may_have_any_name(self):
        nodes = [helper.make_node("Add", ["file", "one"], ["/out/file.0"])]
        save(self.folder / "names.onnx", nodes, ["file"], ["/out/file.0"], self.size)
        (stage,) = self.document["stages"] = self.document["stages"][:1]
        described = {"type": "float32", "shape": [1, self.size]}
        stage.update(
            file="names.onnx",
            inputs=[{"name": "file", **described}],
            outputs=[{"name": "/out/file.0", **described}, {"name": "file", **described}],
        )
        stage["send_to"] = {"kind": "sink", "address": f"127.0.0.1:{self.ports[3]}"}
        self.write()
        inputs = np.ones((1, 1, self.size), np.float32)
        np.savez(self.folder / "inputs.npz", **{"file_": inputs})
        self.start("stage")
        sink = self.start("sink", "--save", str(self.folder / "saved"))
        run = self.start("feed", "--count", "1").result()["run"]
        sink.result()
        outputs = np.load(self.folder / "saved" / f"run-{run}-00000000.npz")
        np.testing.assert_array_equal(outputs["/out/file.0"], outputs["file"] + 1)

    def test_expected_values_of_the_models(self):
        outputs = expected(np.array([[1.0, 2.0]], np.float32))
        np.testing.assert_array_equal(outputs["y"], [[10.0, 21.0]])
        np.testing.assert_array_equal(outputs["large"], [[False, True]])
