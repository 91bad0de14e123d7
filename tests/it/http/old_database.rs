//! A database that version 0.2.0 filled: what it stored is read, compared, explained and planned from as what is stored now.

use cutpoint_planner::check::check;
use cutpoint_planner::domain::placement::PlacementDocument;
use cutpoint_planner::domain::request::PlanRequest;
use serde_json::{Value, json};

use super::service::Service;

const MODEL: &str = "mdl_01a221cb-7937-735e-9a2e-47db2ef4a555";
const CLUSTER: &str = "cls_01a221cb-7937-735e-9a2e-47dcb6a8e085";
const FASTEST: &str = "plc_01a221cb-793a-72b0-b662-a8264090566a";
const TRADEOFF: &str = "plc_01a221cb-7954-72e2-a99e-bd962f744e47";
const REPLANNED: &str = "plc_01a221cb-7964-7574-b171-8044c2355952";
const INFEASIBLE: &str = "plc_01a221cb-7947-705f-bc18-be96db4324a6";

#[tokio::test]
async fn placements_have_a_pipeline_with_every_digit() {
    let service = Service::of_database("0.2.0.db").await;
    let ids = |list: Value| -> Vec<String> {
        list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let listed = ids(service.get("/v1/placements").await.json());
    assert_eq!((listed.len(), &listed[4][..]), (5, FASTEST));
    assert!(ids(service.get("/v1/placements?node_id=pi-2").await.json()).contains(&FASTEST.to_owned()));

    let placement = service.get(&format!("/v1/placements/{FASTEST}")).await.json()["placement"].clone();
    let pipeline = &placement["pipelines"][0];
    assert_eq!((placement.get("stages"), placement.get("bottleneck")), (None, None));
    assert_eq!(pipeline["period_s"].as_f64(), Some(0.02666666666666667));
    assert_eq!(pipeline["period_s"], placement["period_s"]);
    assert_eq!(pipeline["rate_per_s"], placement["throughput_per_s"]);
    assert_eq!(pipeline["latency_s"], placement["latency_s"]);
    assert_eq!(pipeline["bottleneck"]["kind"], "stage");
    assert_eq!(pipeline["stages"][0]["node_id"], "pi-3");

    let proof = service.get(&format!("/v1/placements/{INFEASIBLE}")).await.json()["placement"].clone();
    assert_eq!((&proof["status"], proof.get("pipelines")), (&json!("infeasible"), None));
}

#[tokio::test]
async fn what_was_stored_passes_the_checker_but_for_what_was_not_told_then() {
    let service = Service::of_database("0.2.0.db").await;
    let model = service.get(&format!("/v1/models/{MODEL}")).await.json()["profile"].clone();
    let cluster = service.get(&format!("/v1/clusters/{CLUSTER}")).await.json()["inventory"].clone();
    for (id, objective) in [(FASTEST, "max_throughput"), (TRADEOFF, "tradeoff")] {
        // What it was asked then means the cuts of the file's order now.
        let cost_model = json!({"cuts": "in_order"});
        let objective = json!({"kind": objective});
        let request = json!({"model": model, "cluster": cluster, "objective": objective, "cost_model": cost_model});
        let request = PlanRequest::from_json(&request).unwrap();
        let document = service.get(&format!("/v1/placements/{id}")).await.json()["placement"].clone();
        let mut document: PlacementDocument = serde_json::from_value(document).unwrap();
        document.inferences_per_s = document.throughput_per_s;
        document.least_period_s = document.period_s.filter(|_| request.options.wants_least_period());
        let told = |document: &mut PlacementDocument| {
            let fronts = document.front.iter_mut().map(|point| &mut point.stages);
            for stages in document.pipelines.iter_mut().map(|pipeline| &mut pipeline.stages).chain(fronts) {
                for index in 1..stages.len() {
                    let sent = stages[index - 1].send.as_ref().unwrap().tensor_layer_ids.clone();
                    stages[index].receive.as_mut().unwrap().tensor_layer_ids = sent;
                }
            }
        };
        told(&mut document);
        assert_eq!(check(&request, &document), [], "{id}");
    }
}

#[tokio::test]
async fn old_placements_are_compared_explained_and_named() {
    let service = Service::of_database("0.2.0.db").await;
    let diff = service.get(&format!("/v1/placements/{REPLANNED}/diff?base={FASTEST}")).await;
    assert_eq!((diff.status.as_u16(), &diff.json()["lost_node_ids"]), (200, &json!(["pi-2"])));
    let explained = service.get(&format!("/v1/placements/{FASTEST}/explanation")).await;
    assert_eq!((explained.status.as_u16(), &explained.json()["binding"][0]["kind"]), (200, &json!("stage")));
    assert_eq!(service.get(&format!("/v1/placements/{TRADEOFF}/front.svg")).await.status, 200);

    let again = json!({"model_id": MODEL, "cluster_id": CLUSTER, "base_placement_id": FASTEST});
    let done = service.write("POST", "/v1/jobs", &[("prefer", "wait=60")], &again).await;
    let path = format!("/v1/placements/{}", done.text("placement_id"));
    let placement = service.get(&path).await.json()["placement"].clone();
    assert_eq!(placement["migration"]["shipped_bytes"], 0);
    let beside = json!({"model_id": MODEL, "cluster_id": CLUSTER, "occupied_by": [FASTEST]});
    assert_eq!(service.post("/v1/jobs", &beside).await.status, 202);
    let no_stages = json!({"model_id": MODEL, "cluster_id": CLUSTER, "base_placement_id": INFEASIBLE});
    assert_eq!(service.post("/v1/jobs", &no_stages).await.problem(422, "invalid-request"), ["/base_placement_id"]);
}

#[tokio::test]
async fn old_placements_are_explained_as_what_they_were_asked_to_be() {
    let service = Service::of_database("0.2.0.db").await;
    let stored = service.stored_options().await;
    assert_eq!(stored.len(), 10);
    for options in stored {
        let options: Value = serde_json::from_str(&options).unwrap();
        assert_eq!(options["cost_model"]["cuts"], "in_order", "{options}");
        assert_eq!(options["cost_model"]["unknown_compute"], "free", "{options}");
        assert_eq!(options["cost_model"]["transfers"], "acknowledged", "{options}");
        assert_eq!(options["solver"]["tolerance"], 0, "{options}");
    }

    for id in [FASTEST, TRADEOFF, REPLANNED] {
        let document = service.get(&format!("/v1/placements/{id}")).await.json()["placement"].clone();
        let explained = service.get(&format!("/v1/placements/{id}/explanation")).await.json();
        assert_eq!(
            (&explained["status"], &explained["period_s"]),
            (&document["status"], &document["period_s"]),
            "{id}"
        );
        let stages = document["pipelines"][0]["stages"].as_array().unwrap();
        assert_eq!(explained["stages"].as_array().unwrap().len(), stages.len(), "{id}");
        for (explained, stage) in explained["stages"].as_array().unwrap().iter().zip(stages) {
            assert_eq!(explained["memory_bytes"], stage["memory_bytes"], "{id}");
            assert_eq!(explained["time_s"], stage["compute_s"], "{id}");
        }

        // The stages as they stand, evaluated under the same options, cost the same and break no rule.
        let proposed: Vec<Value> =
            stages.iter().map(|stage| json!({"node_id": stage["node_id"], "layer_ids": stage["layer_ids"]})).collect();
        let asked =
            json!({"model_id": MODEL, "cluster_id": CLUSTER, "cost_model": {"cuts": "in_order"}, "stages": proposed});
        let evaluated = service.post("/v1/evaluations", &asked).await.json();
        assert_eq!((&evaluated["violations"], &evaluated["period_s"]), (&json!([]), &document["period_s"]), "{id}");
        assert_eq!(evaluated["latency_s"], document["latency_s"], "{id}");
    }
}

#[tokio::test]
async fn old_models_have_their_cuts_counted() {
    let service = Service::of_database("0.2.0.db").await;
    let statistics = service.get(&format!("/v1/models/{MODEL}")).await.json()["statistics"].clone();
    let counted = ["layers", "constant_layers", "cut_points", "single_tensor_cut_points"];
    assert_eq!(counted.map(|name| statistics[name].as_u64()), [Some(5), Some(0), Some(3), Some(3)]);
    assert_eq!(statistics["more_cut_points"], false);
}
