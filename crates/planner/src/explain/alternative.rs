//! Tells of the fastest placement found, where the answer is another one for its smaller latency.

use std::cmp::Ordering;

use crate::domain::explanation::Alternative;
use crate::domain::placement::PlacementDocument;
use crate::domain::unit::{counted, short_text};

/// Returns the faster placement that was not chosen, or `None` if the answer is the fastest one.
pub fn alternative(document: &PlacementDocument) -> Option<Alternative> {
    let fastest = document.fastest.as_ref()?;
    let (period_s, latency_s) = document.period_s.zip(document.latency_s)?;
    let faster = hundredths_text(100.0 * (period_s / fastest.period_s - 1.0));
    let nodes = nodes_text(fastest.stages.len(), document.stages().len());
    let latency = short_text(fastest.latency_s / latency_s);
    Some(Alternative {
        detail: format!("{faster} % faster with {nodes} and {latency} times the latency"),
        period_s: fastest.period_s,
        latency_s: fastest.latency_s,
        node_ids: fastest.stages.iter().map(|stage| stage.node_id.clone()).collect(),
    })
}

/// Formats per cent to two decimals. A tolerance is often one per cent, so one decimal says little.
fn hundredths_text(percent: f64) -> String {
    if percent < 0.005 { "under 0.01".to_owned() } else { short_text((percent * 100.0).round() / 100.0) }
}

fn nodes_text(fastest: usize, answer: usize) -> String {
    match fastest.cmp(&answer) {
        Ordering::Greater => format!("{} more", counted(fastest - answer, "node")),
        Ordering::Equal => "as many nodes".to_owned(),
        Ordering::Less => format!("{} fewer", counted(answer - fastest, "node")),
    }
}
