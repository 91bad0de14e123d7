//! Reads what exports need of a placement document. Members that they do not need are ignored.

use serde::Deserialize;
use serde_json::Value;

use crate::error::ExportError;

/// A placement with at least one pipeline.
#[derive(Debug, Deserialize)]
pub(crate) struct Placement {
    #[serde(default)]
    pub(crate) status: Option<String>,
    /// How often a pass comes out of any of the pipelines, seconds.
    #[serde(default)]
    pub(crate) period_s: Option<f64>,
    /// Passes a second of all pipelines together.
    #[serde(default)]
    pub(crate) throughput_per_s: Option<f64>,
    #[serde(default)]
    pub(crate) inferences_per_s: Option<f64>,
    #[serde(default)]
    pub(crate) pipelines: Vec<Pipeline>,
    /// The media that several transfers share, with all transfers together.
    #[serde(default)]
    pub(crate) media: Vec<Medium>,
}

/// A pipeline with at least one stage.
#[derive(Debug, Deserialize)]
pub(crate) struct Pipeline {
    #[serde(default)]
    pub(crate) period_s: Option<f64>,
    /// Passes a second.
    #[serde(default)]
    pub(crate) rate_per_s: Option<f64>,
    #[serde(default)]
    pub(crate) latency_s: Option<f64>,
    #[serde(default)]
    pub(crate) bottleneck: Option<Bottleneck>,
    pub(crate) stages: Vec<Stage>,
}

/// What sets the period.
#[derive(Debug, Deserialize)]
pub(crate) struct Bottleneck {
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) stage_index: usize,
    #[serde(default)]
    pub(crate) medium_id: Option<String>,
}

/// A stage with its planned figures.
#[derive(Debug, Deserialize)]
pub(crate) struct Stage {
    pub(crate) node_id: String,
    #[serde(default)]
    pub(crate) layer_ids: Vec<String>,
    #[serde(default)]
    pub(crate) memory_bytes: u64,
    #[serde(default)]
    pub(crate) memory_capacity_bytes: Option<u64>,
    #[serde(default)]
    pub(crate) compute_s: Option<f64>,
    #[serde(default)]
    pub(crate) receive: Option<Transfer>,
    #[serde(default)]
    pub(crate) send: Option<Transfer>,
}

/// A transfer with its planned figures.
#[derive(Debug, Deserialize)]
pub(crate) struct Transfer {
    /// The node at the other end.
    #[serde(alias = "from_node_id", alias = "to_node_id", default)]
    pub(crate) node_id: Option<String>,
    #[serde(default)]
    pub(crate) tensor_layer_ids: Vec<String>,
    #[serde(default)]
    pub(crate) bytes: u64,
    #[serde(default)]
    pub(crate) transfer_s: Option<f64>,
}

/// A shared medium.
#[derive(Debug, Deserialize)]
pub(crate) struct Medium {
    pub(crate) id: String,
    pub(crate) occupied_s: f64,
}

impl Placement {
    /// Reads a document of the command line, or one of the service with the placement in its member `placement`.
    pub(crate) fn read(document: &Value) -> Result<Self, ExportError> {
        let document = document.get("placement").unwrap_or(document);
        // A list would be read as the members in their order.
        if !document.is_object() {
            return Err(ExportError::Placement("it is not an object".to_owned()));
        }
        let fault = |error: serde_json::Error| ExportError::Placement(error.to_string());
        let mut placement = Self::deserialize(document).map_err(fault)?;
        // Documents of before version 0.3.0 have the only pipeline's members at the top.
        if document.get("stages").is_some() && placement.pipelines.is_empty() {
            placement.pipelines.push(Pipeline::deserialize(document).map_err(fault)?);
        }
        if placement.pipelines.is_empty() || placement.pipelines.iter().any(|pipeline| pipeline.stages.is_empty()) {
            return Err(ExportError::NoStages);
        }
        Ok(placement)
    }

    /// Adds what nodes have free, where the placement does not say it and a cluster does.
    pub(crate) fn with_capacities(mut self, cluster: Option<&Value>) -> Self {
        for stage in self.pipelines.iter_mut().flat_map(|pipeline| &mut pipeline.stages) {
            if stage.memory_capacity_bytes.is_none() {
                stage.memory_capacity_bytes = cluster.and_then(|cluster| free_bytes(cluster, &stage.node_id));
            }
        }
        self
    }

