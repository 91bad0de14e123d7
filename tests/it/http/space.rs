//! A full disk, as clients and whoever watches over the service see it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cutpoint::store::Space;
use serde_json::{Value, json};

use super::service::{Service, model};

/// A disk that has as much space as the test says.
struct Disk(AtomicU64);

impl Space for Disk {
    fn free_bytes(&self) -> Option<u64> {
        Some(self.0.load(Ordering::SeqCst))
    }
}

/// A model of its own name that takes some 100 kB.
fn large_model(number: usize) -> Value {
    let mut large = model();
    large["name"] = json!(format!("large {number}"));
    for index in 0..1000 {
        let id = format!("layer-{index:090}");
        large["edges"].as_array_mut().unwrap().push(json!({"from": "b", "to": id}));
        large["layers"].as_array_mut().unwrap().push(json!({"id": id, "param_bytes": 1, "output_bytes": 1}));
    }
    large
}

async fn metric(service: &Service) -> String {
    let text = String::from_utf8(service.get("/metrics").await.bytes).unwrap();
    text.lines().find(|line| line.starts_with("cutpoint_store_full ")).unwrap().to_owned()
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_answers_reads_until_there_is_space() {
    let disk = Arc::new(Disk(AtomicU64::new(5000)));
    // 2 MB.
    let service = Service::on(disk.clone(), 500).await;
    let mut stored = Vec::new();
    let refused = loop {
        let answer = service.post("/v1/models", &large_model(stored.len())).await;
        if answer.status != 201 {
            break answer;
        }
        stored.push(answer.text("id"));
        assert!(stored.len() < 100, "it never filled");
    };

    refused.problem(507, "storage-full");
    assert_eq!(refused.header("retry-after"), "30");
    assert!(refused.text("detail").contains("no space"), "{refused:?}");
    let page = service.get("/v1/models?limit=200").await;
    assert_eq!(page.json()["items"].as_array().unwrap().len(), stored.len());
    assert_eq!(service.get(&format!("/v1/models/{}", stored[0])).await.status, 200);
    let not_ready = service.get("/readyz").await;
    not_ready.problem(503, "unavailable");
    assert!(not_ready.text("detail").contains("lack of space"), "{not_ready:?}");
    assert_eq!(metric(&service).await, "cutpoint_store_full 1");
    let page = service.get("/problems/storage-full").await.json();
    assert!(page["action"].as_str().unwrap().contains("Free space"), "{page}");

    // More space on the disk, which is still too little for the next.
    disk.0.store(5001, Ordering::SeqCst);
    assert_eq!(service.get("/readyz").await.status, 200);
    assert_eq!(metric(&service).await, "cutpoint_store_full 0");
    service.post("/v1/models", &large_model(stored.len())).await.problem(507, "storage-full");
    service.get("/readyz").await.problem(503, "unavailable");

    // Room within the database.
    assert_eq!(service.delete(&format!("/v1/models/{}", stored[0])).await.status, 204);
    assert_eq!(service.get("/readyz").await.status, 200);
    assert_eq!(service.post("/v1/models", &large_model(stored.len())).await.status, 201);
}
