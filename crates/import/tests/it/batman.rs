//! Originator tables of batman-adv.

use cutpoint_import::inventory::{InventoryInput, OriginatorTable, SharedMedium, inventory};
use cutpoint_import::{ImportError, Imported, InputFile};

use crate::data::{cluster, codes, link, read};

const NODES: &str = r#"{"nodes": [
    {"id": "mast-1", "memory_bytes": 1000, "addresses": ["02:00:00:00:01:01"]},
    {"id": "mast-2", "memory_bytes": 1000, "addresses": ["02-00-00-00-01-02"]},
    {"id": "mast-3", "memory_bytes": 1000, "addresses": ["02:00:00:00:01:03"]}]}"#;

fn mesh(table: &str, node_id: Option<&str>, media: Vec<SharedMedium<'_>>) -> Result<Imported, ImportError> {
    let content = read(table);
    let batman = vec![OriginatorTable { node_id, file: InputFile { name: table, content: &content } }];
    let nodes = vec![InputFile { name: "masts.json", content: NODES.as_bytes() }];
    inventory(&InventoryInput { name: "mesh", nodes, batman, media, ..InventoryInput::default() })
}

#[test]
fn best_routes_are_links_from_the_owner_of_the_table() {
    let imported = mesh("originators.json", Some("mast-1"), Vec::new()).unwrap();
    let lab = cluster(&imported);
    assert_eq!(link(&lab, "mast-1", "mast-2"), Some((43.3e6, 0.0)));
    assert_eq!(link(&lab, "mast-1", "mast-3"), Some((18e6, 0.0)));
    // The way back was not measured, and is not invented.
    assert_eq!(lab.links.len(), 2);
    assert_eq!(codes(&imported), ["compute_unknown", "pairs_unmeasured", "latency_unknown", "wireless_without_medium"]);
    let relayed = imported.report.sources.iter().find(|source| source.of == ["mast-1 -> mast-3"]).unwrap();
    assert!(relayed.note.as_deref().unwrap().contains("over mast-2"), "{relayed:?}");
}

#[test]
fn the_owner_is_the_only_node_that_its_table_does_not_name() {
    let named = mesh("originators.json", Some("mast-1"), Vec::new()).unwrap();
    let guessed = mesh("originators.json", None, Vec::new()).unwrap();
    assert_eq!(named.document, guessed.document);
    assert!(codes(&guessed).contains(&"table_owner_guessed"));
    let unclear = mesh("originators-iv.json", None, Vec::new()).unwrap_err();
    assert!(unclear.to_string().contains("--batman NODE=FILE"), "{unclear}");
}

#[test]
fn a_named_channel_carries_all_links_among_its_nodes() {
    let channel = SharedMedium { name: "channel-6", node_ids: vec!["mast-1", "mast-2", "mast-3"] };
    let imported = mesh("originators.json", Some("mast-1"), vec![channel]).unwrap();
    assert!(cluster(&imported).links.iter().all(|link| link.medium.as_deref() == Some("channel-6")));
    assert!(!codes(&imported).contains(&"wireless_without_medium"));
}

#[test]
fn a_metric_without_throughput_is_no_rate() {
    let imported = mesh("originators-iv.json", Some("mast-1"), Vec::new()).unwrap();
    assert_eq!(cluster(&imported).links.len(), 0);
    assert!(codes(&imported).contains(&"no_throughput"));
}
