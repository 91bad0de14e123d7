//! Folders of Compose, held against the published schema.

use cutpoint_export::{Format, Options, StageFiles};
use serde_json::{Value, json};

use crate::documents::{TOKEN, exported, exported_with, options, placement, stages, text};
use crate::yaml::documents;

const NODES: [&str; 3] = ["pi-1", "$HOME ${USER}", "pi-3"];

fn schema() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(include_str!("../data/compose-spec.json")).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

fn project(export: &cutpoint_export::Export, path: &str) -> Value {
    documents(text(export, path)).remove(0)
}

#[test]
fn every_file_is_as_the_schema_says() {
    let schema = schema();
    let export = exported(Format::Compose, "yolo", &NODES);
    let mut count = 0;
    for file in export.files.iter().filter(|file| file.path.ends_with("/compose.yaml")) {
        let project = project(&export, &file.path);
        let faults: Vec<_> = schema.iter_errors(&project).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{}: {faults:?}", file.path);
        count += 1;
    }
    assert_eq!(count, 3);
    assert!(!schema.is_valid(&json!({"services": {"a": {"imag": "b"}}})));
}

#[test]
fn a_folder_has_all_that_its_node_runs() {
    let export = exported(Format::Compose, "yolo", &NODES);
    let first = project(&export, "pi-1/compose.yaml");
    let names: Vec<_> = first["services"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["feed", "stage-0"]);
    assert_eq!(first["services"]["feed"]["profiles"], json!(["feed"]));
    let last = project(&export, "pi-3/compose.yaml");
    assert_eq!(last["services"].as_object().unwrap().keys().collect::<Vec<_>>(), ["sink", "stage-2"]);
    assert_eq!(last["services"]["stage-2"]["mem_limit"], 161 << 20);
    let own: Value = serde_json::from_str(text(&export, "pi-3/stages.json")).unwrap();
    assert_eq!(own["stages"].as_array().unwrap().len(), 1);
    assert_eq!(own["stages"][0]["send_to"]["address"], "10.0.0.3:7102");
    assert_eq!(own["token"], Value::Null);
    assert_eq!(text(&export, "pi-3/token").trim(), TOKEN);
}

#[test]
fn dollars_stay_dollars() {
    let options = Options {
        image: Some("a$B/c".to_owned()),
        stage_files: Some(StageFiles::Host("/srv/$X".to_owned())),
        ..options(&NODES)
    };
    let export = exported_with(Format::Compose, &placement(&NODES), Some(&stages("yolo", &NODES)), &options);
    let path = export.files.iter().map(|file| &file.path).find(|path| path.starts_with("home-user-")).unwrap();
    let service = &project(&export, path)["services"]["stage-1"];
    assert_eq!(service["labels"]["cutpoint.node-id"], "$$HOME $${USER}");
    assert_eq!((&service["image"], &service["volumes"][0]["source"]), (&json!("a$$B/c"), &json!("/srv/$$X")));
}
