//! What a placement document predicts of each stage and transfer.

use serde_json::Value;

use super::inference::seconds;
use crate::cursor::Cursor;
use crate::fault::Faults;

/// How faults name the placement.
const PLACEMENT: &str = "placement";

/// A pipeline of the placement.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) period_s: Option<f64>,
    pub(super) latency_s: Option<f64>,
    pub(super) stages: Vec<PlannedStage>,
}

#[derive(Debug)]
pub(super) struct PlannedStage {
    pub(super) node_id: String,
    pub(super) layer_ids: Vec<String>,
    pub(super) compute_s: f64,
    pub(super) memory_bytes: u64,
    receive: Option<PlannedEnd>,
    send: Option<PlannedEnd>,
}

/// One end of a transfer.
#[derive(Debug)]
struct PlannedEnd {
    other_node_id: String,
    bytes: u64,
    transfer_s: f64,
    is_direct: bool,
}

/// A transfer between two nodes.
#[derive(Debug, Clone)]
pub(super) struct PlannedTransfer<'a> {
    /// `stage N` or `sink`, as measurements name it.
    pub(super) to: String,
    pub(super) from_node_id: &'a str,
    pub(super) to_node_id: &'a str,
    pub(super) bytes: u64,
    pub(super) transfer_s: f64,
    /// Whether it passes no other node or switch.
    pub(super) is_direct: bool,
}

impl Plan {
    /// Reads the pipelines of a placement, or of an object whose member `placement` is one.
    pub(super) fn read(document: &Value, faults: &mut Faults) -> Vec<Self> {
        let top = Cursor::new(PLACEMENT, document);
        let top = top.get("placement").unwrap_or(top);
        let Some(list) = top.get("pipelines").filter(|list| list.value.as_array().is_some_and(|all| !all.is_empty()))
        else {
            let action = "Give what `cutpoint plan --output json` prints, with a placement in it";
            top.fault(faults, "there are no pipelines", action);
            return Vec::new();
        };
        list.items(faults).iter().filter_map(|pipeline| read_pipeline(pipeline, faults)).collect()
    }

    /// Returns the transfers in the order of the pipeline. What stays on a node is none.
    pub(super) fn transfers(&self) -> Vec<PlannedTransfer<'_>> {
        let received = self.stages.iter().enumerate().filter_map(|(index, stage)| {
            let end = stage.receive.as_ref()?;
            Some(end.transfer(format!("stage {index}"), &end.other_node_id, &stage.node_id))
        });
        let delivered = self.stages.last().and_then(|stage| {
            let end = stage.send.as_ref()?;
            Some(end.transfer("sink".to_owned(), &stage.node_id, &end.other_node_id))
        });
        received.chain(delivered).collect()
    }
}

impl PlannedEnd {
    fn transfer<'a>(&self, to: String, from_node_id: &'a str, to_node_id: &'a str) -> PlannedTransfer<'a> {
        let &Self { bytes, transfer_s, is_direct, .. } = self;
        PlannedTransfer { to, from_node_id, to_node_id, bytes, transfer_s, is_direct }
    }
}

fn read_pipeline(of: &Cursor<'_>, faults: &mut Faults) -> Option<Plan> {
    let list = of.required(&["stages"], faults)?;
    let all = list.items(faults);
    if all.is_empty() {
        list.fault(faults, "there is no stage", "Give a placement with stages");
    }
    let stages: Vec<PlannedStage> = all.iter().filter_map(|stage| read_stage(stage, faults)).collect();
    let (period_s, latency_s) = (seconds(of, "period_s", faults), seconds(of, "latency_s", faults));
    (stages.len() == all.len()).then_some(Plan { period_s, latency_s, stages })
}

fn read_stage(of: &Cursor<'_>, faults: &mut Faults) -> Option<PlannedStage> {
    let node_id = of.required(&["node_id"], faults).and_then(|node| node.id(faults));
    let layers = of.required(&["layer_ids"], faults).map(|layers| layers.items(faults)).unwrap_or_default();
    let layer_ids = layers.iter().filter_map(|layer| layer.text(faults)).map(str::to_owned).collect();
    let compute_s = of.required(&["compute_s"], faults).and_then(|_| seconds(of, "compute_s", faults));
    let memory_bytes = of.required(&["memory_bytes"], faults).and_then(|bytes| bytes.bytes(1.0, faults));
    let receive = of.get("receive").map(|end| read_end(&end, "from_node_id", faults));
    let send = of.get("send").map(|end| read_end(&end, "to_node_id", faults));
    Some(PlannedStage {
        node_id: node_id?.to_owned(),
        layer_ids,
        compute_s: compute_s?,
        memory_bytes: memory_bytes?,
        receive: receive.flatten(),
        send: send.flatten(),
    })
}

fn read_end(of: &Cursor<'_>, other: &str, faults: &mut Faults) -> Option<PlannedEnd> {
    let other_node_id = of.required(&[other], faults).and_then(|node| node.id(faults));
    let bytes = of.required(&["bytes"], faults).and_then(|bytes| bytes.bytes(1.0, faults));
    let transfer_s = of.required(&["transfer_s"], faults).and_then(|_| seconds(of, "transfer_s", faults));
    let is_direct = of.get("route").is_none();
    Some(PlannedEnd { other_node_id: other_node_id?.to_owned(), bytes: bytes?, transfer_s: transfer_s?, is_direct })
}
