//! Names that no target takes as they are: exports stay valid, their names unique, and every name that is shown arrives.

use std::collections::BTreeSet;

use cutpoint_export::{Export, Format};
use proptest::prelude::*;
use serde_json::Value;

use crate::documents::exported;
use crate::yaml::documents;

fn hostile() -> Vec<String> {
    let mut names: Vec<String> = [
        "A_b",
        "a-b",
        "a b",
        "Küche",
        "寿司",
        "../../etc",
        "$(HOME) ${x} {{ y }}",
        "yes",
        "1e3",
        "0o7",
        "12:30",
        "~",
        "",
        "-",
    ]
    .map(str::to_owned)
    .into();
    names.extend(
        ["a\"b'c\\", "line\nbreak\ttab", "<svg onload=\"x\">&amp;]]>", "null\0\u{1b}[2J\u{feff}\u{2028}", " : #"]
            .map(str::to_owned),
    );
    names.push("x".repeat(300));
    names.push("x".repeat(301));
    names
}

fn is_label(text: &str) -> bool {
    let is_inner = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '-';
    (1..=63).contains(&text.len())
        && text.chars().all(is_inner)
        && text.starts_with(|sign: char| sign.is_ascii_lowercase())
        && !text.ends_with('-')
}

fn check_paths(export: &Export) {
    let paths: BTreeSet<_> = export.files.iter().map(|file| &file.path).collect();
    assert_eq!(paths.len(), export.files.len());
    for path in paths {
        let parts: Vec<_> = path.split('/').collect();
        assert!(parts.len() <= 2 && (parts.len() == 1 || is_label(parts[0])), "{path}");
    }
}

/// Checks the names of objects, and that annotations hold what the documents say.
fn check_kubernetes(export: &Export, model: &str, nodes: &[&str]) {
    let mut seen = BTreeSet::new();
    for file in &export.files {
        for object in documents(std::str::from_utf8(&file.bytes).unwrap()) {
            let metadata = &object["metadata"];
            let name = metadata["name"].as_str().unwrap().to_owned();
            assert!(is_label(&name), "{name}");
            assert!(seen.insert((object["kind"].to_string(), name.clone())), "{name} comes twice");
            for value in metadata["labels"].as_object().unwrap().values() {
                assert!(is_label(value.as_str().unwrap()), "{value}");
            }
            if object["kind"] != "Secret" {
                assert_eq!(metadata["annotations"]["cutpoint/model"], model);
                assert!(nodes.contains(&metadata["annotations"]["cutpoint/node-id"].as_str().unwrap()));
            }
            if object["kind"] == "ConfigMap" {
                let own: Value = serde_json::from_str(object["data"]["stages.json"].as_str().unwrap()).unwrap();
                assert_eq!(own["model"], model);
            }
        }
    }
}

fn check_compose(export: &Export, nodes: &[&str]) {
    let projects = export.files.iter().filter(|file| file.path.ends_with("/compose.yaml"));
    let mut found = BTreeSet::new();
    for file in projects {
        for service in documents(std::str::from_utf8(&file.bytes).unwrap())[0]["services"].as_object().unwrap().values()
        {
            found.insert(service["labels"]["cutpoint.node-id"].as_str().unwrap().replace("$$", "$"));
        }
    }
    assert_eq!(found, nodes.iter().map(|&node| node.to_owned()).collect());
}

fn check_nomad(export: &Export, nodes: &[&str]) {
    for file in &export.files {
        let document: Value = serde_json::from_slice(&file.bytes).unwrap();
        let Some(groups) = document["Job"]["TaskGroups"].as_array() else { continue };
        assert!(is_label(document["Job"]["ID"].as_str().unwrap()));
        let names: BTreeSet<_> = groups.iter().map(|group| group["Name"].as_str().unwrap()).collect();
        assert!(names.len() == groups.len() && names.into_iter().all(is_label));
        for constraint in groups.iter().map(|group| &group["Constraints"][0]) {
            let right = constraint["RTarget"].as_str().unwrap();
            assert!(constraint["Operand"] == "regexp" || nodes.contains(&right), "{constraint}");
            assert!(!right.starts_with("${"), "{right}");
        }
    }
}

fn check_all(model: &str, nodes: &[&str]) {
    for format in Format::ALL {
        let export = exported(format, model, nodes);
        assert_eq!(export, exported(format, model, nodes), "{format} differs from itself");
        check_paths(&export);
        match format {
            Format::Kubernetes => check_kubernetes(&export, model, nodes),
            Format::Compose => check_compose(&export, nodes),
            Format::Nomad => check_nomad(&export, nodes),
            Format::Svg => drop(crate::drawings::check_svg(&export.files[0].bytes)),
            Format::Dot | Format::Cuts => {}
        }
    }
}

#[test]
fn hostile_names_end_in_valid_unique_ones() {
    let names = hostile();
    let nodes: Vec<&str> = names.iter().map(String::as_str).collect();
    for model in &names {
        check_all(model, &nodes);
    }
}

#[test]
fn kubernetes_is_warned_of_nodes_that_it_cannot_have() {
    let long = "x".repeat(300);
    let export = exported(Format::Kubernetes, "yolo", &["A_b", "Küche", &long]);
    assert_eq!(export.warnings.len(), 2, "{:?}", export.warnings);
    assert!(export.warnings[0].contains("\"Küche\""), "{:?}", export.warnings);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn any_names_do(nodes in prop::collection::btree_set("[ -~\\n\\t$üß字]{0,70}|\\PC{0,20}", 1..6), model in "[ -~\\n$ü]{0,70}") {
        let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
        check_all(&model, &nodes);
    }
}
