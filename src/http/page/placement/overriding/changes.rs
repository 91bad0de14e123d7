//! What was changed by hand: where the cuts are, and the node of each stage.

use cutpoint_planner::domain::placement::Stage;
use serde_json::{Value, json};
use url::form_urlencoded;

/// The node of each stage of a placement, and behind how many layers of all each cut is.
pub(super) struct Changes {
    pub(super) nodes: Vec<String>,
    pub(super) cuts: Vec<usize>,
    /// The layers of all stages, in order.
    layers: Vec<String>,
}

impl Changes {
    /// Reads `node` and `cut` of a form, each as often as the placement has stages and cuts. What is missing is as planned.
    pub(super) fn read(form: &str, stages: &[Stage]) -> Self {
        let (mut nodes, mut cuts) = (Vec::new(), Vec::new());
        for (name, value) in form_urlencoded::parse(form.as_bytes()) {
            match name.as_ref() {
                "node" => nodes.push(value.into_owned()),
                "cut" => cuts.push(value.trim().parse::<usize>().ok()),
                _ => {}
            }
        }
        let layers: Vec<String> = stages.iter().flat_map(|stage| stage.layer_ids.iter().cloned()).collect();
        let of_stages = stages.iter().skip(nodes.len()).map(|stage| stage.node_id.clone());
        nodes.extend(of_stages.collect::<Vec<_>>());
        nodes.truncate(stages.len());
        let mut planned = 0;
        let planned = stages.iter().take(stages.len().saturating_sub(1)).map(|stage| {
            planned += stage.layer_ids.len();
            planned
        });
        let mut before = 0;
        let cuts = planned.enumerate().map(|(cut, planned)| {
            let asked = cuts.get(cut).copied().flatten().unwrap_or(planned);
            // A cut does not go before the one in front of it.
            before = asked.clamp(before, layers.len());
            before
        });
        Self { nodes, cuts: cuts.collect(), layers }
    }

    /// Returns how many layers there are.
    pub(super) fn layers(&self) -> usize {
        self.layers.len()
    }

    /// Returns the last layer before a cut; none where the cut is before all of them.
    pub(super) fn last_before(&self, cut: usize) -> Option<&str> {
        let last = self.cuts.get(cut)?.checked_sub(1)?;
        self.layers.get(last).map(String::as_str)
    }

    /// Returns the stages after the changes, as the API takes them. A stage that is left without layers is gone.
    pub(super) fn stages(&self) -> Vec<Value> {
        let ends = self.cuts.iter().copied().chain([self.layers.len()]);
        let mut begin = 0;
        let mut stages = Vec::with_capacity(self.nodes.len());
        for (node, end) in self.nodes.iter().zip(ends) {
            if end > begin {
                stages.push(json!({"node_id": node, "layer_ids": self.layers[begin..end]}));
            }
            begin = end;
        }
        stages
    }

    /// Returns `true` if nothing was changed.
    pub(super) fn are_none(&self, stages: &[Stage]) -> bool {
        let planned = Self::read("", stages);
        self.nodes == planned.nodes && self.cuts == planned.cuts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(node: &str, layers: &[&str]) -> Stage {
        let stage = json!({
            "index": 0, "node_id": node, "layer_ids": layers, "constant_layer_ids": [], "param_bytes": 0,
            "memory_bytes": 0, "memory_capacity_bytes": 0, "compute_s": 0.0
        });
        serde_json::from_value(stage).unwrap()
    }

    #[test]
    fn cuts_move_both_ways_and_empty_stages_go() {
        let stages = [stage("a", &["1", "2"]), stage("b", &["3", "4"]), stage("c", &["5"])];
        let after = |form: &str| {
            let text = |stage: &Value| {
                let layers: String = stage["layer_ids"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
                format!("{}:{layers}", stage["node_id"].as_str().unwrap())
            };
            Changes::read(form, &stages).stages().iter().map(text).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(after(""), "a:12 b:34 c:5");
        assert!(Changes::read("", &stages).are_none(&stages) && !Changes::read("cut=1", &stages).are_none(&stages));
        assert_eq!(after("cut=3&cut=3"), "a:123 c:45");
        assert_eq!(after("cut=1"), "a:1 b:234 c:5");
        // One that would go before another, too far, or nowhere.
        assert_eq!(after("cut=4&cut=1"), "a:1234 c:5");
        assert_eq!(after("node=x&node=b&node=z&cut=99&cut=x"), "x:12345");
        assert_eq!(Changes::read("cut=0", &stages).last_before(0), None);
        assert_eq!(Changes::read("cut=3", &stages).last_before(0), Some("3"));
    }
}
