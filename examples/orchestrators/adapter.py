"""What the adapters share: one cluster and one deployment of Cutpoint, held equal to what an orchestrator has and runs.

Both directions compare states instead of following events one by one, so an adapter may end and start again at any time:
the orchestrator's nodes with the cluster's, and what runs with what is proposed, or else applied.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
from cutpoint_client.api.clusters import get_cluster, patch_cluster, record_heartbeats
from cutpoint_client.api.deployments import apply_deployment, get_deployment
from cutpoint_client.api.placements import export_cut_placement, export_placement
from cutpoint_client.models import (
    AppliedRequest,
    ClusterPatch,
    CutStages,
    Deployment,
    HeartbeatRequest,
    NodeUpsert,
)
from cutpoint_client.types import UNSET, Response
from registration import Refused, Registration, given, say

RETRY_S = 1.0
# Who stated the memory of a node. An import writes this label too.
SOURCE = "source.memory_bytes"


def persist(action: Callable[[], None]) -> None:
    """Does this again while somebody cannot be reached."""
    while True:
        try:
            return action()
        except (httpx.HTTPError, subprocess.CalledProcessError, Refused) as fault:
            if isinstance(fault, Refused) and fault.status < 500 and fault.status != 429:
                raise
            say(f"again in {RETRY_S} s: {fault} {getattr(fault, 'stderr', None) or ''}")
            time.sleep(RETRY_S)


class Adapter(Registration):
    """An orchestrator's class adds its side: what its format is called (`tool`), and four methods.

    `list_nodes` returns all nodes in the form that Cutpoint imports. `watch` yields, at first and after each burst of
    changes, all nodes by id, and the ids of those that were just seen alive. `start` makes the orchestrator run a placement,
    and nothing else of the deployment. `is_ready` says whether everything that was started runs, and waits a moment for it.
    """

    running: str | None = None
    watch: Callable[[], Iterator[tuple[dict[str, NodeUpsert], set[str]]]]
    start: Callable[[str], None]
    is_ready: Callable[[], bool]

    # From the orchestrator's nodes to the cluster.

    def follow_nodes(self) -> None:
        try:
            for nodes, alive in self.watch():
                persist(lambda: self.adjust_cluster(nodes, alive))  # noqa: B023
        except BaseException:
            traceback.print_exc()
        os._exit(1)

    def adjust_cluster(self, nodes: dict[str, NodeUpsert], alive: set[str]) -> None:
        """Makes one revision of everything that differs, and none if nothing does."""
        while True:
            read = get_cluster.sync_detailed(self.cluster_id, client=self.client)
            known = {node.id: node.to_dict() for node in given(read).inventory.nodes}
            changes = [self.difference(node, known.get(node.id)) for node in nodes.values()]
            upsert = [change for change in changes if len(change) > 1]
            # Nodes that somebody else added stay.
            ours = {id for id, node in known.items() if self.tool in node.get("labels", {}).get(SOURCE, "")}
            remove = sorted(ours - nodes.keys())
            if not upsert and not remove:
                break
            patch = ClusterPatch.from_dict({"nodes": {"upsert": upsert, "remove": remove}})
            version = read.headers["ETag"]
            answer = patch_cluster.sync_detailed(self.cluster_id, client=self.client, body=patch, if_match=version)
            if answer.status_code != 412:
                say(f"revision {given(answer).revision}: {json.dumps(patch.to_dict())}")
                break
        if alive:
            body = HeartbeatRequest(node_ids=sorted(alive))
            given(record_heartbeats.sync_detailed(self.cluster_id, client=self.client, body=body))

    def difference(self, node: NodeUpsert, known: dict[str, Any] | None) -> dict[str, Any]:
        """The members to change, and the id."""
        wanted = node.to_dict()
        wanted["labels"] = {SOURCE: f"stated by {self.tool}"} | wanted.get("labels", {})
        if known is None:
            return wanted
        was = {"schedulable": True, "reserved_bytes": 0, "labels": {}} | known
        sources = {label: text for label, text in was["labels"].items() if label.startswith("source.")}
        wanted["labels"] |= sources
        return {name: value for name, value in wanted.items() if name == "id" or value != was.get(name)}

    # From what is proposed to what the orchestrator runs.

    def follow_deployment(self) -> None:
        for _ in self.news():
            persist(self.settle)

    def news(self) -> Iterator[None]:
        """Yields once the stream is open, so that nothing is missed, and after each event of the deployment."""
        last: dict[str, str] = {}
        while True:
            try:
                with self.client.get_httpx_client().stream("GET", "/v1/events", headers=last) as stream:
                    stream.raise_for_status()
                    yield
                    for line in stream.iter_lines():
                        name, _, value = line.partition(":")
                        if name == "id":
                            last = {"Last-Event-ID": value.strip()}
                        elif name == "data" and json.loads(value)["data"]["id"] == self.deployment_id:
                            yield
            except httpx.HTTPError as fault:
                say(f"the stream of events ended: {fault}")
            time.sleep(RETRY_S)

    def read_deployment(self) -> Deployment:
        return given(get_deployment.sync_detailed(self.deployment_id, client=self.client))

    def export(self, placement_id: str, **more: Any) -> bytes:
        """The orchestrator's files. Other cuts need other files of stages, which are made first."""
        if self.chosen.prepare:
            subprocess.run([*shlex.split(self.chosen.prepare), placement_id], check=True)
        more |= {"format_": self.tool, "image": self.chosen.image.replace("{placement}", placement_id)}
        more |= {"name": self.chosen.deployment, "namespace": self.chosen.namespace or UNSET}
        if self.chosen.stages:
            file = Path(self.chosen.stages.replace("{placement}", placement_id))
            body = CutStages.from_dict(json.loads(file.read_text()))
            answer = export_cut_placement.sync_detailed(placement_id, client=self.client, body=body, **more)
        else:
            answer = export_placement.sync_detailed(placement_id, client=self.client, **more)
        given(answer)
        return answer.content

    def settle(self) -> None:
        """Moves until what is wanted runs, and says so. What is wanted may change meanwhile, so it is read again and again."""
        started = None
        while wanted := (deployment := self.read_deployment()).proposed or deployment.applied:
            if self.running != wanted.placement_id:
                if started != wanted.placement_id:
                    say(f"starting {wanted.placement_id}")
                    self.running = None
                    try:
                        self.start(wanted.placement_id)
                    except Refused as refusal:
                        # A node of it may be gone; then something else will be proposed.
                        say(f"cannot start it now: {refusal}")
                        time.sleep(RETRY_S)
                        continue
                    started = wanted.placement_id
                if not self.is_ready():
                    say(f"{started} does not run yet")
                    time.sleep(0.2)
                    continue
                self.running = started
            if wanted is deployment.applied:
                return
            answer = self.acknowledge(wanted.placement_id, deployment.revision)
            if answer.status_code == 409:
                # Something was decided meanwhile: another proposal, a withdrawal, other options.
                say("409: the deployment has changed")
                time.sleep(0.1)
                continue
            say(f"applied {given(answer).applied.placement_id}")

    def acknowledge(self, placement_id: str, revision: int) -> Response:
        body = AppliedRequest(placement_id=placement_id, revision=revision)
        return apply_deployment.sync_detailed(self.deployment_id, client=self.client, body=body)

    def roll_back(self, placement_id: str) -> None:
        """Asks first: Cutpoint refuses what is not valid on today's cluster, and then nothing was moved."""
        given(self.acknowledge(placement_id, self.read_deployment().revision))
        self.start(placement_id)
        while not self.is_ready():
            say("waiting until it runs")
        say(f"rolled back to {placement_id}")

    def run(self) -> None:
        try:
            persist(self.register)
            # What runs stays, whatever becomes of the adapter.
            signal.signal(signal.SIGTERM, lambda *_: sys.exit())
            if self.chosen.rollback:
                return self.roll_back(self.chosen.rollback)
            threading.Thread(target=self.follow_nodes, daemon=True).start()
            self.follow_deployment()
        except Refused as refusal:
            raise SystemExit(f"Cutpoint refused: {refusal}") from None
