//! Objects of Kubernetes: they are what its own types say, and they belong together.

use cutpoint_export::{Documents, ExportError, Format, Options, StageFiles, export};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::documents::{TOKEN, exported, exported_with, options, placement, stages, text};
use crate::yaml::documents;

const NODES: [&str; 3] = ["pi-1", "pi-2", "pi-3"];

fn of_kind<T: DeserializeOwned + Serialize>(objects: &[Value], kind: &str) -> Vec<T> {
    let objects: Vec<_> = objects.iter().filter(|object| object["kind"] == kind).collect();
    objects
        .into_iter()
        .map(|object| {
            let typed: T = serde_json::from_value(object.clone()).unwrap();
            assert_eq!(&serde_json::to_value(&typed).unwrap(), object, "a member is not one of Kubernetes");
            typed
        })
        .collect()
}

fn all_objects(export: &cutpoint_export::Export) -> Vec<Value> {
    export.files.iter().flat_map(|file| documents(std::str::from_utf8(&file.bytes).unwrap())).collect()
}

#[test]
fn objects_are_those_of_kubernetes_and_nothing_else() {
    let export = exported(Format::Kubernetes, "yolo", &NODES);
    let objects = all_objects(&export);
    let deployments: Vec<Deployment> = of_kind(&objects, "Deployment");
    let services: Vec<Service> = of_kind(&objects, "Service");
    let configs: Vec<ConfigMap> = of_kind(&objects, "ConfigMap");
    let secrets: Vec<Secret> = of_kind(&objects, "Secret");
    let jobs: Vec<Job> = of_kind(&objects, "Job");
    assert_eq!([deployments.len(), services.len(), configs.len(), secrets.len(), jobs.len()], [4, 4, 3, 1, 1]);
    assert_eq!(objects.len(), 13);
    for (deployment, service) in deployments.iter().zip(&services) {
        let spec = &deployment.spec;
        assert_eq!(spec.replicas, Some(1));
        assert_eq!(spec.strategy.as_ref().unwrap().type_.as_deref(), Some("Recreate"));
        let labels = spec.template.metadata.as_ref().unwrap().labels.as_ref().unwrap();
        let service = service.spec.as_ref().unwrap();
        assert_eq!(service.cluster_ip.as_deref(), Some("None"));
        for (name, value) in service.selector.as_ref().unwrap() {
            assert_eq!(labels.get(name), Some(value));
        }
        assert_eq!(spec.selector.match_labels, service.selector);
    }
}

#[test]
fn pods_are_bound_to_their_nodes_and_confined() {
    let export = exported(Format::Kubernetes, "yolo", &NODES);
    let deployments: Vec<Deployment> = of_kind(&all_objects(&export), "Deployment");
    // The sink is on the node of the last stage.
    for (deployment, node) in deployments.iter().zip(["pi-1", "pi-2", "pi-3", "pi-3"]) {
        let pod = deployment.spec.template.spec.as_ref().unwrap();
        assert_eq!(pod.node_name, None);
        let affinity = pod.affinity.as_ref().unwrap().node_affinity.as_ref().unwrap();
        let terms = &affinity.required_during_scheduling_ignored_during_execution.as_ref().unwrap().node_selector_terms;
        let expression = &terms[0].match_expressions.as_ref().unwrap()[0];
        assert_eq!((expression.key.as_str(), expression.operator.as_str()), ("kubernetes.io/hostname", "In"));
        assert_eq!(expression.values.as_deref(), Some(&[node.to_owned()][..]));
        assert_eq!(pod.security_context.as_ref().unwrap().run_as_non_root, Some(true));
        let container = &pod.containers[0];
        assert_eq!(container.security_context.as_ref().unwrap().read_only_root_filesystem, Some(true));
        let paths = [&container.readiness_probe, &container.liveness_probe]
            .map(|probe| probe.as_ref().unwrap().http_get.as_ref().unwrap().path.clone().unwrap());
        assert_eq!(paths, ["/readyz", "/healthz"]);
        let resources = container.resources.as_ref().unwrap();
        assert_eq!(resources.requests, resources.limits);
    }
    // 3.3 times 10 MiB and 128 MiB.
    let pod = deployments[0].spec.template.spec.as_ref().unwrap();
    assert_eq!(pod.containers[0].resources.as_ref().unwrap().limits.as_ref().unwrap()["memory"].0, "161Mi");
}

