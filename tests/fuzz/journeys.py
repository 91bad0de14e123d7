"""Hooks for journeys: bodies that fit together, so that the paths go far."""

import sys
from pathlib import Path

import schemathesis
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from answers import CLUSTER, LONGEST_SEARCH_S, MODEL, RECEIVER, keep_inside, keep_short  # noqa: E402

NODES = [node["id"] for node in CLUSTER["nodes"]]
objectives = st.sampled_from(
    [
        {"kind": "max_throughput"},
        {"kind": "min_latency"},
        {"kind": "min_nodes", "target_period_s": 1.0},
        {"kind": "tradeoff"},
    ]
)
# Names of their own: the same model again would be answered 200 and not 201.
models = st.integers(0, 2**60).map(lambda number: MODEL | {"name": f"model {number}"})
clusters = st.sampled_from(NODES).map(lambda name: CLUSTER | {"name": name})
# Several pipelines go with these two objectives alone.
filled = st.fixed_dictionaries(
    {
        "model": models,
        "cluster": clusters,
        "objective": st.sampled_from([{"kind": "max_throughput"}, {"kind": "min_nodes", "target_period_s": 1.0}]),
        "pipelines": st.sampled_from([{}, {"most": 1}, {"most": 2}]),
    },
    optional={"constraints": st.fixed_dictionaries({"max_nodes": st.integers(1, 5)})},
)
jobs = st.fixed_dictionaries({"model": models, "cluster": clusters, "objective": objectives}) | filled
stages = st.fixed_dictionaries(
    {"node_id": st.sampled_from(NODES), "layer_ids": st.just([layer["id"] for layer in MODEL["layers"]])}
)
BODIES = {
    "create_model": models,
    "create_cluster": clusters,
    "replace_cluster": clusters,
    "patch_node": st.fixed_dictionaries({"schedulable": st.booleans()}),
    "patch_links": st.permutations(NODES).map(
        lambda ids: {"links": [{"from": ids[0], "to": ids[1], "bandwidth_bps": 1e6}]}
    ),
    "create_webhook": st.just({"url": RECEIVER}),
    "patch_webhook": st.fixed_dictionaries({"enabled": st.booleans()}),
    "create_job": jobs,
    "validate_job": jobs,
    "create_evaluation": st.fixed_dictionaries(
        {"model": models, "cluster": clusters, "stages": st.lists(stages, max_size=2)}
    )
    | st.fixed_dictionaries(
        {
            "model": models,
            "cluster": clusters,
            "pipelines": st.sampled_from([{}, {"most": 2}]),
            "proposed_pipelines": st.lists(
                st.fixed_dictionaries({"stages": st.lists(stages, min_size=1, max_size=2)}), min_size=1, max_size=3
            ),
        }
    ),
}


@schemathesis.hook
def before_generate_body(ctx, strategy):
    return BODIES.get(ctx.operation.definition.raw["operationId"], strategy)


@schemathesis.hook
def before_call(ctx, case, kwargs):
    # A link's body is mixed with the invented one: a model and a cluster that fit take its place.
    if case.method == "POST" and case.path in ("/v1/jobs", "/v1/jobs/validate") and isinstance(case.body, dict):
        case.body = case.body | {"model": MODEL, "cluster": CLUSTER, "solver": {"time_limit_s": LONGEST_SEARCH_S}}
    # Lists are to lead on: invented filters match nothing.
    if case.operation.definition.raw["operationId"].startswith("list_"):
        case.query = {}
    keep_inside(case)
    keep_short(case)
