#!/usr/bin/env python3
"""Keeps a deployment of Cutpoint running on Kubernetes, through kubectl alone."""

import atexit
import json
import os
import queue
import re
import subprocess
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from adapter import RETRY_S, Adapter
from cutpoint_client.models import NodeUpsert
from registration import arguments, say

# A burst of changes is over after so many seconds without one, or after ten times as many.
PAUSE_S = 0.3
POWERS = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
KINDS = "deployments.apps,services,configmaps,secrets,jobs.batch"


def quantity(text: str) -> int:
    """A quantity of Kubernetes as whole bytes, rounded down."""
    number, suffix = re.fullmatch(r"([+0-9.]+)(.*)", str(text)).groups()
    if suffix.endswith("i"):
        return int(Fraction(number) * 1024 ** POWERS[suffix[0].replace("K", "k")])
    if suffix not in POWERS:
        return int(Fraction(number + suffix))
    return int(Fraction(number) * Fraction(1000) ** POWERS[suffix])


def is_alive(node: dict[str, Any]) -> bool:
    ready = [it["status"] for it in node["status"].get("conditions", []) if it["type"] == "Ready"]
    return all(status == "True" for status in ready[:1])


def read(node: dict[str, Any]) -> NodeUpsert:
    """What `cutpoint inventory --kubernetes` reads of a node (docs/inventory.md)."""
    metadata, spec = node["metadata"], node.get("spec", {})
    keeps_off = any(taint["effect"] in ("NoSchedule", "NoExecute") for taint in spec.get("taints") or [])
    # Labels of Cutpoint are not empty.
    labels = {name: text or "true" for name, text in (metadata.get("labels") or {}).items()}
    document = {
        "id": metadata["name"],
        "memory_bytes": quantity(node["status"]["allocatable"]["memory"]),
        "labels": labels,
        "schedulable": is_alive(node) and not keeps_off and not spec.get("unschedulable", False),
    }
    annotations = metadata.get("annotations") or {}
    if speed := annotations.get("cutpoint/flops-per-s"):
        document["flops_per_s"] = float(speed)
    if device_class := annotations.get("cutpoint/device-class"):
        document["device_class"] = device_class
    return NodeUpsert.from_dict(document)


def documents(stream: Any) -> Iterator[dict[str, Any]]:
    """The JSON documents that follow one another in what kubectl prints: on a line each, or indented."""
    text = ""
    for line in stream:
        text += line
        if line.startswith(("}", '{"')):
            yield json.loads(text)
            text = ""


class Kubernetes(Adapter):
    tool = "kubernetes"

    def __init__(self, chosen: Namespace):
        super().__init__(chosen)
        self.selector = ""

    def command(self, *words: str) -> list[str]:
        namespace = ["--namespace", self.chosen.namespace] if self.chosen.namespace else []
        return [os.environ.get("KUBECTL", "kubectl"), *words, *namespace]

    def kubectl(self, *words: str, given: str | None = None) -> Any:
        done = subprocess.run(self.command(*words), input=given, capture_output=True, text=True, check=True)
        return json.loads(done.stdout) if "json" in words else done.stdout

    def list_nodes(self) -> Any:
        return self.kubectl("get", "nodes", "--output", "json")

    # Nodes

    def watch(self) -> Iterator[tuple[dict[str, NodeUpsert], set[str]]]:
        while True:
            # A watch does not say when its first objects, which may be many, are complete; a list does.
            try:
                nodes = {node["metadata"]["name"]: node for node in self.list_nodes()["items"]}
            except subprocess.CalledProcessError as fault:
                say(f"no nodes: {fault.stderr}")
                time.sleep(RETRY_S)
                continue
            yield self.state(nodes, set(nodes))
            for burst in self.bursts():
                for event in burst:
                    name = event["object"]["metadata"]["name"]
                    nodes[name] = event["object"]
                    if event["type"] == "DELETED":
                        del nodes[name]
                yield self.state(nodes, {event["object"]["metadata"]["name"] for event in burst})
            say("the watch ended")
            time.sleep(RETRY_S)

    def state(self, nodes: dict[str, Any], seen: set[str]) -> tuple[dict[str, NodeUpsert], set[str]]:
        alive = {name for name in seen if name in nodes and is_alive(nodes[name])}
        return {name: read(node) for name, node in nodes.items()}, alive

    def bursts(self) -> Iterator[list[dict[str, Any]]]:
        """Runs a watch, and yields changes that come together, until it ends."""
        words = self.command("get", "nodes", "--watch", "--output-watch-events", "--output", "json")
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            atexit.register(process.terminate)
            events: queue.Queue[dict[str, Any] | None] = queue.Queue()

            def receive() -> None:
                for document in documents(process.stdout):
                    if document["type"] == "ERROR":
                        break
                    events.put(document)
                process.terminate()
                atexit.unregister(process.terminate)
                events.put(None)

            threading.Thread(target=receive, daemon=True).start()
            while event := events.get():
                burst, end = [event], time.monotonic() + 10 * PAUSE_S
                while time.monotonic() < end:
                    try:
                        event = events.get(timeout=PAUSE_S)
                    except queue.Empty:
                        break
                    if event is None:
                        return
                    burst.append(event)
                yield burst

    # The pipeline

    def start(self, placement_id: str) -> None:
        manifests = self.export(placement_id).decode()
        words = ["apply", "--server-side", "--field-manager=cutpoint", "--filename", "-", "--output", "json"]
        applied = self.kubectl(*words, given=manifests)
        objects = applied["items"] if applied["kind"] == "List" else [applied]
        # The export may have had to replace characters of the name.
        instance = objects[0]["metadata"]["labels"]["app.kubernetes.io/instance"]
        self.selector = f"app.kubernetes.io/instance={instance},app.kubernetes.io/managed-by=cutpoint"
        # What another placement left behind holds memory that this one may need.
        kept = {(it["kind"], it["metadata"]["name"]) for it in objects}
        there = self.kubectl("get", KINDS, "--selector", self.selector, "--output", "json")["items"]
        gone = [(it["kind"], it["metadata"]["name"]) for it in there]
        gone = [f"{kind.lower()}/{name}" for kind, name in gone if (kind, name) not in kept]
        if gone:
            self.kubectl("delete", *gone, "--ignore-not-found", "--wait=false")
            say(f"removed {' '.join(gone)}")
        self.forget_lost_pods()

    def forget_lost_pods(self) -> None:
        """A Deployment that recreates its pod waits for the old one to end. On a node that is lost nobody says so, ever."""
        alive = {node["metadata"]["name"] for node in self.list_nodes()["items"] if is_alive(node)}
        pods = self.kubectl("get", "pods", "--selector", self.selector, "--output", "json")["items"]
        on_nodes = [(it["metadata"]["name"], it["spec"].get("nodeName")) for it in pods]
        if lost := [f"pod/{name}" for name, node in on_nodes if node and node not in alive]:
            self.kubectl("delete", *lost, "--ignore-not-found", "--force", "--grace-period=0", "--wait=false")
            say(f"forgot {' '.join(lost)}")

    def is_ready(self) -> bool:
        words = self.command("rollout", "status", "deployment", "--selector", self.selector, "--timeout=2s")
        return subprocess.run(words, capture_output=True).returncode == 0


if __name__ == "__main__":
    Kubernetes(arguments(__doc__).parse_args()).run()
