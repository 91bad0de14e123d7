"""The whole life of a deployment, through an adapter and the stand-in of its orchestrator:
deployed, drained, moved, recovered, lost, rolled back. The service is the real one, at CUTPOINT_URL."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from kubernetes_site import KubernetesSite
from nomad_site import NomadSite

ADAPTERS = Path(__file__).parents[2] / "examples/orchestrators"
# Two fast devices share the model; a slow one is of little use, and is there.
SPEEDS = {"pi-1": 2e10, "pi-2": 1e10, "pi-3": 2.5e9, "pi-4": 2.5e9}
MEBIBYTE = 1 << 20
IMAGE = "registry.local/camera:{placement}"


def layer(id: str) -> dict[str, Any]:
    return {"id": id, "param_bytes": 50 * MEBIBYTE, "output_bytes": 1000, "flops": 1e9}


PROFILE = {
    "name": "camera",
    "layers": [{"id": "input", "op": "Input", "param_bytes": 0, "output_bytes": 1000}, *map(layer, "abc")],
    "edges": [{"from": "input", "to": "a"}, {"from": "a", "to": "b"}, {"from": "b", "to": "c"}],
}
NETWORK = {"kind": "full_mesh", "bandwidth_bps": 1e9, "latency_s": 0.0005}
POLICY = {"cool_down_s": 0, "max_proposals_per_hour": 100, "min_improvement": 1.5}


class Life:
    def __init__(self, site: KubernetesSite | NomadSite, folder: Path):
        self.site, self.folder = site, folder
        headers = {"Authorization": f"Bearer {os.environ['CUTPOINT_KEY']}"}
        self.service = httpx.Client(base_url=os.environ["CUTPOINT_URL"], headers=headers, timeout=30)
        (folder / "camera.json").write_text(json.dumps(PROFILE))
        self.log = folder / "log"
        self.adapter: subprocess.Popen | None = None

    # The adapter

    def words(self, *more: str) -> list[str]:
        named = {"cluster": f"{self.site.tool}-farm", "deployment": f"{self.site.tool}-camera", "image": IMAGE}
        named |= {
            "model": str(self.folder / "camera.json"),
            "network": json.dumps(NETWORK),
            "policy": json.dumps(POLICY),
        }
        # What stands for cutting the model.
        named["prepare"] = f"{sys.executable} {Path(__file__).with_name('cut.py')} {self.folder}"
        named["stages"] = f"{self.folder}/{{placement}}.json"
        flags = [word for name, value in named.items() for word in (f"--{name}", value)]
        return [sys.executable, str(ADAPTERS / f"{self.site.tool}.py"), *flags, *more]

    def environment(self) -> dict[str, str]:
        return os.environ | self.site.environment()

    def begin(self) -> None:
        with self.log.open("a") as log:
            self.adapter = subprocess.Popen(self.words(), env=self.environment(), stdout=log, stderr=log)

    def end(self) -> None:
        if self.adapter:
            self.adapter.send_signal(signal.SIGTERM)
            self.adapter.wait(10)

    def roll_back(self, placement_id: str) -> subprocess.CompletedProcess:
        words = self.words("--rollback", placement_id)
        return subprocess.run(words, env=self.environment(), capture_output=True, text=True, timeout=20)

    # What Cutpoint has

    def read(self, path: str) -> Any:
        return self.service.get(path).raise_for_status().json()

    def find(self, kind: str, name: str) -> str | None:
        return next((it["id"] for it in self.read(f"/v1/{kind}")["items"] if it["name"] == name), None)

    def deployment(self) -> dict[str, Any]:
        return self.read(f"/v1/deployments/{self.id}")

    def cluster(self) -> dict[str, Any]:
        return self.read(f"/v1/clusters/{self.cluster_id}")

    def history(self) -> list[str]:
        entries = self.read(f"/v1/deployments/{self.id}/history?limit=200")["items"]
        return [f"{it['kind']} {it['reason']}" for it in reversed(entries)]

    def change(self, members: dict[str, Any]) -> None:
        path = f"/v1/deployments/{self.id}"
        version = self.service.get(path).headers["ETag"]
        self.service.patch(path, json=members, headers={"If-Match": version}).raise_for_status()

    def nodes_of(self, placement_id: str) -> list[str]:
        [pipeline] = self.read(f"/v1/placements/{placement_id}")["placement"]["pipelines"]
        return [stage["node_id"] for stage in pipeline["stages"]]

    def until(self, what: str, wanted: Callable[[], Any]) -> Any:
        """Waits until something is true, and no longer than any machine needs."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            assert self.adapter is None or self.adapter.poll() is None, "the adapter ended"
            if result := wanted():
                return result
            time.sleep(0.03)
        raise AssertionError(f"not within 30 s: {what}")

    def settled(self, nodes: list[str]) -> dict[str, Any]:
        """Waits until the pipeline runs on these nodes, and Cutpoint knows it; then every process is where the placement says."""

        def is_settled() -> dict[str, Any] | None:
            deployment = self.deployment()
            if (
                "applied" not in deployment
                or "proposed" in deployment
                or deployment["condition"]["status"] != "healthy"
            ):
                return None
            return deployment if self.nodes_of(deployment["applied"]["placement_id"]) == nodes else None

        deployment = self.until(f"{self.site.tool} on {nodes}", is_settled)
        processes = {f"stage-{index}": node for index, node in enumerate(nodes)} | {"sink": nodes[-1]}
        if self.site.tool == "kubernetes":
            processes = {f"kubernetes-camera-{name}": node for name, node in processes.items()}
        placement_id = deployment["applied"]["placement_id"]
        wanted = processes, {IMAGE.replace("{placement}", placement_id)}
        # A roll back is known to Cutpoint before the orchestrator has moved.
        self.until(f"{wanted}", lambda: (self.site.running(), self.site.images()) == wanted)
        # Each process has its part of the cut of this placement, and its token.
        parts = f"token of {placement_id}", {f"{placement_id}-{index}.onnx" for index in range(len(nodes))}
        self.until(f"{parts}", lambda: (self.site.token(), self.site.files()) == parts)
        return deployment

    # The life

    def live(self) -> None:
        site = self.site
        site.start(SPEEDS)
        self.begin()
        names = f"{site.tool}-farm", f"{site.tool}-camera"
        self.id = self.until("a deployment", lambda: self.find("deployments", names[1]))
        self.cluster_id = self.find("clusters", names[0])
        self.tell("deploy")
        first = self.settled(["pi-1", "pi-2"])
        assert self.history() == ["proposed new", "applied acknowledged"], self.history()
        self.check_import()

        self.tell("news of a node that change nothing make no revision")
        revision = self.cluster()["revision"]
        path = f"/v1/clusters/{self.cluster_id}/heartbeats"
        before = {it["node_id"]: it for it in self.read(path)["nodes"]}
        self.until("first heartbeats", lambda: {it["node_id"] for it in self.read(path)["nodes"]} == SPEEDS.keys())
        before = self.read(path)["nodes"]
        site.heartbeat("pi-3")
        self.until("a heartbeat", lambda: self.read(path)["nodes"] != before)
        assert self.cluster()["revision"] == revision

        self.tell("drain: with what else changed at once, one revision")
        with site.at_once():
            site.set_memory("pi-4", 2048)
            site.drain("pi-1")
        second = self.settled(["pi-2"])
        cluster = self.cluster()
        assert cluster["revision"] == revision + 1, cluster["revision"]
        nodes = {node["id"]: node for node in cluster["inventory"]["nodes"]}
        assert nodes["pi-1"]["schedulable"] is False and nodes["pi-4"]["memory_bytes"] == 2048 * MEBIBYTE, nodes
        assert self.history()[-1] == "applied acknowledged"
        assert self.history()[-2] in ("proposed node_lost", "proposed broken"), self.history()

        self.tell("what is proposed is withdrawn while it is started: back to what was applied")
        site.hold()
        site.back("pi-1")
        self.until("a move", site.is_held)
        site.fail("pi-1")
        self.until("a withdrawal", lambda: "proposed" not in self.deployment())
        site.release()
        assert self.settled(["pi-2"])["applied"]["placement_id"] == second["applied"]["placement_id"]
        assert self.history()[-1] == "withdrawn no_longer_fits", self.history()

        self.tell("recover: the node is back, and a placement that is faster by half or more is proposed")
        if isinstance(site, NomadSite):
            # Somebody registers the job while the adapter is about to.
            site.interferes = True
            site.back("pi-1")
        else:
            # Somebody changes the deployment while the adapter moves it.
            site.hold()
            site.back("pi-1")
            self.until("a move", site.is_held)
            self.change({"labels": {"roof": "north"}})
            # Nothing is acknowledged before it runs.
            assert self.deployment()["applied"]["placement_id"] == second["applied"]["placement_id"]
            site.release()
        third = self.settled(["pi-1", "pi-2"])
        assert self.history()[-2:] == ["proposed improvement", "applied acknowledged"], self.history()
        if isinstance(site, NomadSite):
            assert site.conflicts == 1 and not site.interferes, site.conflicts
        else:
            assert "409: " in self.log.read_text() and self.deployment()["labels"] == {"roof": "north"}

        self.tell("a node is silent")
        site.fail("pi-2")
        fourth = self.settled(["pi-1"])
        assert site.tool == "nomad" or "forgot pod/kubernetes-camera-" in self.log.read_text()

        self.tell("roll back: refused while it does not fit, and then nothing moves")
        running, version = site.running(), self.deployment()["revision"]
        back_to = third["applied"]["placement_id"]
        refused = self.roll_back(back_to)
        assert refused.returncode == 1 and "pi-2" in refused.stderr and "409" in refused.stderr, refused
        assert site.running() == running and self.deployment()["revision"] == version

        self.tell("the node is back, and nobody wants improvements now")
        self.change({"policy": {name: value for name, value in POLICY.items() if name != "min_improvement"}})
        site.back("pi-2")
        self.until("pi-2 in the cluster", lambda: self.node("pi-2").get("schedulable", True))
        done = self.roll_back(back_to)
        assert done.returncode == 0, done
        assert self.settled(["pi-1", "pi-2"])["applied"]["placement_id"] == back_to
        assert self.history()[-1] == "applied rolled_back", self.history()
        assert fourth["applied"]["placement_id"] != back_to and first["id"] == self.id

        self.tell("roll back once more: it has not ended before everything runs")
        site.hold()
        back_to = fourth["applied"]["placement_id"]
        process = subprocess.Popen(self.words("--rollback", back_to), env=self.environment(), stdout=subprocess.DEVNULL)
        self.until("a move", site.is_held)
        time.sleep(1)
        assert process.poll() is None, "it has ended"
        site.release()
        assert process.wait(20) == 0
        assert self.settled(["pi-1"])["applied"]["placement_id"] == back_to

        self.tell("a node is gone while the adapter does not run")
        self.end()
        self.adapter = None
        site.remove("pi-1")
        self.begin()
        self.settled(["pi-2"])
        assert self.node("pi-1") == {}
        site.back("pi-1")
        self.until("pi-1 in the cluster", lambda: self.node("pi-1"))
        assert self.node("pi-1")["flops_per_s"] == SPEEDS["pi-1"]
        site.remove("pi-3")
        self.until("no pi-3 in the cluster", lambda: self.node("pi-3") == {})
        self.end()
        self.check_end()

    def tell(self, text: str) -> None:
        with self.log.open("a") as log:
            print(f"--- {text}", file=log)
        print(f"  {self.site.tool}: {text}", flush=True)

    def node(self, name: str) -> dict[str, Any]:
        return next((node for node in self.cluster()["inventory"]["nodes"] if node["id"] == name), {})

    def check_import(self) -> None:
        """The adapter reads nodes as the import does: it made no revision of its own."""
        cluster = self.cluster()
        assert cluster["revision"] == 2 and cluster["inventory"]["network"] == NETWORK, cluster
        speeds = {node["id"]: node["flops_per_s"] for node in cluster["inventory"]["nodes"]}
        assert speeds == SPEEDS, speeds

    def check_end(self) -> None:
        # One deployment and one cluster, whatever was started anew.
        deployments = [it for it in self.read("/v1/deployments")["items"] if it["name"] == f"{self.site.tool}-camera"]
        clusters = [it for it in self.read("/v1/clusters")["items"] if it["name"] == f"{self.site.tool}-farm"]
        assert len(deployments) == len(clusters) == 1, (deployments, clusters)
        assert not re.search("Traceback|Cutpoint refused|again in", self.log.read_text()), "the adapter failed"
        if isinstance(self.site, KubernetesSite):
            commands = (self.folder / "state/commands").read_text()
            assert '"rollout", "status"' in commands and '"delete", "' in commands, commands
            left = {it["metadata"]["name"] for it in self.site.every_object() if "stage-1" in it["metadata"]["name"]}
            assert not left, left
            managers = {it["metadata"]["managedFields"][0]["manager"] for it in self.site.every_object()}
            assert managers == {"cutpoint"}, managers


def main() -> None:
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as text:
            folder = Path(text)
            (folder / "state").mkdir()
            life = Life(KubernetesSite(folder / "state") if name == "kubernetes" else NomadSite(), folder)
            start = time.monotonic()
            try:
                life.live()
            except BaseException:
                print(life.log.read_text() if life.log.exists() else "", file=sys.stderr)
                if hasattr(life, "id"):
                    print(json.dumps(life.deployment(), indent=1), life.history(), file=sys.stderr)
                raise
            finally:
                life.end()
                life.site.stop()
            print(f"  {name}: all in {time.monotonic() - start:.1f} s")


main()
