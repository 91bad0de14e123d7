"""What the adapters make of nodes: the same as the import of the same nodes, in one revision, also where somebody else
changes the cluster at that moment."""

import argparse
import io
import json
from pathlib import Path
from typing import Any

import adapter
import kubernetes
import nomad
from cutpoint_client.api.clusters import get_cluster, import_cluster, patch_cluster
from cutpoint_client.models import ClusterPatch, NodeUpsert
from cutpoint_client.types import File
from registration import given

DATA = Path(__file__).parents[2] / "crates/import/tests/data"


def adapter_of(kind: type[adapter.Adapter]) -> adapter.Adapter:
    """An adapter of the cluster that its orchestrator's test data make."""
    made = kind(argparse.Namespace(namespace=None))
    body = File(io.BytesIO((DATA / f"{kind.tool}.json").read_bytes()))
    made.cluster_id = given(import_cluster.sync_detailed(client=made.client, body=body, format_=kind.tool)).id
    return made


def cluster_of(made: adapter.Adapter) -> dict[str, Any]:
    return given(get_cluster.sync_detailed(made.cluster_id, client=made.client)).to_dict()


def nodes_are_read_as_by_the_import() -> None:
    for kind, read in ((kubernetes.Kubernetes, kubernetes.read), (nomad.Nomad, nomad.read)):
        document = json.loads((DATA / f"{kind.tool}.json").read_text())
        nodes = {node.id: node for node in map(read, document["items"] if kind.tool == "kubernetes" else document)}
        made = adapter_of(kind)
        made.adjust_cluster(nodes, set())
        assert cluster_of(made)["revision"] == 1, cluster_of(made)


def quantities_are_read_exactly() -> None:
    cases = {
        "3948464Ki": 3948464 << 10,
        "1.5Gi": 3 << 29,
        "129e6": 129_000_000,
        "4G": 4_000_000_000,
        "128974848000m": 128974848,
    }
    for text, expected in cases.items():
        assert kubernetes.quantity(text) == expected, text


def somebody_else_changes_the_cluster_at_that_moment() -> None:
    made, reads = adapter_of(kubernetes.Kubernetes), 0
    names = [node["id"] for node in cluster_of(made)["inventory"]["nodes"]]
    read_once = get_cluster.sync_detailed

    def read_and_change(*words: Any, **named: Any) -> Any:
        nonlocal reads
        reads += 1
        answer = read_once(*words, **named)
        if reads == 1:
            patch = ClusterPatch.from_dict({"nodes": {"upsert": [{"id": names[1], "flops_per_s": 7e9}]}})
            version = answer.headers["ETag"]
            given(patch_cluster.sync_detailed(made.cluster_id, client=made.client, body=patch, if_match=version))
        return answer

    document = json.loads((DATA / "kubernetes.json").read_text())
    nodes: dict[str, NodeUpsert] = {node.id: node for node in map(kubernetes.read, document["items"])}
    nodes[names[0]].memory_bytes = 1 << 30
    get_cluster.sync_detailed = read_and_change
    try:
        made.adjust_cluster(nodes, set(names[:1]))
    finally:
        get_cluster.sync_detailed = read_once
    cluster = cluster_of(made)
    memory = {node["id"]: node["memory_bytes"] for node in cluster["inventory"]["nodes"]}
    assert (reads, cluster["revision"], memory[names[0]]) == (2, 3, 1 << 30), (reads, cluster)


nodes_are_read_as_by_the_import()
quantities_are_read_exactly()
somebody_else_changes_the_cluster_at_that_moment()
print("  nodes are read as by the import, and one revision is made of what differs")
