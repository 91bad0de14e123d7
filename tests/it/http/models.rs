//! Models and examples.

use cutpoint::http::Limits;
use cutpoint::jobs::{Planner, QueueSettings};
use serde_json::{Value, json};

use super::service::{Service, cluster, job, model};

#[tokio::test]
async fn a_model_is_known_again_by_its_content() {
    let service = Service::start().await;
    let first = service.post("/v1/models", &model()).await;
    assert_eq!(first.status, 201);
    let again = service.post("/v1/models", &model()).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.text("id"), first.text("id"));
    assert_eq!(first.header("location"), format!("/v1/models/{}", first.text("id")));

    let read = service.get(first.header("location")).await;
    assert_eq!(read.json()["profile"]["layers"][1]["id"], "a");
    assert_eq!(read.json()["statistics"], first.json()["statistics"]);
    let tag = read.header("etag");
    let known = service.get_with(first.header("location"), &[("if-none-match", tag)]).await;
    assert_eq!(known.status, 304);
    assert_eq!(known.header("etag"), tag);

    assert_eq!(service.delete(first.header("location")).await.status, 204);
    service.get(first.header("location")).await.problem(404, "not-found");
}

#[tokio::test]
async fn cuts_are_counted_up_to_a_number_and_constants_are_told_apart() {
    let service = Service::start().await;
    let layer = |id: &str, flops: u64| json!({"id": id, "param_bytes": 8, "output_bytes": 4, "flops": flops});
    let of = |branches: usize| {
        let names: Vec<String> = (0..branches).map(|branch| format!("branch-{branch}")).collect();
        let mut layers = vec![layer("weight", 0), layer("first", 2), layer("last", 2)];
        layers.extend(names.iter().map(|name| layer(name, 2)));
        let into = names.iter().flat_map(|name| ["weight", "first"].map(|from| json!({"from": from, "to": name})));
        let edges: Vec<Value> = into.chain(names.iter().map(|name| json!({"from": name, "to": "last"}))).collect();
        json!({"name": format!("branches-{branches}"), "layers": layers, "edges": edges})
    };
    for (branches, cuts, more) in [(3, 8, false), (16, 50_000, true)] {
        let registered = service.post("/v1/models", &of(branches)).await;
        let statistics = &registered.json()["statistics"];
        assert_eq!((&statistics["cut_points"], &statistics["more_cut_points"]), (&json!(cuts), &json!(more)));
        assert_eq!((&statistics["constant_layers"], &statistics["layers"]), (&json!(1), &json!(branches + 3)));
        // Behind `first` one tensor crosses, and behind all branches as many as there are.
        assert_eq!(statistics["single_tensor_cut_points"], 1);
    }
}

#[tokio::test]
async fn groups_are_kept_and_no_cut_goes_through_them() {
    let service = Service::start().await;
    let without_groups = service.post("/v1/models", &model()).await.json();
    let mut model = model();
    let ids: Vec<Value> =
        model["layers"].as_array().unwrap().iter().map(|layer| layer["id"].clone()).filter(|id| *id != "a").collect();
    let others = json!([{"layer_ids": ids, "time_s": {"pi-4": 0.5}}, {"layer_ids": ["a"]}]);
    model["groups"] = others;
    let first = service.post("/v1/models", &model).await;
    assert_eq!(first.status, 201);
    assert_ne!(first.text("id"), without_groups["id"]);
    assert_eq!(first.json()["statistics"]["cut_points"], 0);
    let read = service.get(first.header("location")).await.json()["profile"].clone();
    assert_eq!(read["groups"], model["groups"]);
    // What was read is the same model.
    assert_eq!(service.post("/v1/models", &read).await.status, 200);

    model["groups"][1]["layer_ids"][0] = json!("nowhere");
    let refused = service.post("/v1/models", &model).await;
    assert_eq!(refused.problem(422, "invalid-request"), ["/groups/1/layer_ids/0"]);
}