    /// Returns the ids of all nodes, those of sources and sinks included.
    pub(crate) fn node_ids(&self) -> impl Iterator<Item = &str> {
        self.pipelines.iter().flat_map(|pipeline| {
            let stages = pipeline.stages.iter().map(|stage| stage.node_id.as_str());
            stages.chain(pipeline.source()).chain(pipeline.sink())
        })
    }

    /// Returns the period in which shared media are occupied as the document says, seconds; 0 if none is known.
    pub(crate) fn media_period_s(&self) -> f64 {
        let only = if let [only] = self.pipelines.as_slice() { only.period_s } else { None };
        self.period_s.or(only).unwrap_or(0.0)
    }

    /// Returns the inferences a second of a pipeline, if they are known.
    pub(crate) fn inferences_of(&self, pipeline: &Pipeline) -> Option<f64> {
        let batch_size = self.inferences_per_s? / self.throughput_per_s?;
        Some(pipeline.rate_per_s? * batch_size).filter(|rate| rate.is_finite())
    }
}

impl Pipeline {
    /// Returns the node that inputs are sent from, if they are sent.
    pub(crate) fn source(&self) -> Option<&str> {
        self.stages.first()?.receive.as_ref()?.node_id.as_deref()
    }

    /// Returns the node that outputs are sent to, if they are sent.
    pub(crate) fn sink(&self) -> Option<&str> {
        self.stages.last()?.send.as_ref()?.node_id.as_deref()
    }

    /// Returns `true` if the period is set by what one of these kinds says of a stage.
    pub(crate) fn is_bottleneck(&self, kinds: &[&str], stage: usize) -> bool {
        self.bottleneck.as_ref().is_some_and(|it| kinds.contains(&it.kind.as_str()) && it.stage_index == stage)
    }

    /// Returns `true` if the period is set by a medium.
    pub(crate) fn is_medium_bottleneck(&self, medium_id: &str) -> bool {
        self.bottleneck.as_ref().is_some_and(|it| it.medium_id.as_deref() == Some(medium_id))
    }
}

/// Returns the node of a cluster with an id. The inventory is the document, or its member `inventory`.
pub(crate) fn node_of<'a>(cluster: &'a Value, id: &str) -> Option<&'a Value> {
    let inventory = cluster.get("inventory").unwrap_or(cluster);
    inventory.get("nodes")?.as_array()?.iter().find(|node| node.get("id").and_then(Value::as_str) == Some(id))
}

fn free_bytes(cluster: &Value, id: &str) -> Option<u64> {
    let node = node_of(cluster, id)?;
    let reserved = node.get("reserved_bytes").and_then(Value::as_u64).unwrap_or(0);
    Some(node.get("memory_bytes")?.as_u64()?.saturating_sub(reserved))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_of_each_kind_are_read() {
        let stages = json!([{"node_id": "a"}]);
        let documents = [
            json!({"pipelines": [{"stages": stages}]}),
            json!({"stages": stages, "bottleneck": {"kind": "stage", "stage_index": 0}, "period_s": 2.0}),
            json!({"id": "plc_1", "placement": {"pipelines": [{"stages": stages}]}}),
        ];
        for document in documents {
            assert_eq!(Placement::read(&document).unwrap().pipelines[0].stages[0].node_id, "a");
        }
        for document in
            [json!({"status": "infeasible"}), json!({"pipelines": []}), json!({"pipelines": [{"stages": []}]})]
        {
            assert_eq!(Placement::read(&document).unwrap_err(), ExportError::NoStages);
        }
        for document in [json!([]), json!(1), json!({"pipelines": [{"stages": [{"node_id": 1}]}]})] {
            assert!(matches!(Placement::read(&document), Err(ExportError::Placement(_))), "{document}");
        }
    }

    #[test]
    fn a_cluster_says_what_is_free_where_the_placement_does_not() {
        let document =
            json!({"pipelines": [{"stages": [{"node_id": "a"}, {"node_id": "b", "memory_capacity_bytes": 5}]}]});
        let node = |id: &str| json!({"id": id, "memory_bytes": 10, "reserved_bytes": 3});
        let cluster = json!({"nodes": [node("a"), node("b")]});
        let placement = Placement::read(&document).unwrap().with_capacities(Some(&cluster));
        let free: Vec<_> = placement.pipelines[0].stages.iter().map(|stage| stage.memory_capacity_bytes).collect();
        assert_eq!(free, [Some(7), Some(5)]);
    }
}
