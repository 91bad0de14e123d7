//! Streams of a job's events: in order, resumed, and at most so many.

use std::time::Duration;

use cutpoint::http::Limits;
use cutpoint::jobs::QueueSettings;
use serde_json::{Value, json};

use super::service::{Answer, Service, first_node, job, patient};

/// Ids and kinds of the events of a stream, and the job that each carries.
fn events(answer: &Answer) -> Vec<(String, String, Value)> {
    let text = String::from_utf8(answer.bytes.clone()).unwrap();
    let blocks = text.split("\n\n").filter(|block| block.contains("data:"));
    let field = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{block}"));
        line.trim().to_owned()
    };
    blocks
        .map(|block| {
            let data = serde_json::from_str(&field(block, "data:")).unwrap();
            (field(block, "id:"), field(block, "event:"), data)
        })
        .collect()
}

fn kinds(answer: &Answer) -> Vec<String> {
    events(answer).into_iter().map(|(_, kind, _)| kind).collect()
}

#[tokio::test]
async fn a_stream_tells_what_happens_and_ends() {
    let settings = QueueSettings { heartbeat: Duration::from_millis(20), ..QueueSettings::default() };
    let service = Service::with(patient, settings, Limits::default()).await;
    let path = service.post("/v1/jobs", &job()).await.header("location").to_owned();
    let (events_path, stop_path) = (format!("{path}/events"), format!("{path}/stop"));
    let stop = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        service.post(&stop_path, &json!({})).await
    };
    let (answer, _) = tokio::join!(service.get(&events_path), stop);
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert_eq!(kinds(&answer), ["queued", "started", "incumbent", "bound", "finished"]);
    let (_, _, finished) = events(&answer).pop().unwrap();
    assert_eq!(finished["status"], "succeeded");
    assert_eq!(finished["progress"]["period_s"], 0.5);
}

#[tokio::test]
async fn a_stream_goes_on_behind_the_last_event() {
    let service = Service::start().await;
    let done = service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &job()).await;
    let path = format!("{}/events", done.header("location"));
    let all = events(&service.get(&path).await);
    assert_eq!(all.len(), 5);
    for (index, (id, _, _)) in all.iter().enumerate() {
        let rest = service.get_with(&path, &[("last-event-id", id)]).await;
        if index + 1 == all.len() {
            assert_eq!((rest.status.as_u16(), rest.bytes.len()), (204, 0));
        } else {
            assert_eq!(events(&rest), all[index + 1..]);
        }
    }
    let from_ahead = service.get_with(&path, &[("last-event-id", "1000-queued")]).await;
    assert_eq!(events(&from_ahead), all);
    let unknown = service.get_with(&path, &[("last-event-id", "seven")]).await;
    assert_eq!(unknown.problem(400, "invalid-parameter"), ["/header/last-event-id"]);
}

#[tokio::test]
async fn a_job_that_never_started_ends_too() {
    let settings = QueueSettings { workers: 0, ..QueueSettings::default() };
    let service = Service::with(first_node, settings, Limits::default()).await;
    let path = service.post("/v1/jobs", &job()).await.header("location").to_owned();
    service.post(&format!("{path}/stop"), &json!({})).await;
    assert_eq!(kinds(&service.get(&format!("{path}/events")).await), ["queued", "finished"]);
}

#[tokio::test]
async fn streams_are_limited_and_end_with_the_service() {
    let settings = QueueSettings { workers: 0, ..QueueSettings::default() };
    let limits = Limits { streams: 1, ..Limits::default() };
    let service = Service::with(first_node, settings, limits).await;
    let path = format!("{}/events", service.post("/v1/jobs", &job()).await.header("location"));
    let first = service.get(&path);
    let second = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let refused = service.get(&path).await;
        service.queue.shutdown().await;
        refused
    };
    let (first, second) = tokio::join!(first, second);
    second.problem(503, "unavailable");
    assert_eq!(kinds(&first), ["queued"]);
}
