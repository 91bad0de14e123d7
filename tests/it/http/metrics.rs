//! `/metrics`, and the dashboard that draws it.

use std::collections::BTreeSet;
use std::path::Path;

use cutpoint::telemetry::metric;

use super::service::{Service, job};

#[tokio::test]
async fn what_happens_is_counted() {
    let service = Service::start().await;
    service.write("POST", "/v1/jobs", &[("prefer", "wait=20")], &job()).await;
    let answer = service.get("/metrics").await;
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = String::from_utf8(answer.bytes).unwrap();
    for wanted in [
        "cutpoint_http_request_duration_seconds_bucket{method=\"POST\",route=\"/v1/jobs\",status=\"200\",le=",
        "cutpoint_jobs_ended_total{status=\"succeeded\",termination=\"exhausted\"} ",
        "cutpoint_jobs{status=\"queued\"} 0",
        "cutpoint_solve_duration_seconds_count{termination=\"exhausted\"} ",
        "cutpoint_solve_gap_ratio_bucket{le=\"0.5\"} ",
        "cutpoint_store_transaction_duration_seconds_count ",
        "cutpoint_queue_oldest_age_seconds 0",
        "cutpoint_workers ",
        "cutpoint_workers_busy ",
        "# HELP cutpoint_store_wal_bytes ",
    ] {
        assert!(text.contains(wanted), "{wanted} is missing in:\n{text}");
    }
}

#[test]
fn the_dashboard_and_the_docs_name_every_metric_and_no_other() {
    let names: BTreeSet<&str> = metric::ALL.iter().map(|(name, _)| *name).collect();
    for file in ["docs/grafana-dashboard.json", "docs/operations.md"] {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '_'));
        let words = words.filter(|word| word.starts_with("cutpoint_"));
        let known: BTreeSet<String> = words
            .map(|word| {
                let stem = ["_bucket", "_count", "_sum"].iter().find_map(|end| word.strip_suffix(end));
                stem.unwrap_or(word).to_owned()
            })
            .collect();
        let known: BTreeSet<&str> = known.iter().map(String::as_str).collect();
        assert_eq!(known, names, "{file}");
    }
}
