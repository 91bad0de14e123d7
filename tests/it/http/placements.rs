//! Placements that are deleted: by somebody, and by retention.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cutpoint::http::Limits;
use cutpoint::jobs::QueueSettings;
use cutpoint::store::Retention;
use serde_json::{Value, json};

use super::service::{Answer, Service, first_node, job, patient};

async fn done(service: &Service, body: &Value) -> Answer {
    let done = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], body).await;
    assert_eq!(done.text("status"), "succeeded");
    done
}

#[tokio::test]
async fn a_deleted_placement_is_gone_everywhere_and_its_job_says_so() {
    let service = Service::start().await;
    let done = done(&service, &job()).await;
    let (id, job_path) = (done.text("placement_id"), done.header("location").to_owned());
    let path = format!("/v1/placements/{id}");
    // From the second time on it is answered from memory.
    for _ in 0..2 {
        assert_eq!(service.get(&path).await.status, 200);
    }

    assert_eq!(service.delete(&path).await.status, 204);

    for path in [path.clone(), format!("{path}/explanation"), format!("{path}/front.svg")] {
        service.get(&path).await.problem(404, "not-found");
    }
    service.delete(&path).await.problem(404, "not-found");
    assert_eq!(service.get("/v1/placements").await.json()["items"], json!([]));
    assert_eq!(service.get(&job_path).await.text("placement_id"), id);
    let of_job = service.get(&format!("{job_path}/placement")).await;
    of_job.problem(404, "not-found");
    assert_eq!(of_job.text("detail"), format!("{} ended with {id}, which was deleted", done.text("id")));
    let mut replan = job();
    replan["base_placement_id"] = json!(id);
    assert_eq!(service.post("/v1/jobs", &replan).await.problem(404, "not-found"), ["/base_placement_id"]);
}

#[tokio::test]
async fn a_deletion_may_name_the_tag() {
    let service = Service::start().await;
    let path = format!("/v1/placements/{}", done(&service, &job()).await.text("placement_id"));
    let tag = service.get(&path).await.header("etag").to_owned();
    service.delete_with(&path, &[("if-match", "\"other\"")]).await.problem(412, "precondition-failed");
    assert_eq!(service.delete_with(&path, &[("if-match", &tag)]).await.status, 204);
    service.delete_with(&path, &[("if-match", &tag)]).await.problem(404, "not-found");
}

#[tokio::test]
async fn what_an_open_job_names_is_not_deleted() {
    let settings = QueueSettings { heartbeat: Duration::from_millis(20), ..QueueSettings::default() };
    let service = Service::with(patient, settings, Limits::default()).await;
    let stop = async |job: &Answer| {
        let path = format!("{}/stop", job.header("location"));
        service.write("POST", &path, &[("prefer", "wait=20")], &json!({})).await
    };
    let mut stopped = Vec::new();
    for _ in 0..2 {
        let running = service.post("/v1/jobs", &job()).await;
        stopped.push(stop(&running).await.text("placement_id"));
    }
    let mut replan = job();
    replan["base_placement_id"] = json!(stopped[0]);
    replan["occupied_by"] = json!([stopped[1]]);
    let running = service.post("/v1/jobs", &replan).await;
    assert_eq!(running.status, 202);

    for id in &stopped {
        let refused = service.delete(&format!("/v1/placements/{id}")).await;
        refused.problem(409, "conflict");
        assert_eq!(refused.text("detail"), format!("{id} is in use by {}", running.text("id")));
    }
    stop(&running).await;
    for id in &stopped {
        assert_eq!(service.delete(&format!("/v1/placements/{id}")).await.status, 204);
    }
}

/// Reads lists, the latest and single placements until it is told to stop; gives how many answers there were.
async fn read_all_the_time(service: &Service, stop: &AtomicBool) -> usize {
    let mut answers = 0;
    while !stop.load(Ordering::SeqCst) {
        for list in
            ["/v1/placements?limit=5", "/v1/placements?latest=true", "/v1/placements?node_id=n1", "/v1/jobs?limit=5"]
        {
            let listed = service.get(list).await;
            assert_eq!(listed.status, 200, "{list}");
            for item in listed.json()["items"].as_array().unwrap() {
                let id = item["id"].as_str().unwrap();
                let kind = if id.starts_with("plc_") { "placements" } else { "jobs" };
                // It may be gone by now.
                let status = service.get(&format!("/v1/{kind}/{id}")).await.status.as_u16();
                assert!([200, 404].contains(&status), "{id}: {status}");
                answers += 1;
            }
        }
        tokio::task::yield_now().await;
    }
    answers
}

#[tokio::test]
async fn retention_holds_under_load_and_the_file_stops_growing() {
    const KEPT: usize = 5;
    let retention = Retention {
        placements_of_pair: Some(KEPT as u32),
        jobs_age: Some(Duration::from_millis(1)),
        ..Retention::default()
    };
    let settings = QueueSettings { retention, sweep: Duration::from_millis(10), ..QueueSettings::default() };
    let service = Arc::new(Service::with(first_node, settings, Limits::default()).await);
    let stop = Arc::new(AtomicBool::new(false));
    let reader = {
        let (service, stop) = (service.clone(), stop.clone());
        tokio::spawn(async move { read_all_the_time(&service, &stop).await })
    };
    let mut pages = Vec::new();
    for _ in 0..3 {
        for _ in 0..100 {
            // Whoever does not wait for the end does not meet a record that is gone.
            assert_eq!(service.post("/v1/jobs", &job()).await.status, 202);
        }
        pages.push(settled(&service, KEPT).await);
    }
    stop.store(true, Ordering::SeqCst);
    assert!(reader.await.unwrap() > 0);
    // A few pages more for what came at once; without deletions there are thrice as many.
    assert!(pages[2] * 2 < pages[0] * 3, "{pages:?}");
    let metrics = String::from_utf8(service.get("/metrics").await.bytes).unwrap();
    assert!(!metrics.contains("cutpoint_retention_deleted_total{kind=\"placement\"} 0\n"), "{metrics}");
}

/// Waits until every job has ended and the settings hold; gives the pages of the database.
async fn settled(service: &Service, kept: usize) -> i64 {
    for _ in 0..2000 {
        let [_, _, jobs, placements] = service.rows().await;
        if jobs == 0 && placements <= kept {
            return service.pages().await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("what has had its time is not deleted: {:?}", service.rows().await);
}