#[test]
fn stages_reach_each_other_by_their_services() {
    let export = exported(Format::Kubernetes, "yolo", &NODES);
    let objects = all_objects(&export);
    let configs: Vec<ConfigMap> = of_kind(&objects, "ConfigMap");
    let services: Vec<Service> = of_kind(&objects, "Service");
    let names: Vec<String> = services.iter().map(|service| service.metadata.name.clone().unwrap()).collect();
    assert_eq!(names, ["yolo-stage-0", "yolo-stage-1", "yolo-stage-2", "yolo-sink"]);
    for (i, config) in configs.iter().enumerate() {
        let own: Value = serde_json::from_str(&config.data.as_ref().unwrap()["stages.json"]).unwrap();
        assert_eq!(own["token"], Value::Null);
        let [stage] = own["stages"].as_array().unwrap().as_slice() else { panic!("{own}") };
        assert_eq!(stage["index"], i);
        assert_eq!(stage["receive_from"]["address"], format!("{}:7101", names[i]));
        assert_eq!(stage["send_to"]["address"], format!("{}:7101", names[i + 1]));
        assert_eq!(stage["inputs"], stages("yolo", &NODES)["stages"][i]["inputs"]);
    }
}

#[test]
fn a_feeder_in_a_pod_does_not_listen_at_the_address_of_the_cut() {
    let mut stages = stages("yolo", &NODES);
    stages["feedback"] = json!("10.0.0.9:7000");
    for (feed, feedback) in [(None, json!("10.0.0.9:7000")), (Some(5), Value::Null)] {
        let options = Options { feed, ..options(&NODES) };
        let export = exported_with(Format::Kubernetes, &placement(&NODES), Some(&stages), &options);
        let configs: Vec<ConfigMap> = of_kind(&all_objects(&export), "ConfigMap");
        let own: Value = serde_json::from_str(&configs[0].data.as_ref().unwrap()["stages.json"]).unwrap();
        assert_eq!(own["feedback"], feedback);
    }
}

#[test]
fn the_token_is_in_the_secret_alone() {
    let export = exported(Format::Kubernetes, "yolo", &NODES);
    let secret: Vec<Secret> = of_kind(&all_objects(&export), "Secret");
    assert_eq!(secret[0].data.as_ref().unwrap()["token"].0, TOKEN.as_bytes());
    let coded = documents(text(&export, "token.yaml"))[0]["data"]["token"].as_str().unwrap().to_owned();
    for file in &export.files {
        let content = std::str::from_utf8(&file.bytes).unwrap();
        let holds = content.contains(TOKEN) || content.contains(&coded);
        assert_eq!(
            (holds, file.holds_token, file.is_private),
            (file.path == "token.yaml", holds, holds),
            "{}",
            file.path
        );
    }
    let container = &documents(text(&export, "pipeline.yaml"))[2]["spec"]["template"]["spec"]["containers"][0];
    let arguments = container["args"].as_array().unwrap();
    assert!(arguments.windows(2).any(|pair| pair == [json!("--token-file"), json!("/run/secrets/cutpoint/token")]));
}

#[test]
fn runners_read_the_stages_beside_their_files_where_the_export_has_none() {
    let options = Options { stage_files: Some(StageFiles::Host("/srv/$(HOME)".to_owned())), ..options(&NODES) };
    let export = exported_with(Format::Kubernetes, &placement(&NODES), None, &options);
    assert_eq!(export.files.len(), 1);
    let objects = all_objects(&export);
    assert!(of_kind::<ConfigMap>(&objects, "ConfigMap").is_empty() && of_kind::<Secret>(&objects, "Secret").is_empty());
    let pod = &objects[1]["spec"]["template"]["spec"];
    assert_eq!(pod["volumes"], json!([{"name": "files", "hostPath": {"path": "/srv/$(HOME)", "type": "Directory"}}]));
    let expected = json!([
        "stage",
        "--stages",
        "/stage/stages.json",
        "--pipeline",
        "0",
        "--index",
        "0",
        "--folder",
        "/stage",
        "--send-to",
        "cutpoint-stage-1:7101"
    ]);
    assert_eq!(pod["containers"][0]["args"], expected);
}

