"""What both runs share: searches that are short, and checks of what no schema can say."""

import json
import re
from pathlib import Path

import schemathesis
from schemathesis.core.parameters import ParameterLocation

LONGEST_SEARCH_S = 0.5
EXAMPLE = json.loads((Path(__file__).parents[2] / "examples/requests/lenet5-microcontrollers.json").read_text())
# RFC 2606: nobody has a name that ends so.
RECEIVER = "https://receiver.invalid/hooks"
MODEL, CLUSTER = EXAMPLE["model"], EXAMPLE["cluster"]

# Faults that a document can have which its schema allows.
UNSAYABLE = {"unknown_reference", "duplicate", "self_loop", "cycle", "conflict", "no_route", "unknown_compute", "not_importable", "violation"}
# The same, where a code says also what schemas can say: the code with the places where it may stand.
UNSAYABLE_AT = [
    # A cursor is opaque; one of another list leads nowhere.
    ("unknown_value", "^/query/cursor$"),
    # Which parts and parameters must be given depends on the format, and which sizes on the model.
    ("missing", "^/(nodes|devices|device_types|graph|models)$"),
    ("missing", "^/query/(dim|model|image|address)$"),
    # Which names and images can be used depends on the format of an export, and a host is a name or an address.
    ("out_of_range", "^/query/(name|namespace|image)$"),
    ("unknown_value", "^/query/(address|sink_address|stage_files)$"),
    # A token is one line without spaces around it.
    ("out_of_range", "^/token$"),
    # One of two fields must be given.
    ("missing", "^/(model|cluster|stages|base/stages)$"),
    ("missing", r"/pins/\d+/node_id$"),
    ("empty", r"/pins/\d+/node_selector$"),
    # A radio network needs positions.
    ("missing", r"/nodes/(upsert/)?\d+/position_m$"),
    # A new node needs its memory; one that is changed has it.
    ("missing", r"^/nodes/upsert/\d+/memory_bytes$"),
    # The duplex of a port goes with its rate.
    ("missing", r"/nodes/(upsert/)?\d+/port_bps$"),
    ("missing", "^/port_bps$"),
    # The latencies of a matrix are a number or rows: generators of clients know no such union.
    ("wrong_type", r"/network/latency_s(/\d+){0,2}$"),
    ("out_of_range", r"/network/latency_s(/\d+){0,2}$"),
    # Figures that depend on others: sums, the sides of a matrix, a part of the memory.
    ("out_of_range", "^(/model)?/(layers|groups)$"),
    ("out_of_range", r"/network/bandwidth_bps(/\d+)?$"),
    ("out_of_range", r"/reserved_bytes$"),
]


def keep_short(case):
    """Keeps searches short; a limit that is no number above the bound is sent as it was made."""
    body = case.body if isinstance(case.body, dict) else {}
    options = body.get("options")
    of_deployment = options.get("solver") if isinstance(options, dict) else None
    for holder in (body, body.get("solver"), of_deployment, case.query):
        limit = holder.get("time_limit_s") if isinstance(holder, dict) else None
        if isinstance(limit, (int, float)) and not isinstance(limit, bool) and limit > LONGEST_SEARCH_S:
            holder["time_limit_s"] = LONGEST_SEARCH_S


def keep_inside(case):
    """Keeps messages from leaving this machine: a URL that would be taken leads to a name that never has an address."""
    is_forbidden = case.meta is not None and case.meta.is_negative_at(ParameterLocation.BODY)
    if case.path.startswith("/v1/webhooks") and not is_forbidden and isinstance(case.body, dict) and "url" in case.body:
        case.body["url"] = RECEIVER


def is_positive(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


def is_answer_of(operation_id, case, response):
    return case.operation.definition.raw.get("operationId") == operation_id and response.status_code == 200


@schemathesis.check
def refused_for_good_reasons(ctx, response, case):
    """A request that the schema allows is refused only for what the schema cannot say."""
    if not is_positive(case) or response.status_code not in (400, 422):
        return
    problem = response.json()
    if problem["type"] == "/problems/idempotency-key-reused":
        return
    assert problem.get("errors"), f"refused without a reason: {problem}"
    for fault in problem["errors"]:
        places = [place for code, place in UNSAYABLE_AT if code == fault["code"]]
        excused = fault["code"] in UNSAYABLE or any(re.search(place, fault["pointer"]) for place in places)
        assert excused, f"the schema allows what the service refuses: {fault}"


@schemathesis.check
def validation_names_the_faults(ctx, response, case):
    """What is called valid has no faults, and what the schema forbids is not called valid."""
    if is_answer_of("validate_job", case, response):
        validation = response.json()
        assert not (validation["valid"] and validation["errors"]), validation
        is_forbidden = case.meta is not None and case.meta.is_negative_at(ParameterLocation.BODY)
        assert not (validation["valid"] and is_forbidden), "the schema forbids what the service calls valid"


@schemathesis.check
def events_are_jobs(ctx, response, case):
    """Each event of a stream has an id, a kind and a job, and the last one is `finished`."""
    if not is_answer_of("stream_job_events", case, response):
        return
    events = [event for event in response.text.split("\n\n") if event.strip() and not event.startswith(":")]
    for event in events:
        # Not `splitlines`: to it a line ends also at characters that labels may have.
        lines = [line for line in event.split("\n") if line and not line.startswith(":")]
        fields = dict(re.split(": ?", line, maxsplit=1) for line in lines)
        assert fields["id"].endswith(f"-{fields['event']}"), event
        assert json.loads(fields["data"])["id"] == case.path_parameters["id"], event
    assert events and events[-1].startswith("event: finished"), response.text
