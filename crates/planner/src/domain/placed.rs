//! Reads back from a placement document what a later request needs of it as a base or as an
//! occupant.

use serde_json::Value;

use super::base::{BasePipeline, BasePlacement};
use super::fault::{Fault, FaultCode};
use super::proposal::StageProposal;
use super::read::Reader;

/// A placement that was made before. The other members of its document are ignored.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The period, in seconds.
    pub period_s: f64,
    /// The latency, in seconds. It is 0 if the document does not state it.
    pub latency_s: f64,
    /// The pipelines. There is at least one.
    pub pipelines: Vec<PlacedPipeline>,
}

/// A pipeline of the placement.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedPipeline {
    /// The part of all passes that it makes: 1 if it is the only one.
    pub part: f64,
    /// The stages. There is at least one.
    pub stages: Vec<PlacedStage>,
}

/// A stage of the placement.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedStage {
    /// The node that runs the stage.
    pub node_id: String,
    /// The ids of its layers.
    pub layer_ids: Vec<String>,
    /// The memory of the stage, in bytes.
    pub memory_bytes: u64,
    /// The seconds of compute for one pass if the node were not shared.
    pub alone_s: f64,
    /// The transfer that arrives at the stage.
    pub receive: Option<PlacedTransfer>,
    /// The transfer that leaves the stage.
    pub send: Option<PlacedTransfer>,
}

/// A transfer of the placement.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedTransfer {
    /// The node at the other end.
    pub other_node_id: String,
    /// The seconds on the link, including its latency.
    pub transfer_s: f64,
    /// The share of the link's bandwidth that the transfer had.
    pub bandwidth_share: f64,
}

impl Placed {
    /// Reads a whole document that is a placement document, or an object whose member `placement`
    /// is one.
    ///
    /// # Errors
    /// Returns every fault of the document.
    pub fn from_json(value: &Value) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new();
        let placed = match value.get("placement") {
            Some(inner) => reader.within("placement", |reader| Self::read(reader, inner)),
            None => Self::read(&mut reader, value),
        };
        reader.finish(placed)
    }

    /// Reads a placement. An evaluation of one pipeline has its stages at the top level, and so do placements made before
    /// version 0.3.0.
    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.map(value)?;
        let pipelines = if let Some(listed) = map.get("pipelines") {
            let is_only = listed.as_array().is_some_and(|listed| listed.len() == 1);
            let read =
                |reader: &mut Reader, value| reader.items(value, |reader, value| read_pipeline(reader, value, is_only));
            let pipelines = reader.required(map, "pipelines", read)?;
            if pipelines.is_empty() {
                let action = "Give a placement with status optimal or feasible";
                reader.fault_at(&["pipelines".into()], FaultCode::Empty, "the placement has no pipeline", action);
            }
            pipelines
        } else {
            vec![reader.required(map, "stages", read_stages).map(|stages| (1.0, stages))]
        };
        let period_s = reader.required(map, "period_s", Reader::non_negative);
        // A document written by hand may lack the latency. Only a comparison of latencies needs it.
        let latency_s = reader.optional(map, "latency_s", Reader::non_negative).unwrap_or(0.0);
        let pipelines = pipelines.into_iter().collect::<Option<Vec<(f64, Vec<PlacedStage>)>>>()?;
        let rate_per_s: f64 = pipelines.iter().map(|(rate, _)| rate).sum();
        let is_only = pipelines.len() == 1;
        let part = |rate: f64| match rate / rate_per_s {
            _ if is_only => 1.0,
            // None of them makes a pass.
            part if part.is_nan() => 0.0,
            part => part,
        };
        let pipelines = pipelines.into_iter().map(|(rate, stages)| PlacedPipeline { part: part(rate), stages });
        Some(Self { period_s: period_s?, latency_s, pipelines: pipelines.collect() })
    }

    /// Returns the stages of all pipelines, one pipeline after the other.
    pub fn stages(&self) -> impl Iterator<Item = &PlacedStage> {
        self.pipelines.iter().flat_map(|pipeline| &pipeline.stages)
    }

    /// Returns the nodes of the layers of each pipeline as a base.
    ///
    /// # Errors
    /// Returns a fault if there is no pipeline.
    pub fn base(&self) -> Result<BasePlacement, Box<Fault>> {
        if self.pipelines.is_empty() {
            let action = "Give a placement that was found";
            let fault = Fault::new("/pipelines", FaultCode::Empty, "the placement has no pipeline", action);
            return Err(Box::new(fault));
        }
        let proposal =
            |stage: &PlacedStage| StageProposal { node_id: stage.node_id.clone(), layer_ids: stage.layer_ids.clone() };
        let pipelines = self.pipelines.iter();
        let pipelines =
            pipelines.map(|pipeline| BasePipeline { stages: pipeline.stages.iter().map(proposal).collect() });
        Ok(BasePlacement::of(pipelines.collect()))
    }
}

/// Reads a pipeline: its rate, which one alone need not have, and its stages.
fn read_pipeline(reader: &mut Reader, value: &Value, is_only: bool) -> Option<(f64, Vec<PlacedStage>)> {
    let map = reader.map(value)?;
    let rate_per_s = if is_only { Some(1.0) } else { reader.required(map, "rate_per_s", Reader::non_negative) };
    let stages = reader.required(map, "stages", read_stages);
    Some((rate_per_s?, stages?))
}

fn read_stages(reader: &mut Reader, value: &Value) -> Option<Vec<PlacedStage>> {
    let stages = reader.items(value, PlacedStage::read)?;
    if stages.is_empty() {
        let action = "Give a placement with status optimal or feasible";
        reader.fault(FaultCode::Empty, "the placement has no stage", action);
    }
    stages.into_iter().collect()
}

impl PlacedStage {
    fn read(reader: &mut Reader, value: &Value) -> Option<Self> {
        let map = reader.map(value)?;
        let node_id = reader.required(map, "node_id", Reader::id);
        let layer_ids = reader.required(map, "layer_ids", |reader, value| reader.items(value, Reader::id));
        let memory_bytes = reader.required(map, "memory_bytes", Reader::size);
        let compute_s = reader.required(map, "compute_s", Reader::non_negative);
        let compute_share = reader.optional(map, "compute_share", read_share).unwrap_or(1.0);
        let receive = reader.optional(map, "receive", |reader, value| read_transfer(reader, value, "from_node_id"));
        let send = reader.optional(map, "send", |reader, value| read_transfer(reader, value, "to_node_id"));
        Some(Self {
            node_id: node_id?,
            layer_ids: layer_ids?.into_iter().collect::<Option<Vec<String>>>()?,
            memory_bytes: memory_bytes?,
            alone_s: compute_s? * compute_share,
            receive,
            send,
        })
    }
}

fn read_transfer(reader: &mut Reader, value: &Value, other_end: &'static str) -> Option<PlacedTransfer> {
    let map = reader.map(value)?;
    let other_node_id = reader.required(map, other_end, Reader::id);
    let transfer_s = reader.required(map, "transfer_s", Reader::non_negative);
    let bandwidth_share = reader.optional(map, "bandwidth_share", read_share).unwrap_or(1.0);
    Some(PlacedTransfer { other_node_id: other_node_id?, transfer_s: transfer_s?, bandwidth_share })
}

fn read_share(reader: &mut Reader, value: &Value) -> Option<f64> {
    reader.number(value, "above 0 and at most 1", |share| share > 0.0 && share <= 1.0)
}