#[test]
fn what_is_missing_or_wrong_is_said() {
    let (placement, stages) = (placement(&NODES), stages("yolo", &NODES));
    let refused = |options: &Options, stages: Option<&Value>| {
        export(Documents { placement: &placement, stages, cluster: None }, Format::Kubernetes, options).unwrap_err()
    };
    let good = options(&NODES);
    let without_image = Options { image: None, ..good.clone() };
    assert_eq!(refused(&without_image, None), ExportError::NoImage(Format::Kubernetes));
    assert!(matches!(
        refused(&Options { name: Some("A_b".to_owned()), ..good.clone() }, None),
        ExportError::Name { .. }
    ));
    assert!(matches!(
        refused(&Options { namespace: Some(String::new()), ..good.clone() }, None),
        ExportError::Name { .. }
    ));
    let mut tokenless = stages.clone();
    tokenless.as_object_mut().unwrap().remove("token");
    assert_eq!(refused(&good, Some(&tokenless)), ExportError::NoToken);
    assert_eq!(
        refused(&Options { token: Some("short".to_owned()), ..good.clone() }, Some(&stages)),
        ExportError::BadToken
    );
    let mut other = stages.clone();
    other["stages"][1]["node_id"] = json!("pi-9");
    assert!(matches!(refused(&good, Some(&other)), ExportError::OtherPlacement(_)));
    assert!(matches!(refused(&good, Some(&json!([]))), ExportError::Stages(_)));
    for files in ["stage", "/a\nb", ""].map(|path| StageFiles::Image(path.to_owned())) {
        assert!(matches!(
            refused(&Options { stage_files: Some(files), ..good.clone() }, None),
            ExportError::StageFiles(_)
        ));
    }
    for files in [StageFiles::Host(".".to_owned()), StageFiles::Claim("a b".to_owned())] {
        assert!(matches!(
            refused(&Options { stage_files: Some(files), ..good.clone() }, None),
            ExportError::StageFiles(_)
        ));
    }
    assert_eq!(refused(&Options { port: 7201, ..good }, None), ExportError::SameAddress("port 7201".to_owned()));
}

#[test]
fn sinks_and_feeders_have_memory_whatever_the_plan_counts() {
    let options = Options { memory_scale: Some(1.0), memory_overhead_bytes: Some(0), feed: Some(1), ..options(&NODES) };
    let export = exported_with(Format::Kubernetes, &placement(&NODES), Some(&stages("yolo", &NODES)), &options);
    let objects = all_objects(&export);
    let memory = |spec: Option<&k8s_openapi::api::core::v1::PodSpec>| {
        spec.unwrap().containers[0].resources.as_ref().unwrap().limits.as_ref().unwrap()["memory"].0.clone()
    };
    let deployments: Vec<Deployment> = of_kind(&objects, "Deployment");
    let memories: Vec<String> = deployments.iter().map(|it| memory(it.spec.template.spec.as_ref())).collect();
    assert_eq!(memories, ["10Mi", "10Mi", "10Mi", "129Mi"]);
    let jobs: Vec<Job> = of_kind(&objects, "Job");
    assert_eq!(memory(jobs[0].spec.as_ref().unwrap().template.spec.as_ref()), "129Mi");
}

#[test]
fn a_node_with_too_little_memory_is_warned_of() {
    let mut placement = placement(&NODES);
    placement["pipelines"][0]["stages"][1]["memory_capacity_bytes"] = json!(64 << 20);
    let export = exported_with(Format::Kubernetes, &placement, None, &options(&NODES));
    let [warning] = export.warnings.as_slice() else { panic!("{:?}", export.warnings) };
    assert!(warning.contains("\"pi-2\" has 64 MiB free") && warning.contains("161 MiB"), "{warning}");
}

#[test]
fn whole_numbers_may_be_written_with_a_point() {
    fn with_points(value: &mut Value) {
        match value {
            Value::Number(number) => *value = Value::from(number.as_f64().unwrap()),
            Value::Array(items) => items.iter_mut().for_each(with_points),
            Value::Object(members) => members.values_mut().for_each(with_points),
            _ => {}
        }
    }
    let options = options(&NODES);
    let mut plain = stages("yolo", &NODES);
    for stage in plain["stages"].as_array_mut().unwrap() {
        for tensors in ["inputs", "outputs"] {
            // It is passed on as it is.
            stage[tensors][0].as_object_mut().unwrap().remove("shape");
        }
    }
    let mut pointed = plain.clone();
    for stage in pointed["stages"].as_array_mut().unwrap() {
        for member in ["index", "pipeline", "inputs", "outputs", "receive_from", "send_to"] {
            with_points(&mut stage[member]);
        }
    }
    assert!(pointed["stages"][1]["index"].is_f64() && pointed["stages"][1]["inputs"][0]["bytes"].is_f64());
    let of = |stages: &Value| exported_with(Format::Kubernetes, &placement(&NODES), Some(stages), &options).files;
    assert_eq!(of(&pointed), of(&plain));
    pointed["stages"][0]["index"] = json!(0.5);
    let documents = Documents { placement: &placement(&NODES), stages: Some(&pointed), cluster: None };
    assert!(matches!(export(documents, Format::Kubernetes, &options), Err(ExportError::Stages(_))));
}
