#!/usr/bin/env python3
"""Keeps a deployment of Cutpoint running on Nomad, through its HTTP API."""

import json
import os
import time
import zipfile
from argparse import Namespace
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import httpx
from adapter import RETRY_S, Adapter
from cutpoint_client.api.placements import get_placement
from cutpoint_client.models import NodeUpsert, Placement
from registration import arguments, given, say

MEBIBYTE = 1 << 20
WAIT_S = 30
PAUSE_S = 0.3


def is_alive(node: dict[str, Any]) -> bool:
    return node["Status"] == "ready"


def read(node: dict[str, Any]) -> NodeUpsert:
    """What `cutpoint inventory --nomad` reads of a node (docs/inventory.md)."""
    memory = node["NodeResources"]["Memory"]["MemoryMB"] * MEBIBYTE
    reserved = ((node.get("ReservedResources") or {}).get("Memory") or {}).get("MemoryMB", 0) * MEBIBYTE
    labels = {"datacenter": node.get("Datacenter"), "node-pool": node.get("NodePool")}
    meta = node.get("Meta") or {}
    document = {
        "id": node["Name"],
        "memory_bytes": memory,
        "reserved_bytes": min(memory, reserved),
        "labels": {name: text for name, text in labels.items() if text},
        "schedulable": is_alive(node) and node["SchedulingEligibility"] == "eligible" and not node.get("Drain"),
    }
    if speed := meta.get("cutpoint/flops-per-s"):
        document["flops_per_s"] = float(speed)
    if device_class := meta.get("cutpoint/device-class") or node.get("NodeClass"):
        document["device_class"] = device_class
    return NodeUpsert.from_dict(document)


class Nomad(Adapter):
    tool = "nomad"

    def __init__(self, chosen: Namespace):
        super().__init__(chosen)
        headers = {"X-Nomad-Token": os.environ["NOMAD_TOKEN"]} if "NOMAD_TOKEN" in os.environ else {}
        url = os.environ.get("NOMAD_ADDR", "http://127.0.0.1:4646")
        # Nomad adds up to a sixteenth to the time that a query waits.
        self.nomad = httpx.Client(base_url=url, headers=headers, timeout=WAIT_S * 1.5)
        # The latest version of each node, by the index at which it changed.
        self.nodes: dict[tuple[str, int], dict[str, Any]] = {}
        self.job: dict[str, Any] = {}
        self.version = -1

    def get(self, path: str, **parameters: Any) -> tuple[Any, int]:
        """What a query answers, and its index."""
        namespace = {"namespace": self.chosen.namespace} if self.chosen.namespace else {}
        answer = self.nomad.get(path, params=namespace | parameters)
        answer.raise_for_status()
        return answer.json(), int(answer.headers["X-Nomad-Index"])

    # Nodes

    def list_nodes(self) -> Any:
        return self.full_nodes(self.get("/v1/nodes")[0])

    def full_nodes(self, stubs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Nodes with their metadata, which lists do not have. Those that did not change are not read again."""
        self.nodes = {
            key: self.nodes.get(key) or self.get(f"/v1/node/{key[0]}")[0]
            for key in ((stub["ID"], stub["ModifyIndex"]) for stub in stubs)
        }
        return list(self.nodes.values())

    def watch(self) -> Iterator[tuple[dict[str, NodeUpsert], set[str]]]:
        index = 0
        while True:
            try:
                # A blocking query: it answers when the index grows, or after the wait.
                _, newest = self.get("/v1/nodes", index=index, wait=f"{WAIT_S}s")
                if newest != index and index:
                    # What changes together makes one revision.
                    time.sleep(PAUSE_S)
                stubs, newest = self.get("/v1/nodes")
                nodes = self.full_nodes(stubs)
            except httpx.HTTPError as fault:
                say(f"no nodes: {fault}")
                time.sleep(RETRY_S)
                continue
            # An index that went back says that the servers' state is another: their documentation asks to begin anew.
            index = newest if newest >= index else 0
            # A node that registers anew has another id, and its old entry is down.
            by_name = {
                node["Name"]: node for node in sorted(nodes, key=lambda node: (is_alive(node), node["ModifyIndex"]))
            }
            alive = {name for name, node in by_name.items() if is_alive(node)}
            yield {name: read(node) for name, node in by_name.items()}, alive

    # The job

    def start(self, placement_id: str) -> None:
        exported = self.export(placement_id, address=self.addresses(placement_id))
        namespace = {"namespace": self.chosen.namespace} if self.chosen.namespace else {}
        if self.chosen.stages:
            # The token is in a variable that the tasks of the job alone can read.
            with zipfile.ZipFile(BytesIO(exported)) as files:
                exported, variable = files.read("job.json"), json.loads(files.read("token.json"))
            path = f"/v1/var/{variable['Path']}"
            self.nomad.put(path, params=namespace, json=variable).raise_for_status()
        self.job = json.loads(exported)["Job"]
        path = f"/v1/job/{self.job['ID']}"
        while True:
            answer = self.nomad.get(path, params=namespace)
            # 0: it must not exist yet.
            index = 0 if answer.status_code == 404 else answer.raise_for_status().json()["JobModifyIndex"]
            # Whoever registered the job meanwhile is not overwritten unseen: Nomad refuses, and it is read again.
            body = {"Job": self.job, "EnforceIndex": True, "JobModifyIndex": index}
            answer = self.nomad.post("/v1/jobs", params=namespace, json=body)
            if answer.status_code == 500 and "job modify index" in answer.text.lower():
                say(f"the job changed meanwhile: {answer.text.strip()}")
                continue
            answer.raise_for_status()
            break
        self.version = self.get(path)[0]["Version"]

    def addresses(self, placement_id: str) -> list[str]:
        """Where the runners listen: at the addresses of their nodes."""
        placement: Placement = given(get_placement.sync_detailed(placement_id, client=self.client))
        used = {stage.node_id for pipeline in placement.placement.pipelines for stage in pipeline.stages}
        nodes = {node["Name"]: node for node in self.list_nodes()}
        hosts = {name: node["HTTPAddr"].rsplit(":", 1)[0] for name, node in nodes.items() if name in used}
        return [f"{name}={host}:{self.chosen.port}" for name, host in sorted(hosts.items())]

    def is_ready(self) -> bool:
        """Whether Nomad calls an allocation of each group healthy: of this version of the job, or an equal earlier one."""
        path, index, end = f"/v1/job/{self.job['ID']}/allocations", 0, time.monotonic() + 2
        wanted = {group["Name"] for group in self.job["TaskGroups"]}
        while True:
            allocations, index = self.get(path, index=index, wait="1s")
            healthy = {
                it["TaskGroup"]
                for it in allocations
                if it["DesiredStatus"] == "run"
                and it["ClientStatus"] == "running"
                and it["JobVersion"] == self.version
                and (it.get("DeploymentStatus") or {}).get("Healthy")
            }
            if healthy >= wanted or time.monotonic() > end:
                return healthy >= wanted


if __name__ == "__main__":
    parser = arguments(__doc__)
    parser.add_argument("--port", type=int, default=7101, help="the first port of the runners on each node")
    Nomad(parser.parse_args()).run()
