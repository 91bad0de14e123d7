"""Hooks for requests that schemathesis invents: half of those that the schema allows are to find something."""

import random
import re
import sys
from collections import defaultdict, deque
from pathlib import Path

import schemathesis
from schemathesis.core.parameters import ParameterLocation

sys.path.insert(0, str(Path(__file__).parent))
from answers import CLUSTER, MODEL, is_positive, keep_inside, keep_short  # noqa: E402

KINDS = {"/v1/models/": "mdl", "/v1/clusters/": "cls", "/v1/jobs/": "job", "/v1/placements/": "plc", "/v1/webhooks/": "whk"}
ID = re.compile(r"(mdl|cls|job|plc|whk|msg)_[0-9a-f-]{36}")
PLANNING = ("/v1/jobs", "/v1/jobs/validate", "/v1/evaluations", "/v1/placements")
OPTIONS = ("objective", "cost_model", "solver", "labels", "max_period_ratio", "stages", "pipelines", "proposed_pipelines")

chance = random.Random(0)
# The newest ids of each kind that an answer showed, and the newest ETag of each cluster and webhook.
known = defaultdict(lambda: deque(maxlen=20))
versions = {}


@schemathesis.hook
def before_call(ctx, case, kwargs):
    if case.meta is not None and chance.random() < 0.5:
        make_solvable(case)
        make_known(case)
    keep_inside(case)
    keep_short(case)


def make_solvable(case):
    """Invented models and clusters seldom fit together: these do, and get the options that were invented."""
    if is_positive(case) and isinstance(case.body, dict) and case.path in PLANNING:
        options = {name: case.body[name] for name in OPTIONS if name in case.body}
        case.body = options | {"model": MODEL, "cluster": CLUSTER}


def make_known(case):
    """Asks for something that is there, in those parts of the request that are as the schema wants them."""
    ids = next((known[kind] for path, kind in KINDS.items() if case.path.startswith(path)), None)
    if not ids or "id" not in (case.path_parameters or {}) or case.meta.is_negative_at(ParameterLocation.PATH):
        return
    case.path_parameters["id"] = chance.choice(ids)
    if "node" in case.path_parameters:
        case.path_parameters["node"] = CLUSTER["nodes"][0]["id"]
    if case.headers and "If-Match" in case.headers and not case.meta.is_negative_at(ParameterLocation.HEADER):
        case.headers["If-Match"] = versions.get(case.path_parameters["id"], "*")
    if "message_id" in case.path_parameters and known["msg"]:
        case.path_parameters["message_id"] = chance.choice(known["msg"])
    if case.path.endswith("/diff") and not case.meta.is_negative_at(ParameterLocation.QUERY):
        case.query["base"] = chance.choice(ids)


@schemathesis.hook
def after_call(ctx, case, response):
    if response.status_code not in (200, 201, 202) or not response.headers.get("content-type"):
        return
    for found in ID.finditer(response.text):
        if found[0] not in known[found[1]]:
            known[found[1]].append(found[0])
    etag = response.headers.get("etag")
    if etag and case.path.startswith(("/v1/clusters", "/v1/webhooks")):
        answer = response.json()
        versions[answer.get("webhook", answer)["id"]] = etag[0]