#[tokio::test]
async fn stages_are_sets_of_layers_each_with_its_constants() {
    let service = Service::with(Planner, QueueSettings::default(), Limits::default()).await;
    let layer = |id: &str, flops: u64| json!({"id": id, "param_bytes": 8, "output_bytes": 4, "flops": flops});
    let edge = |from: &str, to: &str| json!({"from": from, "to": to});
    let node = |id: &str| json!({"id": id, "memory_bytes": 1000, "flops_per_s": 1e3});
    // By the file, `left` comes before `right`; the first stage has `right` alone beside the image.
    let inputs = json!({
        "model": {"name": "m",
            "layers": [layer("weight", 0), json!({"id": "image", "param_bytes": 0, "output_bytes": 4}), layer("left", 1),
                layer("right", 5), layer("both", 4)],
            "edges": [edge("image", "left"), edge("image", "right"), edge("weight", "left"), edge("weight", "right"),
                edge("left", "both"), edge("right", "both")]},
        "cluster": {"name": "c", "nodes": [node("n1"), node("n2")],
            "network": {"kind": "full_mesh", "bandwidth_bps": 1e9, "latency_s": 0.0}}
    });
    let mut asked = inputs.clone();
    asked["stages"] =
        json!([{"node_id": "n1", "layer_ids": ["right", "image"]}, {"node_id": "n2", "layer_ids": ["both", "left"]}]);
    let evaluated = service.post("/v1/evaluations", &asked).await.json();
    assert_eq!(evaluated["violations"], json!([]));

    let done = service.write("POST", "/v1/jobs", &[("prefer", "wait=60")], &inputs).await;
    let path = format!("/v1/placements/{}", done.text("placement_id"));
    let placement = service.get(&path).await.json()["placement"].clone();
    assert_eq!((&placement["status"], &placement["period_s"]), (&json!("optimal"), &evaluated["period_s"]));
    assert_eq!(placement["cuts"], json!({"considered": 3, "count": 3, "more": false}));
    for stages in [&placement["pipelines"][0]["stages"], &evaluated["stages"]] {
        let of = |name: &str| -> Vec<&Value> { stages.as_array().unwrap().iter().map(|stage| &stage[name]).collect() };
        assert_eq!(of("layer_ids"), [&json!(["image", "right"]), &json!(["left", "both"])]);
        assert_eq!(of("constant_layer_ids"), [&json!(["weight"]), &json!(["weight"])]);
    }
    let explained = service.get(&format!("{path}/explanation")).await.json();
    assert_eq!(explained["binding"].as_array().unwrap().len(), 2);
    let compared = service.get(&format!("{path}/diff?base={}", done.text("placement_id"))).await.json();
    assert_eq!((&compared["shipped_bytes"], &compared["moved_layers"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn what_a_job_refers_to_is_not_deleted() {
    let service = Service::start().await;
    let job = service.write("POST", "/v1/jobs", &[("prefer", "wait=10")], &job()).await;
    for (path, id) in [("models", "model_id"), ("clusters", "cluster_id")] {
        service.delete(&format!("/v1/{path}/{}", job.text(id))).await.problem(409, "conflict");
    }
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let service = Service::start().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let mut model = model();
        model["name"] = json!(format!("tiny-{number}"));
        ids.insert(0, service.post("/v1/models", &model).await.text("id"));
    }
    let mut seen = Vec::new();
    let mut path = "/v1/models?limit=2".to_owned();
    for _ in 0..3 {
        let page = service.get(&path).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/models?limit=2&cursor={cursor}"),
            None => assert_eq!(seen.len(), 5),
        }
    }
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn every_example_is_a_body_that_a_job_takes() {
    let service = Service::start().await;
    let examples = service.get("/v1/examples").await.json();
    let names: Vec<&str> =
        examples["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    for name in names.into_iter().take(3) {
        let example = service.get(&format!("/v1/examples/{name}")).await;
        let known = [("if-none-match", example.header("etag"))];
        assert_eq!(service.get_with(&format!("/v1/examples/{name}"), &known).await.status, 304);
        let body: Value = example.json();
        assert_eq!(service.post("/v1/jobs", &body).await.status, 202, "{name}");
    }
    service.get("/v1/examples/..%2Fmodels%2FResNet50").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_proposed_placement_is_scored_and_nothing_is_stored() {
    let service = Service::start().await;
    let stages = json!([{"node_id": "n1", "layer_ids": ["input", "a", "b"]}]);
    let body = json!({"model": model(), "cluster": cluster(), "stages": stages});
    let answer = service.post("/v1/evaluations", &body).await;
    assert_eq!(answer.status, 200);
    let faulty = json!({"model": model(), "cluster": cluster(), "stages": [{"node_id": 1}], "solver": {}});
    let pointers = service.post("/v1/evaluations", &faulty).await.problem(422, "invalid-request");
    assert_eq!(pointers, ["/solver", "/stages/0/node_id", "/stages/0/layer_ids"]);
    assert_eq!(service.rows().await, [0; 4]);
}
