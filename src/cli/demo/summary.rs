//! The demo's output for finished jobs: a line for each placement, and a table that compares the algorithms.

use std::fmt::Write;

use cutpoint_planner::domain::unit::{bytes_text, counted, percent_text, seconds_text};
use serde_json::Value;

use crate::cli::table::{Side, Table};

/// A finished job of the demo.
pub(super) struct Finished {
    /// The model's name.
    pub(super) model: String,
    /// The algorithm that was asked for.
    pub(super) algorithm: &'static str,
    /// The job's document.
    pub(super) job: Value,
    /// The placement document, if there is one.
    pub(super) placement: Option<Value>,
}

impl Finished {
    fn figure(&self, name: &str) -> Option<f64> {
        self.placement.as_ref()?[name].as_f64()
    }

    /// Describes what the placement claims.
    fn claim(&self) -> String {
        let claimed = self.placement.as_ref().and_then(|placement| placement["status"].as_str());
        match claimed {
            Some("optimal") => "optimal, proven".to_owned(),
            Some(claimed) => claimed.to_owned(),
            None => self.job["error"]["code"].as_str().unwrap_or("no placement").replace('_', " "),
        }
    }

    /// Returns the line to print when the job ends.
    pub(super) fn news(&self) -> String {
        let period = self.figure("period_s").map(|period_s| format!(", period {}", seconds_text(period_s)));
        format!("{:<18} {:<7} {}{}", self.model, self.algorithm, self.claim(), period.unwrap_or_default())
    }
}

/// Returns each model's best placement as a line of nodes and hops, then a table of all algorithms.
pub(super) fn summary(finished: &[Finished]) -> String {
    let mut text = String::new();
    for one in finished.iter().filter(|one| one.algorithm == "auto") {
        if let Some(placement) = &one.placement {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}\n  {}", one.model, pipeline(placement));
        }
    }
    format!("{text}\n{}", table(finished))
}

/// `node-02 [142 layers] ──784 KiB, 542.1 ms──▶ node-03 [34 layers]`; the bottleneck in `** **`.
fn pipeline(placement: &Value) -> String {
    let no_stages = Vec::new();
    let pipeline = &placement["pipelines"][0];
    let stages = pipeline["stages"].as_array().unwrap_or(&no_stages);
    let bottleneck = &pipeline["bottleneck"];
    let is_bottleneck = |kinds: &[&str], stage: &Value| {
        bottleneck["stage_index"] == stage["index"] && kinds.iter().any(|kind| bottleneck["kind"] == **kind)
    };
    let marked = |text: String, mark: bool| if mark { format!("**{text}**") } else { text };
    let mut line = String::new();
    for stage in stages {
        let layers = stage["layer_ids"].as_array().map_or(0, Vec::len);
        let compute = seconds_text(stage["compute_s"].as_f64().unwrap_or(0.0));
        let node =
            format!("{} [{}, {compute}]", stage["node_id"].as_str().unwrap_or_default(), counted(layers, "layer"));
        line.push_str(&marked(node, is_bottleneck(&["stage", "node"], stage)));
        if let Some(send) = stage.get("send") {
            let bytes = bytes_text(send["bytes"].as_u64().unwrap_or(0));
            let hop = format!("{bytes}, {}", seconds_text(send["transfer_s"].as_f64().unwrap_or(0.0)));
            let _ = write!(line, " ─{}─▶ ", marked(hop, is_bottleneck(&["hop", "sink"], stage)));
        }
    }
    line
}

fn table(finished: &[Finished]) -> Table {
    let mut table = Table::new(&[
        ("model", Side::Left),
        ("algorithm", Side::Left),
        ("answer", Side::Left),
        ("stages", Side::Right),
        ("period", Side::Right),
        ("inferences a second", Side::Right),
        ("lower bound", Side::Right),
        ("gap", Side::Right),
        ("to auto", Side::Right),
        ("solved in", Side::Right),
    ]);
    for one in finished {
        let auto = finished.iter().find(|other| other.model == one.model && other.algorithm == "auto");
        let to_auto = one.figure("period_s").zip(auto.and_then(|auto| auto.figure("period_s")));
        let to_auto = to_auto.filter(|&(_, best)| best > 0.0).map(|(period, best)| format!("× {:.3}", period / best));
        let stages =
            one.placement.as_ref().and_then(|placement| placement["pipelines"][0]["stages"].as_array()).map(Vec::len);
        let seconds = |name| one.figure(name).map(seconds_text).unwrap_or_default();
        table.push([
            one.model.clone(),
            one.algorithm.to_owned(),
            one.claim(),
            stages.map(|count| count.to_string()).unwrap_or_default(),
            seconds("period_s"),
            one.figure("inferences_per_s").map(|pace| format!("{pace:.3}")).unwrap_or_default(),
            seconds("lower_bound_s"),
            one.figure("gap").map(percent_text).unwrap_or_default(),
            to_auto.unwrap_or_default(),
            seconds("solve_s"),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_pipeline_names_every_node_and_marks_the_bottleneck() {
        let placement = json!({"pipelines": [{
            "stages": [
                {"index": 0, "node_id": "a", "layer_ids": ["x", "y"], "compute_s": 0.5,
                 "send": {"bytes": 2048, "transfer_s": 1.0}},
                {"index": 1, "node_id": "b", "layer_ids": ["z"], "compute_s": 0.0},
            ],
            "bottleneck": {"kind": "hop", "stage_index": 0},
        }]});
        assert_eq!(pipeline(&placement), "a [2 layers, 500 ms] ─**2 KiB, 1 s**─▶ b [1 layer, 0 s]");
    }
}
