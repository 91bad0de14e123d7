"""Cutpoint's commands, as a user runs them: from a model and measurements to stages."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from network import address, device
from regimes import SINK, Regime

_PORT = 7100
# More than the model needs: memory is not what these regimes are about.
_MEMORY_BYTES = 1 << 30
_PROFILED_RUNS = 12
_ROOT = Path(__file__).parents[2]


class Product:
    """The commands for one regime. All files are in one folder."""

    def __init__(self, binary: Path, model: Path, flags: tuple[str, ...], folder: Path):
        """`flags` give the shapes of the model's inputs."""
        self._binary = binary
        self._model = model
        self._shapes = flags
        self._folder = folder

    def of_the_same_model(self, folder: Path) -> Product:
        """Returns the commands for the same model in another folder."""
        return Product(self._binary, self._model, self._shapes, folder)

    def profile(self) -> None:
        self._run("profile", str(self._model), *self._shapes, "--output", str(self._folder / "profile.json"))

    def profile_with_times(self, devices: list[str], wrapped: Callable[[str], list[str]]) -> None:
        """Measures the layers with onnxruntime on each device, which is a class of its own, at the same time.

        `wrapped` gives the words before a command on a device. The model is the one that was measured from now on.
        """
        script = [sys.executable, str(_ROOT / "tools/profile_onnxruntime.py"), str(self._model), *self._shapes]
        flags = ["--threads", "1", "--runs", str(_PROFILED_RUNS)]
        folders = {name: self._folder / f"times-{name}" for name in devices}
        processes = [
            subprocess.Popen([*wrapped(name), *script, *flags, "--output", str(folder)], stdout=subprocess.DEVNULL)
            for name, folder in folders.items()
        ]
        if any([process.wait(600) for process in processes]):
            raise SystemExit(f"{self._model} was not measured")
        self._model = folders[devices[0]] / "optimized.onnx"
        self.profile()
        profile = str(self._folder / "profile.json")
        for name, folder in folders.items():
            session_s = json.loads((folder / "session.json").read_text(encoding="utf-8"))["session_s"]
            times = ["--timings", str(folder / "profile.json"), "--device-class", name, "--session-s", str(session_s)]
            self._run("profile", profile, *times, "--output", profile)

    def inventory(self, regime: Regime, hosts: dict[int, dict]) -> None:
        """Writes `cluster.json` of nodes and what iperf3 measured. `hosts` says how fast devices are: others host nothing."""
        devices = range(1, regime.network.devices + 1)
        nodes = [_node(i, hosts.get(i)) for i in devices]
        path = self._write("nodes.json", {"name": regime.name, "nodes": nodes})
        medium = [] if regime.medium is None else ["--medium", f"{regime.medium}={','.join(map(device, devices))}"]
        flags = ["--nodes", str(path), "--iperf3", str(self._folder / "iperf3"), *medium]
        self._run("inventory", *flags, "--name", "testbed", "--output", str(self._folder / "cluster.json"))

    def plan(self, regime: Regime) -> dict:
        """Writes and returns the placement."""
        flags = [word for layer, i in regime.pins for word in ("--pin", f"{layer}={device(i)}")]
        if regime.pipelines > 1:
            flags.append(f"--pipelines={regime.pipelines}")
        placement = self._planned("cluster.json", regime, flags)
        self._write("placement.json", placement)
        return placement

    def predicted_on_private_links(self, regime: Regime, placement: dict) -> dict:
        """Returns what the same stages are predicted on a site where each link is by itself."""
        cluster = json.loads((self._folder / "cluster.json").read_text(encoding="utf-8"))
        for node in cluster["nodes"]:
            node.pop("port_bps", None)
            node.pop("port_duplex", None)
        for link in cluster["links"]:
            link.pop("medium", None)
        self._write("private.json", cluster)
        return self.predicted("private.json", regime, placement)

    def predicted(self, cluster: str, regime: Regime, placement: dict) -> dict:
        """Returns what the stages of a placement are predicted on a site: every layer is pinned to its node."""
        stages = placement["pipelines"][0]["stages"]
        pins = [word for s in stages for layer in s["layer_ids"] for word in ("--pin", f"{layer}={s['node_id']}")]
        again = self._planned(cluster, regime, pins)
        assert _places(again) == _places(placement), "pinned layers are elsewhere"
        return again

    def cut(self, regime: Regime) -> None:
        """Writes the stages into the folder `stages`."""
        hosts = range(1, regime.network.devices + 1)
        placed = json.loads((self._folder / "placement.json").read_text(encoding="utf-8"))
        used = {stage["node_id"] for pipeline in placed["pipelines"] for stage in pipeline["stages"]}
        addresses = [
            word for i in hosts if device(i) in used for word in ("--address", f"{device(i)}={address(i)}:{_PORT + 1}")
        ]
        ends = ["--sink-address", f"{address(SINK)}:{_PORT + 2}", "--feedback", f"{address(regime.source)}:{_PORT}"]
        files = ["--placement", str(self._folder / "placement.json"), "--output", str(self._folder / "stages")]
        self._run("cut", str(self._model), *self._shapes, *files, *addresses, *ends, "--overlap", regime.overlap)

    def calibrate(self, output: Path) -> None:
        """Writes corrected documents of what ran. Each device is a class of its own."""
        stages = json.loads((self._folder / "placement.json").read_text(encoding="utf-8"))["pipelines"][0]["stages"]
        classes = [word for s in stages for word in ("--device-class", f"{s['node_id']}={s['node_id']}")]
        files = {
            "profile": "profile.json",
            "placement": "placement.json",
            "cluster": "cluster.json",
            "measured": "logs",
        }
        words = [word for flag, name in files.items() for word in (f"--{flag}", str(self._folder / name))]
        said = self._run("calibrate", *words, *classes, "--output", str(output))
        (output / "calibrate.txt").write_text(said, encoding="utf-8")

    def _planned(self, cluster: str, regime: Regime, flags: list[str]) -> dict:
        files = ["--model", str(self._folder / "profile.json"), "--cluster", str(self._folder / cluster)]
        ends = ["--source", device(regime.source), "--sink", device(SINK), "--overlap", regime.overlap]
        return json.loads(self._run("plan", *files, *ends, *flags, "--output", "json"))

    def _write(self, name: str, document: dict) -> Path:
        path = self._folder / name
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    def _run(self, *words: str) -> str:
        done = subprocess.run([str(self._binary), *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"cutpoint {words[0]} ends with {done.returncode}:\n{done.stderr}")
        return done.stdout


def _node(i: int, speed: dict | None) -> dict:
    node = {"id": device(i), "memory_bytes": _MEMORY_BYTES, "addresses": [address(i)]}
    return {**node, "schedulable": False} if speed is None else {**node, **speed}


def _places(placement: dict) -> list[tuple[str, list[str]]]:
    return [(stage["node_id"], sorted(stage["layer_ids"])) for stage in placement["pipelines"][0]["stages"]]


def times(placement: dict) -> dict:
    """Returns the predictions that are compared."""
    return {name: placement[name] for name in ("period_s", "latency_s")}
