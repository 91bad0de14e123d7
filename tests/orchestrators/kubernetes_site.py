"""The cluster of the stand-in for kubectl: a folder of nodes and objects. Tests change its nodes as a site does."""

import fcntl
import json
import os
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

MEBIBYTE = 1 << 20


def node(name: str, flops_per_s: float) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "annotations": {"cutpoint/flops-per-s": str(flops_per_s), "node.alpha.kubernetes.io/ttl": "0"},
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/arch": "arm64",
                "node-role.kubernetes.io/worker": "",
            },
            "name": name,
        },
        "spec": {"podCIDR": "10.42.0.0/24"},
        "status": {
            "addresses": [
                {"address": f"10.9.0.{name[-1]}", "type": "InternalIP"},
                {"address": name, "type": "Hostname"},
            ],
            "allocatable": {"cpu": "4", "memory": "3948464Ki", "pods": "110"},
            "capacity": {"cpu": "4", "memory": "3948464Ki", "pods": "110"},
            "conditions": [
                {"status": "False", "type": "MemoryPressure", "lastHeartbeatTime": "2026-11-29T01:58:02Z"},
                {"status": "True", "type": "Ready", "lastHeartbeatTime": "2026-11-29T01:58:02Z"},
            ],
        },
    }


class KubernetesSite:
    tool = "kubernetes"

    def __init__(self, folder: Path | None = None):
        self.folder = folder or Path(os.environ["KUBECTL_STATE"])
        (self.folder / "nodes").mkdir(exist_ok=True)
        (self.folder / "objects").mkdir(exist_ok=True)

    @contextmanager
    def changes(self) -> Iterator[None]:
        """One change at a time, as by an API server."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def write(self, path: Path, document: dict[str, Any]) -> None:
        version = self.folder / "version"
        number = int(version.read_text()) + 1 if version.exists() else 1
        version.write_text(str(number))
        document["metadata"]["resourceVersion"] = str(number)
        # A reader never sees half of it.
        half = path.with_suffix(".half")
        half.write_text(json.dumps(document))
        half.rename(path)

    # Nodes

    def nodes(self) -> dict[str, dict[str, Any]]:
        found = {}
        for path in sorted((self.folder / "nodes").glob("*.json")):
            try:
                found[path.stem] = json.loads(path.read_text())
            except FileNotFoundError:
                continue
        return found

    def set_node(self, document: dict[str, Any]) -> None:
        with self.changes():
            self.write(self.folder / "nodes" / f"{document['metadata']['name']}.json", document)

    def start(self, speeds: dict[str, float]) -> None:
        self.speeds = speeds
        for name in speeds:
            self.back(name)

    def stop(self) -> None:
        pass

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Nobody sees what is between these changes: watches have a pause."""
        (self.folder / "pause").touch()
        yield
        (self.folder / "pause").unlink()

    def environment(self) -> dict[str, str]:
        return {"KUBECTL": str(Path(__file__).parent / "kubectl"), "KUBECTL_STATE": str(self.folder)}

    def back(self, name: str) -> None:
        # A kubelet that is back ends what it was told to end.
        self.evict(name)
        self.set_node(node(name, self.speeds[name]))

    def drain(self, name: str) -> None:
        """What `kubectl drain` does: the node is cordoned, and its pods are evicted."""
        document = self.nodes()[name]
        document["spec"] |= {
            "unschedulable": True,
            "taints": [
                {"effect": "NoSchedule", "key": "node.kubernetes.io/unschedulable", "timeAdded": "2026-11-29T01:58:02Z"}
            ],
        }
        self.set_node(document)
        self.evict(name)

    def evict(self, name: str, is_lost: bool = False) -> None:
        """Ends the pods of a node, or only marks them where nobody there can end them."""
        with self.changes():
            for deployment in self.every_object():
                if deployment.get("status", {}).get("node") == name:
                    deployment["status"] = deployment["status"] | {"is_lost": True} if is_lost else {}
                    self.write_object(deployment)

    def fail(self, name: str) -> None:
        """The kubelet is silent: the node is not ready, and a taint evicts its pods, which stay until somebody forces them."""
        document = self.nodes()[name]
        document["status"]["conditions"][1]["status"] = "Unknown"
        document["spec"]["taints"] = [{"effect": "NoExecute", "key": "node.kubernetes.io/unreachable"}]
        self.set_node(document)
        self.evict(name, is_lost=True)

    def remove(self, name: str) -> None:
        self.evict(name)
        with self.changes():
            (self.folder / "nodes" / f"{name}.json").unlink()

    def set_memory(self, name: str, mebibytes: int) -> None:
        document = self.nodes()[name]
        document["status"]["allocatable"]["memory"] = f"{mebibytes}Mi"
        self.set_node(document)

    def heartbeat(self, name: str) -> None:
        document = self.nodes()[name]
        document["status"]["conditions"][1]["lastHeartbeatTime"] = "2026-11-29T02:03:02Z"
        self.set_node(document)

    # A test may hold what an adapter started, to do something before it runs.

    holds = 0

    def hold(self) -> None:
        self.holds += 1
        (self.folder / "hold").write_text(str(self.holds))

    def is_held(self) -> bool:
        return (self.folder / f"held-{self.holds}").exists()

    def release(self) -> None:
        (self.folder / "hold").unlink()

    def pause_if_told(self) -> None:
        while (hold := self.folder / "hold").exists():
            with suppress(FileNotFoundError):
                (self.folder / f"held-{hold.read_text()}").touch()
            time.sleep(0.02)

    # Objects

    def path(self, namespace: str, kind: str, name: str) -> Path:
        return self.folder / "objects" / f"{namespace}.{kind}.{name}.json"

    def read_object(self, namespace: str, kind: str, name: str) -> dict[str, Any] | None:
        path = self.path(namespace, kind, name)
        return json.loads(path.read_text()) if path.exists() else None

    def write_object(self, document: dict[str, Any]) -> None:
        metadata = document["metadata"]
        self.write(self.path(metadata["namespace"], document["kind"], metadata["name"]), document)

    def remove_object(self, namespace: str, kind: str, name: str) -> bool:
        path = self.path(namespace, kind, name)
        there = path.exists()
        path.unlink(missing_ok=True)
        return there

    def every_object(self) -> list[dict[str, Any]]:
        found = []
        for path in sorted((self.folder / "objects").glob("*.json")):
            # What is removed meanwhile is not there.
            with suppress(FileNotFoundError):
                found.append(json.loads(path.read_text()))
        return found

    def objects(self, namespace: str, selector: str) -> list[dict[str, Any]]:
        return [
            it
            for it in self.every_object()
            if it["metadata"]["namespace"] == namespace and matches(selector, it["metadata"].get("labels", {}))
        ]

    def pods(self, namespace: str, selector: str) -> list[dict[str, Any]]:
        self.schedule(namespace)
        pods = []
        for deployment in self.every_object():
            template = deployment.get("spec", {}).get("template", {})
            labels = template.get("metadata", {}).get("labels", {})
            is_chosen = deployment["metadata"]["namespace"] == namespace and matches(selector, labels)
            if deployment["kind"] == "Deployment" and is_chosen and deployment["status"]:
                metadata = {"name": f"{deployment['metadata']['name']}-7d9c8b6f4-x2x7k", "labels": labels}
                if deployment["status"].get("is_lost"):
                    metadata["deletionTimestamp"] = "2026-11-29T02:08:02Z"
                spec = {"nodeName": deployment["status"]["node"]}
                pods.append({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        return pods

    def delete_pod(self, namespace: str, name: str, is_forced: bool) -> bool:
        deployment = self.read_object(namespace, "Deployment", name.rsplit("-", 2)[0])
        if not deployment or not deployment["status"]:
            return False
        if is_forced or not deployment["status"].get("is_lost"):
            deployment["status"] = {}
            self.write_object(deployment)
        return True

    def schedule(self, namespace: str) -> set[str]:
        """Starts pods where the scheduler would, and returns the names of deployments whose pods run."""
        with self.changes():
            nodes, found = self.nodes(), [it for it in self.objects(namespace, "") if it["kind"] == "Deployment"]
            for it in found:
                # Recreate: the old pod ends before the new one is scheduled. On a lost node it does not end.
                is_old = it["status"].get("generation") != it["metadata"]["generation"]
                if is_old and not it["status"].get("is_lost"):
                    it["status"] = {}
            running = set()
            for it in found:
                if not it["status"]:
                    name = self.place(it, nodes, found)
                    it["status"] = {"node": name, "generation": it["metadata"]["generation"]} if name else {}
                    self.write_object(it)
                if it["status"] and not it["status"].get("is_lost"):
                    running.add(it["metadata"]["name"])
            return running

    def place(self, deployment: dict[str, Any], nodes: dict[str, Any], others: list[dict[str, Any]]) -> str | None:
        affinity = deployment["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]
        [term] = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
        [rule] = term["matchExpressions"]
        assert rule["operator"] == "In", rule
        for name, it in nodes.items():
            keeps_off = it["spec"].get("unschedulable") or it["spec"].get("taints")
            is_ready = it["status"]["conditions"][1]["status"] == "True"
            if it["metadata"]["labels"][rule["key"]] in rule["values"] and is_ready and not keeps_off:
                there = [other for other in others if other["status"].get("node") == name]
                asked = sum(map(memory_of, [*there, deployment]))
                if asked <= int(it["status"]["allocatable"]["memory"].rstrip("KMi")) * (
                    1024 if "Ki" in it["status"]["allocatable"]["memory"] else MEBIBYTE
                ):
                    return name
        return None

    def running(self) -> dict[str, str]:
        """Where which process runs, by its name."""
        deployments = [it for it in self.every_object() if it["kind"] == "Deployment"]
        return {
            it["metadata"]["name"]: it["status"].get("node", "")
            for it in deployments
            if not it["status"].get("is_lost")
        }

    def token(self) -> str:
        """The token that processes of the pipeline read."""
        [secret] = [it for it in self.every_object() if it["kind"] == "Secret"]
        return b64decode(secret["data"]["token"]).decode()

    def files(self) -> set[str]:
        """The ONNX files that the stages.json of stages name."""
        maps = [it for it in self.every_object() if it["kind"] == "ConfigMap"]
        return {entry["file"] for it in maps for entry in json.loads(it["data"]["stages.json"])["stages"]}

    def images(self) -> set[str]:
        deployments = [it for it in self.every_object() if it["kind"] == "Deployment"]
        return {it["spec"]["template"]["spec"]["containers"][0]["image"] for it in deployments}


def matches(selector: str, labels: dict[str, str]) -> bool:
    return dict(pair.split("=") for pair in selector.split(",") if pair).items() <= labels.items()


def memory_of(deployment: dict[str, Any]) -> int:
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return int(container["resources"]["requests"]["memory"].removesuffix("Mi")) * MEBIBYTE
