"""Placements of a profile: random valid ones, and the one that the planner proves."""

from __future__ import annotations

import json
import random
import subprocess
from collections import defaultdict
from pathlib import Path


class Graph:
    """The layers of a profile that are cut: those that are not constant, with groups as one vertex."""

    def __init__(self, profile: dict):
        self.layers = {layer["id"]: layer for layer in profile["layers"]}
        self.readers = defaultdict(list)
        self.makers = defaultdict(list)
        for edge in profile["edges"]:
            self.readers[edge["from"]].append(edge["to"])
            self.makers[edge["to"]].append(edge["from"])
        inputs = [i for i, it in self.layers.items() if not self.makers[i] and not it["param_bytes"] and not it["flops"]]
        roots = inputs + [i for i, it in self.layers.items() if not self.makers[i] and it["flops"]]
        self.inputs = set(inputs)
        self.varying = self._reached(roots) if roots else set(self.layers)
        self.vertex = {i: i for i in self.varying}
        for group in profile.get("groups", []):
            ids = [i for i in group["layer_ids"] if i in self.varying]
            self.vertex.update((i, ids[0]) for i in ids)

    def _reached(self, roots: list[str]) -> set[str]:
        reached, waiting = set(), list(roots)
        while waiting:
            layer = waiting.pop()
            if layer not in reached:
                reached.add(layer)
                waiting.extend(self.readers[layer])
        return reached

    def linear_extension(self, draw: random.Random, noise: float) -> list[str]:
        """Returns vertices in an order that keeps edges; the more noise, the further from the order of the file."""
        members = defaultdict(list)
        for layer in self.layers:
            if layer in self.varying:
                members[self.vertex[layer]].append(layer)
        before = {v: {self.vertex[m] for i in ids for m in self.makers[i] if m in self.varying} - {v} for v, ids in members.items()}
        after = defaultdict(set)
        for vertex, makers in before.items():
            for maker in makers:
                after[maker].add(vertex)
        key = {v: place + draw.uniform(0, noise * len(members)) for place, v in enumerate(members)}
        waiting = {v: len(makers) for v, makers in before.items()}
        ready = [v for v, count in waiting.items() if not count]
        order = []
        while ready:
            # All inputs are in the first stage.
            ready.sort(key=lambda v: (not self.inputs & set(members[v]), key[v]))
            vertex = ready.pop(0)
            order.append(members[vertex])
            for reader in after[vertex]:
                waiting[reader] -= 1
                if not waiting[reader]:
                    ready.append(reader)
        assert len(order) == len(members), "the profile has a cycle"
        return order

    def placement(self, draw: random.Random, stages: int, noise: float) -> dict:
        """Returns a placement document with random cuts."""
        order = self.linear_extension(draw, noise)
        first = max((place for place, ids in enumerate(order) if self.inputs & set(ids)), default=-1) + 2
        stages = min(stages, len(order) - first + 1)
        ends = sorted(draw.sample(range(first, len(order)), stages - 1)) if stages > 1 else []
        of = {}
        listed = []
        for stage, (start, end) in enumerate(zip([0, *ends], [*ends, len(order)])):
            listed.append([layer for ids in order[start:end] for layer in ids])
            of.update((layer, stage) for layer in listed[-1])
        crossing = self._crossing(of, stages)
        result = []
        for stage, layer_ids in enumerate(listed):
            receive = {"from_node_id": f"n{stage - 1}", **self._moved(crossing[stage])}
            send = {"to_node_id": f"n{stage + 1}", **self._moved(crossing[stage + 1])}
            result.append({
                "index": stage, "node_id": f"n{stage}", "layer_ids": layer_ids, "memory_bytes": 1, "compute_s": 0.01,
                "receive": receive, "send": send,
            })
        return {"pipelines": [{"stages": result}]}

    def _crossing(self, of: dict[str, int], stages: int) -> list[list[str]]:
        crossing = [[] for _ in range(stages + 1)]
        for layer in self.layers:
            readers = self.readers[layer]
            if layer in self.inputs:
                crossing[0].append(layer)
            if not readers:
                crossing[stages].append(layer)
            if layer in of:
                until = max((of[reader] for reader in readers), default=stages - 1)
                for stage in range(of[layer] + 1, until + 1):
                    crossing[stage].append(layer)
        return crossing

    def _moved(self, layer_ids: list[str]) -> dict:
        return {
            "tensor_layer_ids": layer_ids,
            "bytes": sum(self.layers[i]["output_bytes"] for i in layer_ids),
            "transfer_s": 0.001,
        }


def proven(binary: str, profile_file: Path, stages: int) -> dict:
    """Returns the placement that the planner chooses on equal nodes that hold a part of the model each."""
    profile = json.loads(profile_file.read_text())
    need = sum(layer["param_bytes"] for layer in profile["layers"]) + 8 * max(l["output_bytes"] for l in profile["layers"])
    nodes = [{"id": f"n{i}", "memory_bytes": need, "flops_per_s": 1e9} for i in range(stages)]
    cluster = {"name": "equal", "nodes": nodes, "network": {"kind": "full_mesh", "bandwidth_bps": 1e10}}
    cluster_file = profile_file.with_name("cluster.json")
    cluster_file.write_text(json.dumps(cluster))
    plan = subprocess.run(
        [binary, "plan", "--model", profile_file, "--cluster", cluster_file, "--source", "n0", "--sink", f"n{stages - 1}",
         "--output", "json", "--time-limit-s", "10"],
        capture_output=True, text=True, check=False,
    )
    assert plan.returncode == 0, plan.stderr
    return json.loads(plan.stdout)
