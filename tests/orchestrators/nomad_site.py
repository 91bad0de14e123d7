"""Stands in for Nomad's HTTP API: nodes, a job, its allocations, with blocking queries. Tests change its nodes as a site does."""

import copy
import json
import re
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nomad_server import serve

# Seconds from the placement of an allocation until its checks have passed.
HEALTHY_S = 0.2


class NomadSite:
    tool = "nomad"

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.index = 10
        # The index at which each table changed last.
        self.tables = {"nodes": 10, "jobs": 10, "allocations": 10}
        self.nodes: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.variables: dict[str, dict[str, str]] = {}
        self.allocations: list[dict[str, Any]] = []
        self.conflicts = 0
        # Whether somebody else changes the job before the next registration arrives.
        self.interferes = False
        self.holds = self.held = False

    # What a test does

    def start(self, speeds: dict[str, float]) -> None:
        for name, speed in speeds.items():
            with self.changed:
                self.add(name, speed)
        self.server = serve(self)

    def stop(self) -> None:
        self.server.shutdown()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Nobody sees what is between these changes."""
        with self.changed:
            yield

    # A test may hold what an adapter registered, to do something before it runs.

    def hold(self) -> None:
        with self.changed:
            self.holds, self.held = True, False

    def is_held(self) -> bool:
        return self.held

    def release(self) -> None:
        with self.changed:
            self.holds = False
            self.schedule()

    def environment(self) -> dict[str, str]:
        return {"NOMAD_ADDR": f"http://127.0.0.1:{self.server.server_port}"}

    def drain(self, name: str) -> None:
        """What `nomad node drain -enable` does: the node is not eligible, and its allocations are stopped."""
        self.set_node(name, SchedulingEligibility="ineligible", Drain=True)

    def fail(self, name: str) -> None:
        """Heartbeats are missed."""
        self.set_node(name, Status="down", StatusDescription="heartbeat missed")

    def back(self, name: str) -> None:
        if name not in self.nodes:
            with self.changed:
                self.add(name, self.speeds[name])
        self.set_node(name, Status="ready", SchedulingEligibility="eligible", Drain=False)

    def remove(self, name: str) -> None:
        """It was down for so long that it was collected as garbage."""
        self.fail(name)
        with self.changed:
            del self.nodes[name]
            self.touch("nodes")

    def set_memory(self, name: str, mebibytes: int) -> None:
        resources = copy.deepcopy(self.nodes[name]["NodeResources"])
        resources["Memory"]["MemoryMB"] = mebibytes
        self.set_node(name, NodeResources=resources)

    def heartbeat(self, name: str) -> None:
        """Heartbeats do not raise the index; other news of a node, such as a driver's, do."""
        self.set_node(name, StatusDescription="")

    def running(self) -> dict[str, str]:
        """Where which process runs, by its group; nowhere if nothing could be placed."""
        with self.changed:
            groups = {group["Name"]: "" for job in self.jobs.values() for group in job["TaskGroups"]}
            return groups | {it["TaskGroup"]: it["NodeName"] for it in self.allocations if it["DesiredStatus"] == "run"}

    def token(self) -> str:
        """The token that processes of the pipeline read."""
        with self.changed:
            [(path, items)] = self.variables.items()
            [job] = self.jobs.values()
            assert path == f"nomad/jobs/{job['ID']}" and path in json.dumps(job), path
            return items["token"]

    def files(self) -> set[str]:
        """The ONNX files that the stages.json of stages name."""
        with self.changed:
            groups = [group for job in self.jobs.values() for group in job["TaskGroups"]]
            texts = [task["Templates"][0]["EmbeddedTmpl"] for group in groups for task in group["Tasks"]]
        return {file for text in texts for file in re.findall(r'"file": "([^"]+)"', text)}

    def images(self) -> set[str]:
        with self.changed:
            groups = [group for job in self.jobs.values() for group in job["TaskGroups"]]
            return {task["Config"]["image"] for group in groups for task in group["Tasks"]}

    # The state, which is changed while the condition is held

    speeds: dict[str, float] = {}

    def add(self, name: str, speed: float) -> None:
        self.speeds = self.speeds | {name: speed}
        address = f"10.9.1.{name[-1]}"
        self.nodes[name] = {
            "ID": str(uuid.uuid4()),
            "Name": name,
            "Datacenter": "dc1",
            "NodePool": "default",
            "NodeClass": "",
            "HTTPAddr": f"{address}:4646",
            "Drain": False,
            "SchedulingEligibility": "eligible",
            "Status": "ready",
            "StatusDescription": "",
            "Attributes": {"unique.network.ip-address": address, "kernel.name": "linux"},
            "Meta": {"cutpoint/flops-per-s": str(speed)},
            "NodeResources": {
                "Memory": {"MemoryMB": 3855},
                "Networks": [{"Mode": "host", "Device": "eth0", "IP": address}],
            },
            "ReservedResources": {"Memory": {"MemoryMB": 256}},
        }
        self.touch("nodes")
        self.nodes[name] |= {"CreateIndex": self.index, "ModifyIndex": self.index}

    def touch(self, table: str) -> int:
        self.index += 1
        self.tables[table] = self.index
        self.changed.notify_all()
        return self.index

    def set_node(self, name: str, **members: Any) -> None:
        with self.changed:
            self.nodes[name] |= members
            self.nodes[name]["ModifyIndex"] = self.touch("nodes")
            self.schedule()

    def is_eligible(self, name: str) -> bool:
        it = self.nodes.get(name)
        return it is not None and it["Status"] == "ready" and it["SchedulingEligibility"] == "eligible"

    def schedule(self) -> None:
        """Stops what may not run, and places what is missing, where it fits."""
        for it in self.allocations:
            if it["DesiredStatus"] == "run" and not self.is_eligible(it["NodeName"]):
                is_lost = self.nodes.get(it["NodeName"], {}).get("Status") != "ready"
                self.end(it, "lost" if is_lost else "complete")
        if self.holds:
            return
        for job in self.jobs.values():
            groups = {group["Name"]: group for group in job["TaskGroups"]}
            # First what ends, so that its memory is free.
            for it in self.allocations:
                if it["DesiredStatus"] != "run" or it["JobID"] != job["ID"]:
                    continue
                if it["Group"] == groups.get(it["TaskGroup"]):
                    # An update in place: the deployment of the new version watches it anew.
                    if it["JobVersion"] != job["Version"]:
                        it |= {"JobVersion": job["Version"], "DeploymentStatus": None}
                        self.watch_health(it)
                else:
                    self.end(it, "complete")
            there = {it["TaskGroup"] for it in self.allocations if it["DesiredStatus"] == "run"}
            for name, group in groups.items():
                if name not in there:
                    self.place(job, group)

    def end(self, allocation: dict[str, Any], status: str) -> None:
        allocation |= {"DesiredStatus": "stop", "ClientStatus": status}
        allocation["ModifyIndex"] = self.touch("allocations")

    def place(self, job: dict[str, Any], group: dict[str, Any]) -> None:
        [constraint] = group["Constraints"]
        assert constraint["LTarget"] == "${node.unique.name}" and constraint["Operand"] == "=", constraint
        name = constraint["RTarget"]
        if not self.is_eligible(name):
            return
        there = [it["Group"] for it in self.allocations if it["DesiredStatus"] == "run" and it["NodeName"] == name]
        node = self.nodes[name]
        free = node["NodeResources"]["Memory"]["MemoryMB"] - node["ReservedResources"]["Memory"]["MemoryMB"]
        ports = [
            port["Value"] for it in [*there, group] for port in it.get("Networks", [{}])[0].get("ReservedPorts", [])
        ]
        if sum(map(memory_of, [*there, group])) > free or len(set(ports)) < len(ports):
            return
        allocation = {
            "ID": str(uuid.uuid4()),
            "Name": f"{job['ID']}.{group['Name']}[0]",
            "NodeID": node["ID"],
            "NodeName": name,
            "JobID": job["ID"],
            "JobType": job["Type"],
            "JobVersion": job["Version"],
            "TaskGroup": group["Name"],
            "DesiredStatus": "run",
            "ClientStatus": "running",
            "DeploymentStatus": None,
            "Group": group,
            "ModifyIndex": self.touch("allocations"),
        }
        self.allocations.append(allocation)
        self.watch_health(allocation)

    def watch_health(self, allocation: dict[str, Any]) -> None:
        def pass_checks() -> None:
            with self.changed:
                index = allocation["ModifyIndex"] = self.touch("allocations")
                allocation["DeploymentStatus"] = {"Healthy": True, "Canary": False, "ModifyIndex": index}

        threading.Timer(HEALTHY_S, pass_checks).start()

    # The API

    def get(self, path: str, query: dict[str, str]) -> tuple[int, Any, int]:
        match path.split("/")[2:]:
            case ["nodes"]:
                table = "nodes"
            case ["node", _] | ["job", _]:
                table = ""
            case ["job", _, "allocations"]:
                table = "allocations"
            case _:
                return 404, "Invalid URL", 0
        with self.changed:
            if table and int(query.get("index", 0)):
                end = time.monotonic() + float(query.get("wait", "300s").removesuffix("s"))
                while self.tables[table] <= int(query["index"]) and time.monotonic() < end:
                    self.changed.wait(end - time.monotonic())
            return copy.deepcopy(self.read(path.split("/")[2:]))

    def read(self, path: list[str]) -> tuple[int, Any, int]:
        match path:
            case ["nodes"]:
                # Stubs have neither metadata nor resources.
                hidden = ("Meta", "NodeResources", "ReservedResources", "Attributes", "HTTPAddr")
                stubs = [
                    {name: value for name, value in it.items() if name not in hidden} for it in self.nodes.values()
                ]
                return 200, [it | {"Address": f"10.9.1.{it['Name'][-1]}"} for it in stubs], self.tables["nodes"]
            case ["node", id]:
                found = [it for it in self.nodes.values() if it["ID"] == id]
                return (200, found[0], found[0]["ModifyIndex"]) if found else (404, "node not found", 0)
            case ["job", id]:
                job = self.jobs.get(id)
                return (200, job, job["ModifyIndex"]) if job else (404, "job not found", 0)
            case ["job", id, "allocations"]:
                of_job = [it for it in self.allocations if it["JobID"] == id]
                stubs = [{name: value for name, value in it.items() if name != "Group"} for it in of_job]
                return 200, stubs, self.tables["allocations"]
        return 404, "Invalid URL", 0

    def put(self, path: str, body: dict[str, Any]) -> tuple[int, Any, int]:
        if not path.startswith("/v1/var/") or body["Path"] != path.removeprefix("/v1/var/"):
            return 400, "Variable path does not match", 0
        with self.changed:
            self.variables[body["Path"]] = body["Items"]
            return 200, body | {"ModifyIndex": self.touch("variables")}, self.index

    def register(self, body: dict[str, Any]) -> tuple[int, Any, int]:
        job = body["Job"]
        if missing := {"ID", "Name", "Type", "Datacenters", "TaskGroups"} - job.keys():
            return 500, f"1 error occurred:\n\t* missing {missing}", 0
        with self.changed:
            was = self.jobs.get(job["ID"])
            if self.interferes and was:
                self.interferes = False
                was["JobModifyIndex"] = was["ModifyIndex"] = self.touch("jobs")
            if body.get("EnforceIndex"):
                index, there = body.get("JobModifyIndex", 0), was["JobModifyIndex"] if was else 0
                if index != there:
                    self.conflicts += 1
                    why = "job does not exist" if not was else "job already exists"
                    if was and index:
                        why = f"job exists with conflicting job modify index: {there}"
                    return 500, f"Enforcing job modify index {index}: {why}", 0
            kept = ("Version", "CreateIndex", "ModifyIndex", "JobModifyIndex", "Status")
            if not was or {name: value for name, value in was.items() if name not in kept} != job:
                index = self.touch("jobs")
                version = was["Version"] + 1 if was else 0
                job |= {"Version": version, "CreateIndex": was["CreateIndex"] if was else index, "Status": "running"}
                self.jobs[job["ID"]] = job | {"ModifyIndex": index, "JobModifyIndex": index}
                self.held = self.holds
                self.schedule()
            answer = {
                "EvalID": str(uuid.uuid4()),
                "JobModifyIndex": self.jobs[job["ID"]]["JobModifyIndex"],
                "Warnings": "",
            }
            return 200, answer | {"Index": self.index}, self.index


def memory_of(group: dict[str, Any]) -> int:
    return sum(task["Resources"]["MemoryMB"] for task in group["Tasks"])
