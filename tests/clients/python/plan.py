"""Plans ResNet50 on five devices through the generated client, then meets a 422 and a 404."""

import json
import os
import uuid
from pathlib import Path
from typing import TypeVar

from cutpoint_client import AuthenticatedClient, Client
from cutpoint_client.api.clusters import create_cluster
from cutpoint_client.api.jobs import create_job, get_job
from cutpoint_client.api.models import create_model
from cutpoint_client.api.placements import get_placement
from cutpoint_client.models import (
    ClusterInventory,
    ClusterSummary,
    Edge,
    Job,
    JobRequest,
    JobStatus,
    Layer,
    ModelProfile,
    ModelSummary,
    Node,
    Placement,
    Problem,
    Status,
)
from cutpoint_client.types import UNSET, Response, Unset

EXAMPLES = Path(__file__).parents[3] / "examples"
T = TypeVar("T")


def connect() -> AuthenticatedClient | Client:
    url, key = os.environ["CUTPOINT_URL"], os.environ.get("CUTPOINT_KEY")
    if key:
        return AuthenticatedClient(base_url=url, token=key, raise_on_unexpected_status=True)
    return Client(base_url=url, raise_on_unexpected_status=True)


def given(kind: type[T], response: Response) -> T:
    """What an answer holds, which must be of this kind."""
    if isinstance(response.parsed, Problem):
        raise SystemExit(f"{response.status_code}: {response.parsed.detail}")
    assert isinstance(response.parsed, kind), response
    return response.parsed


def plan(client: AuthenticatedClient | Client) -> Placement:
    profile = ModelProfile.from_dict(json.loads((EXAMPLES / "models/ResNet50.json").read_text()))
    inventory = ClusterInventory.from_dict(json.loads((EXAMPLES / "clusters/radio-5.json").read_text()))
    model = given(ModelSummary, create_model.sync_detailed(client=client, body=profile))
    cluster = given(ClusterSummary, create_cluster.sync_detailed(client=client, body=inventory))

    request = JobRequest(model_id=model.id, cluster_id=cluster.id)
    key = str(uuid.uuid4())
    job = given(Job, create_job.sync_detailed(client=client, body=request, idempotency_key=key))
    # A retry, as after an answer that was lost: the same job.
    again = given(Job, create_job.sync_detailed(client=client, body=request, idempotency_key=key))
    assert again.id == job.id, (again.id, job.id)

    job = wait(client, job)
    assert job.status == JobStatus.SUCCEEDED, job
    return given(Placement, get_placement.sync_detailed(id=job.placement_id, client=client))


def wait(client: AuthenticatedClient | Client, job: Job) -> Job:
    """Long polls: each answer comes when the job has changed, or after five seconds."""
    version: str | Unset = UNSET
    while job.status in (JobStatus.QUEUED, JobStatus.RUNNING):
        answer = get_job.sync_detailed(id=job.id, client=client, if_none_match=version, prefer="wait=5")
        if answer.status_code != 304:
            job, version = given(Job, answer), answer.headers["ETag"]
    return job


def meet_faults(client: AuthenticatedClient | Client) -> None:
    layer = Layer(id="a", param_bytes=1, output_bytes=1)
    node = Node(id="n", memory_bytes=1)
    request = JobRequest(
        model=ModelProfile(name="m", layers=[layer], edges=[Edge(from_="a", to="nowhere")]),
        cluster=ClusterInventory(name="c", nodes=[node, node]),
    )
    refused = create_job.sync_detailed(client=client, body=request)
    assert isinstance(refused.parsed, Problem) and refused.status_code == 422, refused
    for fault in refused.parsed.errors or []:
        print(f"{fault.pointer}: {fault.detail}. {fault.action}.")
    faults = {(fault.pointer, fault.code.value) for fault in refused.parsed.errors or []}
    wanted = {("/model/edges/0/to", "unknown_reference"), ("/cluster/nodes/1/id", "duplicate")}
    assert faults == wanted, faults

    missing = get_job.sync_detailed(id="job_00000000-0000-7000-8000-000000000000", client=client)
    assert isinstance(missing.parsed, Problem) and missing.status_code == 404, missing
    assert missing.parsed.type_ == "/problems/not-found", missing


def main() -> None:
    with connect() as client:
        placement = plan(client)
        document = placement.placement
        assert document.status == Status.OPTIMAL and document.period_s, document
        stages = [stage for pipeline in document.pipelines for stage in pipeline.stages]
        assert sum(len(stage.layer_ids) for stage in stages) == 177, document
        print(f"{document.period_s} s on", ", ".join(stage.node_id for stage in stages))
        meet_faults(client)


main()
