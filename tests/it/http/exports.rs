//! Placements as files of orchestrators and as drawings.

use std::io::{Cursor, Read};

use cutpoint::http::Limits;
use cutpoint::jobs::{Planner, QueueSettings};
use serde_json::{Value, json};

use super::service::{Service, job};

/// A service, and the path of the exports of a placement that it planned.
async fn planned() -> (Service, String) {
    let service = Service::with(Planner, QueueSettings::default(), Limits::default()).await;
    let done = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &job()).await;
    let path = format!("/v1/placements/{}/export", done.text("placement_id"));
    (service, path)
}

#[tokio::test]
async fn drawings_and_cuts_need_nothing_else() {
    let (service, path) = planned().await;
    let svg = service.get(&format!("{path}?format=svg")).await;
    assert_eq!((svg.status.as_u16(), svg.header("content-type")), (200, "image/svg+xml"));
    assert_eq!(svg.header("x-content-type-options"), "nosniff");
    assert_eq!(svg.header("content-security-policy"), "default-src 'none'; sandbox");
    let text = String::from_utf8(svg.bytes).unwrap();
    assert!(text.contains("<svg") && !text.contains("style"), "{text}");
    let dot = service.get(&format!("{path}?format=dot")).await;
    assert!(String::from_utf8(dot.bytes).unwrap().starts_with("digraph"));
    let cuts = service.get(&format!("{path}?format=cuts")).await;
    assert!(cuts.json().is_object(), "{cuts:?}");
    assert_eq!(service.get(&format!("{path}?format=svg")).await.bytes, text.as_bytes());
}

#[tokio::test]
async fn orchestrators_need_an_image_and_addresses() {
    let (service, path) = planned().await;
    for format in ["kubernetes", "nomad", "compose"] {
        let bare = service.get(&format!("{path}?format={format}")).await;
        assert_eq!(bare.problem(422, "invalid-request"), ["/query/image"]);
    }
    let kubernetes =
        service.get(&format!("{path}?format=kubernetes&image=registry.local/runner:1&namespace=edge")).await;
    assert_eq!((kubernetes.status.as_u16(), kubernetes.header("content-type")), (200, "application/yaml"));
    let text = String::from_utf8(kubernetes.bytes).unwrap();
    assert!(text.contains("kind: Deployment") && text.contains("registry.local/runner:1"), "{text}");
    let lost = service.get(&format!("{path}?format=nomad&image=runner:1")).await;
    assert_eq!(lost.problem(422, "invalid-request"), ["/query/address"]);
    let addresses = "address=n1%3D10.0.0.1:7101&address=n2%3D10.0.0.2:7101";
    let nomad = service.get(&format!("{path}?format=nomad&image=runner:1&{addresses}")).await;
    assert!(nomad.json()["Job"].is_object(), "{nomad:?}");
    let version_6 = "address=n1%3D[fe80::1]:7101&address=n2%3D[fe80::2]:7101";
    let nomad = service.get(&format!("{path}?format=nomad&image=runner:1&{version_6}")).await;
    let text = nomad.json().to_string();
    assert!(text.contains("[fe80::2]:7101"), "{text}");
    assert_eq!(nomad.json()["Job"]["ID"], "cutpoint");
    let compose = service.get(&format!("{path}?format=compose&image=runner:1&{addresses}")).await;
    assert_eq!(compose.header("content-type"), "application/zip");
    let mut archive = zip::ZipArchive::new(Cursor::new(compose.bytes)).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    let compose_file = names.iter().find(|name| name.ends_with("/compose.yaml")).unwrap_or_else(|| panic!("{names:?}"));
    let mut text = String::new();
    archive.by_name(compose_file).unwrap().read_to_string(&mut text).unwrap();
    assert!(text.contains("runner:1"), "{text}");
}

#[tokio::test]
async fn what_cannot_be_exported_is_refused_with_its_place() {
    let (service, path) = planned().await;
    let wrong =
        service.get(&format!("{path}?format=pdf&address=n1&address=n2%3Dfe80::1:7101&feed=0&colour=blue")).await;
    let mut pointers = wrong.problem(400, "invalid-parameter");
    pointers.sort();
    assert_eq!(pointers, ["/query/address", "/query/address", "/query/colour", "/query/feed", "/query/format"]);
    assert_eq!(service.get(&path).await.problem(400, "invalid-parameter"), ["/query/format"]);
    let unknown = service.get(&format!("{path}?format=nomad&image=a&address=moon%3D10.0.0.1:7101")).await;
    assert_eq!(unknown.problem(422, "invalid-request"), ["/query/address"]);
    let mut impossible = job();
    impossible["cluster"]["nodes"].as_array_mut().unwrap().iter_mut().for_each(|node| node["memory_bytes"] = json!(1));
    let done: Value = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &impossible).await.json();
    let path = format!("/v1/placements/{}/export?format=svg", done["placement_id"].as_str().unwrap());
    assert_eq!(service.get(&path).await.problem(422, "invalid-request"), [""]);
}
