//! Exports of several pipelines: a process for each stage and sink of each, and one feeder for all.

use std::collections::BTreeSet;

use cutpoint_export::{Documents, Export, ExportError, Format, Options, export};
use serde_json::{Value, json};

use crate::documents::{exported_with, options, several, text};
use crate::drawings::check_svg;
use crate::yaml::documents;

const NODES: [&str; 3] = ["pi-1", "pi-2", "pi-3"];

fn fed(format: Format) -> Export {
    let (placement, stages) = several("yolo", &[&NODES[..2], &NODES[2..]]);
    exported_with(format, &placement, Some(&stages), &Options { feed: Some(20), ..options(&NODES) })
}

fn json_of(export: &Export, path: &str) -> Value {
    serde_json::from_str(text(export, path)).unwrap()
}

#[test]
fn kubernetes_has_the_objects_of_each_pipeline_and_one_job_that_feeds_all() {
    let export = fed(Format::Kubernetes);
    let objects: Vec<Value> =
        export.files.iter().flat_map(|file| documents(std::str::from_utf8(&file.bytes).unwrap())).collect();
    let named = |kind: &str| -> Vec<&str> {
        let of_kind = objects.iter().filter(|object| object["kind"] == kind);
        of_kind.map(|object| object["metadata"]["name"].as_str().unwrap()).collect()
    };
    let running = ["yolo-p0-stage-0", "yolo-p0-stage-1", "yolo-p0-sink", "yolo-p1-stage-0", "yolo-p1-sink"];
    assert_eq!(named("Deployment"), running);
    assert_eq!(named("Service"), running);
    assert_eq!(named("ConfigMap"), ["yolo-p0-stage-0", "yolo-p0-stage-1", "yolo-p1-stage-0", "yolo-feed"]);
    assert_eq!(named("Job"), ["yolo-feed"]);
    let unique: BTreeSet<String> =
        objects.iter().map(|object| format!("{} {}", object["kind"], object["metadata"]["name"])).collect();
    assert_eq!(unique.len(), objects.len());

    let find =
        |kind: &str| objects.iter().find(|it| it["kind"] == kind && it["metadata"]["name"] == "yolo-feed").unwrap();
    let pod = &find("Job")["spec"]["template"]["spec"];
    let volumes = pod["volumes"].as_array().unwrap();
    assert_eq!(volumes[0]["configMap"]["name"], "yolo-feed");
    let arguments: Vec<&str> =
        pod["containers"][0]["args"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert_eq!(arguments[..2], ["feed", "--count=20"]);
    assert!(!arguments.contains(&"--pipeline"), "{arguments:?}");
    let own: Value = serde_json::from_str(find("ConfigMap")["data"]["stages.json"].as_str().unwrap()).unwrap();
    let firsts: Vec<_> = own["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stage| (stage["pipeline"].as_u64().unwrap(), stage["receive_from"]["address"].as_str().unwrap()))
        .collect();
    assert_eq!(firsts, [(0, "yolo-p0-stage-0:7101"), (1, "yolo-p1-stage-0:7101")]);
    // What the feeder deals inputs out by.
    assert_eq!(own["pipelines"], json!([{"pipeline": 0, "rate_per_s": 6.0}, {"pipeline": 1, "rate_per_s": 3.0}]));
}

#[test]
fn nomad_has_a_group_for_each_process_and_one_that_feeds() {
    let export = fed(Format::Nomad);
    let groups = |path: &str| -> Vec<String> {
        let job = json_of(&export, path);
        let groups = job["Job"]["TaskGroups"].as_array().unwrap();
        groups.iter().map(|group| group["Name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(groups("job.json"), ["p0-stage-0", "p0-stage-1", "p0-sink", "p1-stage-0", "p1-sink"]);
    assert_eq!(groups("feed.json"), ["feed"]);
}

#[test]
fn a_folder_of_compose_has_the_feeder_with_the_first_stage_of_each_pipeline() {
    let export = fed(Format::Compose);
    let first = json_of(&export, "pi-1/stages.json");
    let listed: Vec<_> = first["stages"].as_array().unwrap().iter().map(|it| (&it["pipeline"], &it["index"])).collect();
    assert_eq!(listed, [(&json!(0), &json!(0)), (&json!(1), &json!(0))]);
    assert_eq!(json_of(&export, "pi-2/stages.json")["stages"].as_array().unwrap().len(), 1);
}

#[test]
fn without_a_cut_the_feeder_is_told_where_each_pipeline_listens() {
    let (placement, _) = several("yolo", &[&NODES[..2], &NODES[2..]]);
    let export = exported_with(Format::Nomad, &placement, None, &Options { feed: Some(1), ..options(&NODES) });
    let job = json_of(&export, "feed.json");
    let arguments = &job["Job"]["TaskGroups"][0]["Tasks"][0]["Config"]["args"];
    let arguments: Vec<&str> = arguments.as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert_eq!(arguments[4..], ["--send-to", "10.0.0.1:7101", "--send-to", "10.0.0.3:7101"]);
}

#[test]
fn a_sink_that_is_given_has_a_port_for_each_pipeline() {
    let (placement, stages) = several("yolo", &[&NODES[..2], &NODES[2..]]);
    let with_sink = |address: &str| Options { sink: Some(address.parse().unwrap()), ..options(&NODES) };
    let exported = exported_with(Format::Compose, &placement, Some(&stages), &with_sink("10.0.0.9:7200"));
    let sink_of =
        |node: &str| json_of(&exported, &format!("{node}/stages.json"))["stages"][0]["send_to"]["address"].clone();
    assert_eq!((sink_of("pi-2"), sink_of("pi-3")), (json!("10.0.0.9:7200"), json!("10.0.0.9:7201")));
    let documents = Documents { placement: &placement, stages: Some(&stages), cluster: None };
    let refused = export(documents, Format::Compose, &with_sink("10.0.0.9:65535"));
    assert_eq!(refused.unwrap_err(), ExportError::Ports(65535));
}

#[test]
fn drawings_show_each_pipeline_and_their_sum() {
    let (placement, _) = several("yolo", &[&NODES[..2], &NODES[2..]]);
    let svg = exported_with(Format::Svg, &placement, None, &Options::default());
    let texts = check_svg(&svg.files[0].bytes).texts;
    assert!(texts.iter().any(|text| text == "2 pipelines on 3 nodes, 18 inferences a second"), "{texts:?}");
    assert!(
        texts.iter().any(|text| text.starts_with("pipeline 0: 12 inferences a second, period 500 ms")),
        "{texts:?}"
    );
    assert!(texts.iter().any(|text| text.starts_with("pipeline 1: 6 inferences a second")), "{texts:?}");
    // Of each 111 ms in which a pass comes out on average.
    assert!(texts.iter().any(|text| text.ends_with(", 50 %") && text.starts_with("55.6 ms")), "{texts:?}");
    let dot = exported_with(Format::Dot, &placement, None, &Options::default());
    let dot = text(&dot, "pipeline.dot");
    for wanted in
        ["pipeline 0, 12 inferences a second", "pipeline 1, 6 inferences a second", "cluster_1", "p1_stage0", "50 %"]
    {
        assert!(dot.contains(wanted), "{wanted}: {dot}");
    }
}
