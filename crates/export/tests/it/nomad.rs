//! Jobs of Nomad: the members that its API documents, and values that nothing replaces.

use cutpoint_export::{Documents, ExportError, Format, Options, StageFiles, export};
use serde_json::{Value, json};

use crate::documents::{TOKEN, exported, options, placement, stages, text};

const NODES: [&str; 3] = ["pi-1", "${attr.cpu.arch}", "pi-3"];

fn job(model: &str) -> Value {
    serde_json::from_str(text(&exported(Format::Nomad, model, &NODES), "job.json")).unwrap()
}

#[test]
fn each_stage_is_a_group_on_its_node() {
    let job = &job("yolo")["Job"];
    assert_eq!((&job["ID"], &job["Type"], &job["Datacenters"]), (&json!("yolo"), &json!("service"), &json!(["*"])));
    let groups = job["TaskGroups"].as_array().unwrap();
    let names: Vec<_> = groups.iter().map(|group| group["Name"].as_str().unwrap()).collect();
    assert_eq!(names, ["stage-0", "stage-1", "stage-2", "sink"]);
    assert_eq!(
        groups[0]["Constraints"],
        json!([{"LTarget": "${node.unique.name}", "RTarget": "pi-1", "Operand": "="}])
    );
    let exact = json!([{"LTarget": "${node.unique.name}", "RTarget": r"^\$\{attr\.cpu\.arch\}$", "Operand": "regexp"}]);
    assert_eq!(groups[1]["Constraints"], exact);
    assert_eq!(groups[0]["Tasks"][0]["Resources"], json!({"MemoryMB": 161}));
    // The sink shares the node of the last stage, and has the next ports.
    let ports = json!([{"Label": "pipeline", "Value": 7102}, {"Label": "health", "Value": 7202}]);
    assert_eq!(groups[3]["Networks"][0]["ReservedPorts"], ports);
    let last: Value =
        serde_json::from_str(groups[2]["Tasks"][0]["Templates"][0]["EmbeddedTmpl"].as_str().unwrap()).unwrap();
    assert_eq!(last["stages"][0]["send_to"]["address"], "10.0.0.3:7102");
}

#[test]
fn the_token_is_in_a_variable_that_the_job_reads() {
    let export = exported(Format::Nomad, "yolo", &NODES);
    for (file, path, job) in
        [("token.json", "nomad/jobs/yolo", "job.json"), ("feed-token.json", "nomad/jobs/yolo-feed", "feed.json")]
    {
        let variable: Value = serde_json::from_str(text(&export, file)).unwrap();
        assert_eq!(variable, json!({"Path": path, "Items": {"token": TOKEN}}));
        let job: Value = serde_json::from_str(text(&export, job)).unwrap();
        let template = &job["Job"]["TaskGroups"][0]["Tasks"][0]["Templates"][1];
        assert_eq!(
            template["EmbeddedTmpl"],
            format!("{{{{ with nomadVar \"{path}\" }}}}{{{{ .token }}}}{{{{ end }}}}")
        );
        assert_eq!(template["DestPath"], "secrets/token");
    }
    assert!(!text(&export, "job.json").contains(TOKEN));
}

#[test]
fn templates_hold_names_that_look_like_templates() {
    let model = "{{ env \"HOME\" }} ${node.unique.name}";
    let job = job(model);
    let template = job["Job"]["TaskGroups"][0]["Tasks"][0]["Templates"][0]["EmbeddedTmpl"].as_str().unwrap();
    assert!(!template.contains("{{") && !template.contains('$'), "{template}");
    assert_eq!(serde_json::from_str::<Value>(template).unwrap()["model"], model);
}

#[test]
fn what_nomad_lacks_is_refused() {
    let (placement, stages) = (placement(&NODES), stages("yolo", &NODES));
    let refused = |options: &Options| {
        export(Documents { placement: &placement, stages: Some(&stages), cluster: None }, Format::Nomad, options)
            .unwrap_err()
    };
    let with_files = |files| Options { stage_files: Some(files), ..options(&NODES) };
    for files in [StageFiles::Claim("stages".to_owned()), StageFiles::Host("/srv/${attr.arch}".to_owned())] {
        assert!(matches!(refused(&with_files(files)), ExportError::StageFiles(_)));
    }
    assert!(matches!(
        refused(&Options { image: Some("${IMAGE}".to_owned()), ..options(&NODES) }),
        ExportError::Image(_)
    ));
    let mut unknown = options(&NODES);
    unknown.addresses.remove("pi-3");
    assert_eq!(refused(&unknown), ExportError::NoAddress(vec!["pi-3".to_owned()]));
    unknown.addresses.insert("pi-4".to_owned(), "10.0.0.4:1".parse().unwrap());
    assert_eq!(refused(&unknown), ExportError::UnknownNode("pi-4".to_owned()));
    let mut clash = options(&NODES);
    clash.addresses.insert("pi-3".to_owned(), "10.0.0.1:7101".parse().unwrap());
    assert_eq!(refused(&clash), ExportError::SameAddress("10.0.0.1:7101".to_owned()));
}

#[test]
fn addresses_come_from_the_flag_then_the_cut_then_the_cluster() {
    let nodes = ["a", "b", "c"];
    let mut stages = stages("yolo", &nodes);
    stages["stages"][1]["receive_from"]["address"] = json!("10.1.0.2:9000");
    let cluster = json!({"nodes": [{"id": "c", "memory_bytes": 1, "addresses": ["dc:a6:32:00:00:01", "10.2.0.3"]}]});
    let mut options = options(&nodes);
    options.addresses.retain(|node, _| node == "a");
    let documents = Documents { placement: &placement(&nodes), stages: Some(&stages), cluster: Some(&cluster) };
    let export = export(documents, Format::Nomad, &options).unwrap();
    let job: Value = serde_json::from_str(text(&export, "job.json")).unwrap();
    let listen = |group: usize| {
        let arguments = job["Job"]["TaskGroups"][group]["Tasks"][0]["Config"]["args"].as_array().unwrap().clone();
        let at = arguments.iter().position(|argument| argument == "--listen").unwrap();
        arguments[at + 1].as_str().unwrap().to_owned()
    };
    assert_eq!([0, 1, 2, 3].map(listen), ["10.0.0.1:7101", "10.1.0.2:9000", "10.2.0.3:7101", "10.2.0.3:7102"]);
}
