//! `/v1/events` of a real server, read from the oldest event on.

use std::time::Duration;

use serde_json::Value;

use crate::server::Server;

/// An event as the stream has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) event_type: String,
    /// The text of its body.
    pub(crate) text: String,
    pub(crate) body: Value,
}

/// Reads the stream from its beginning until `enough` holds of what has come.
pub(crate) async fn events_until(server: &Server, enough: impl Fn(&[Event]) -> bool) -> Vec<Event> {
    let asked = reqwest::Client::new().get(format!("{}/v1/events", server.base())).header("Last-Event-ID", "0");
    let mut answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let (mut bytes, mut events) = (Vec::new(), Vec::new());
    while !enough(&events) {
        let chunk = tokio::time::timeout(Duration::from_secs(60), answer.chunk()).await;
        let chunk = chunk.unwrap_or_else(|_| panic!("no more than {events:#?}")).unwrap();
        bytes.extend_from_slice(&chunk.expect("the stream goes on"));
        while let Some(end) = bytes.windows(2).position(|pair| pair == b"\n\n") {
            let block = String::from_utf8(bytes.drain(..end + 2).collect()).unwrap();
            // Others keep the connection alive.
            events.extend(block.contains("data:").then(|| event(&block)));
        }
    }
    events
}

fn event(block: &str) -> Event {
    let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    let text = line("data:");
    let body = serde_json::from_str(&text).unwrap();
    Event { id: line("id:").parse().unwrap(), event_type: line("event:"), text, body }
}
