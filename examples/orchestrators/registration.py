"""The cluster and the deployment of an adapter, which are found by their names, or made."""

import argparse
import json
import os
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from cutpoint_client import AuthenticatedClient
from cutpoint_client.api.clusters import get_cluster, import_cluster, list_clusters, replace_cluster
from cutpoint_client.api.deployments import create_deployment, list_deployments
from cutpoint_client.api.models import create_model
from cutpoint_client.models import ClusterInventory, DeploymentRequest, ModelProfile, Problem, SiteFiles
from cutpoint_client.types import UNSET, File, Response


class Refused(Exception):
    """Cutpoint refused a request."""

    def __init__(self, problem: Problem):
        faults = "".join(f"\n  {fault.pointer}: {fault.detail}. {fault.action}." for fault in problem.errors or [])
        super().__init__(f"{problem.status} {problem.title}: {problem.detail}{faults}")
        self.status = problem.status


def given(answer: Response) -> Any:
    """What an answer holds, if it is no refusal."""
    if isinstance(answer.parsed, Problem):
        raise Refused(answer.parsed)
    return answer.parsed


def say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, flush=True)


def arguments(about: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=about, epilog="CUTPOINT_URL and CUTPOINT_KEY name the service.")
    parser.add_argument("--cluster", required=True, help="name of the cluster, which is imported where it is missing")
    parser.add_argument(
        "--deployment", required=True, help="name of the deployment, which is created where it is missing"
    )
    parser.add_argument("--model", required=True, help="mdl_… or the file of a profile")
    parser.add_argument("--image", required=True, help="the runner's image; may have {placement} in it")
    parser.add_argument("--prepare", metavar="COMMAND", help="makes the files of a placement's stages; gets its id")
    parser.add_argument("--stages", metavar="FILE", help="the stages.json of the cut; may have {placement} in it")
    parser.add_argument("--iperf3", nargs="*", default=[], help="measured links for the import")
    parser.add_argument(
        "--network", type=json.loads, help="JSON: the network of the import, where links are not measured"
    )
    parser.add_argument("--options", type=json.loads, default={}, help="JSON: options of a new deployment")
    parser.add_argument("--policy", type=json.loads, default={}, help="JSON: policy of a new deployment")
    parser.add_argument("--namespace", help="the orchestrator's namespace that the pipeline runs in")
    parser.add_argument("--rollback", metavar="PLACEMENT", help="go back to this placement, and end")
    return parser


class Registration:
    # What Cutpoint calls the orchestrator's formats.
    tool: str
    # All nodes, in the form that Cutpoint imports.
    list_nodes: Callable[[], Any]

    def __init__(self, chosen: argparse.Namespace):
        self.chosen = chosen
        url, key = os.environ["CUTPOINT_URL"], os.environ["CUTPOINT_KEY"]
        # The stream of events is never silent for a minute.
        self.client = AuthenticatedClient(base_url=url, token=key, timeout=httpx.Timeout(60.0))

    def register(self) -> None:
        self.cluster_id = self.find(list_clusters.sync_detailed, self.chosen.cluster) or self.import_nodes()
        of_cluster = {"name": self.chosen.deployment, "cluster_id": self.cluster_id}
        found = self.find(list_deployments.sync_detailed, self.chosen.deployment, **of_cluster)
        self.deployment_id = found or self.create_deployment()

    def find(self, list_page: Callable[..., Response], sought: str, **filters: str) -> str | None:
        cursor: Any = UNSET
        while True:
            page = given(list_page(client=self.client, cursor=cursor, **filters))
            for item in page.items:
                if item.name == sought:
                    return item.id
            cursor = page.next_cursor
            if not cursor:
                return None

    def import_nodes(self) -> str:
        nodes = File(BytesIO(json.dumps(self.list_nodes()).encode()), "nodes.json")
        measured = [File(BytesIO(Path(path).read_bytes()), Path(path).name) for path in self.chosen.iperf3]
        body = SiteFiles(nodes=[nodes], iperf3=measured or UNSET)
        name = self.chosen.cluster
        id = given(import_cluster.sync_detailed(client=self.client, body=body, format_=self.tool, name=name)).id
        if self.chosen.network:
            read = get_cluster.sync_detailed(id, client=self.client)
            inventory = ClusterInventory.from_dict(given(read).inventory.to_dict() | {"network": self.chosen.network})
            version = read.headers["ETag"]
            given(replace_cluster.sync_detailed(id, client=self.client, body=inventory, if_match=version))
        say(f"imported the cluster {id}")
        return id

    def create_deployment(self) -> str:
        model_id = self.chosen.model
        if not model_id.startswith("mdl_"):
            profile = ModelProfile.from_dict(json.loads(Path(model_id).read_text()))
            model_id = given(create_model.sync_detailed(client=self.client, body=profile)).id
        document = {"name": self.chosen.deployment, "model_id": model_id, "cluster_id": self.cluster_id}
        document |= {"options": self.chosen.options, "policy": self.chosen.policy}
        body = DeploymentRequest.from_dict(document)
        id = given(create_deployment.sync_detailed(client=self.client, body=body)).id
        say(f"created the deployment {id}")
        return id
