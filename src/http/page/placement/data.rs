//! What the view of a placement shows: its document, with its model and cluster.

use std::collections::BTreeMap;

use cutpoint_planner::domain::placement::{Bottleneck, PlacementDocument, Stage};
use jiff::Timestamp;
use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::id::IdKind;
use crate::http::page::visitor::{Visitor, id_of};
use crate::http::problem::{Problem, ProblemType};

/// A placement with all that its page shows.
pub(super) struct Shown {
    pub(super) stored: Stored,
    pub(super) placement: PlacementDocument,
    pub(super) model: Option<Profile>,
    pub(super) cluster_name: String,
    /// The class of each node's device, where one is known.
    pub(super) device_classes: FxHashMap<String, String>,
    /// The options that it was planned with.
    pub(super) options: Value,
    /// The newest measurements.
    pub(super) measured: Option<Value>,
}

/// A stored placement.
#[derive(Deserialize)]
pub(super) struct Stored {
    pub(super) id: String,
    /// None where it was made by hand.
    pub(super) job_id: Option<String>,
    pub(super) model_id: String,
    pub(super) cluster_id: String,
    pub(super) cluster_revision: u64,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    pub(super) created_at: Timestamp,
}

#[derive(Deserialize)]
struct WithDocument {
    #[serde(flatten)]
    stored: Stored,
    placement: PlacementDocument,
}

#[derive(Deserialize)]
struct Model {
    profile: Profile,
}

/// What is shown of a model.
#[derive(Deserialize)]
pub(super) struct Profile {
    pub(super) name: String,
    layers: Vec<Layer>,
    #[serde(skip)]
    positions: FxHashMap<String, usize>,
}

/// A layer of a model.
#[derive(Deserialize)]
pub(super) struct Layer {
    pub(super) id: String,
    #[serde(default)]
    pub(super) op: String,
    #[serde(default)]
    pub(super) param_bytes: u64,
    #[serde(default)]
    pub(super) output_bytes: u64,
    #[serde(default)]
    pub(super) flops: f64,
}

#[derive(Deserialize)]
struct Cluster {
    inventory: Inventory,
}

#[derive(Deserialize)]
struct Inventory {
    name: String,
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    device_class: Option<String>,
}

/// A pipeline, of the placement or of a point of its trade-off.
pub(super) struct ShownPipeline<'p> {
    pub(super) period_s: f64,
    pub(super) rate_per_s: Option<f64>,
    pub(super) latency_s: f64,
    /// Unknown for a point of a trade-off.
    pub(super) bottleneck: Option<&'p Bottleneck>,
    pub(super) stages: &'p [Stage],
}

impl Shown {
    /// Reads a placement with its model and cluster, as far as they are still there.
    ///
    /// # Errors
    /// The API's problem.
    pub(super) async fn load(visitor: &Visitor, id: &str) -> Result<Self, Problem> {
        let id = id_of(IdKind::Placement, id)?;
        let WithDocument { stored, placement } = visitor.read(&format!("/v1/placements/{id}")).await?;
        let model = visitor.read::<Model>(&format!("/v1/models/{}", stored.model_id)).await;
        let cluster = format!("/v1/clusters/{}?revision={}", stored.cluster_id, stored.cluster_revision);
        let cluster = found(visitor.read::<Cluster>(&cluster).await)?.map(|cluster| cluster.inventory);
        let measured = visitor.get(&format!("/v1/placements/{id}/measurements?limit=1")).await?;
        // Whose placement it is was checked above.
        let options = visitor.api.store.placement(&visitor.tenant(), &id).await?.options;
        let nodes = cluster.as_ref().map_or(&[][..], |cluster| &cluster.nodes);
        let device_classes = nodes.iter().filter_map(|node| Some((node.id.clone(), node.device_class.clone()?)));
        Ok(Self {
            model: found(model)?.map(|model| model.profile.with_positions()),
            device_classes: device_classes.collect(),
            cluster_name: cluster.map_or_else(|| stored.cluster_id.clone(), |cluster| cluster.name),
            options: options.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
            measured: measured["items"].get(0).cloned(),
            stored,
            placement,
        })
    }

    /// Returns the name of the model and of the cluster.
    pub(super) fn title(&self) -> String {
        format!("{} on {}", self.model_name(), self.cluster_name)
    }

    pub(super) fn model_name(&self) -> &str {
        self.model.as_ref().map_or(self.stored.model_id.as_str(), |model| &model.name)
    }

    /// Returns the pipelines to show, those of a point of the trade-off if one is chosen.
    pub(super) fn pipelines(&self, point: Option<usize>) -> Vec<ShownPipeline<'_>> {
        if let Some(point) = point.and_then(|point| self.placement.front.get(point)) {
            let (period_s, latency_s) = (point.period_s, point.latency_s);
            let rate_per_s = (period_s > 0.0).then(|| 1.0 / period_s);
            return vec![ShownPipeline { period_s, rate_per_s, latency_s, bottleneck: None, stages: &point.stages }];
        }
        let pipelines = self.placement.pipelines.iter().map(|pipeline| ShownPipeline {
            period_s: pipeline.period_s,
            rate_per_s: pipeline.rate_per_s,
            latency_s: pipeline.latency_s,
            bottleneck: Some(&pipeline.bottleneck),
            stages: &pipeline.stages,
        });
        pipelines.collect()
    }
}

impl Profile {
    fn with_positions(mut self) -> Self {
        self.positions = self.layers.iter().enumerate().map(|(place, layer)| (layer.id.clone(), place)).collect();
        self
    }

    /// Returns a layer by its id.
    pub(super) fn layer(&self, id: &str) -> Option<&Layer> {
        self.positions.get(id).and_then(|place| self.layers.get(*place))
    }
}

fn found<T>(answer: Result<T, Problem>) -> Result<Option<T>, Problem> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(problem) if problem.problem_type == ProblemType::NotFound => Ok(None),
        Err(problem) => Err(problem),
    }
}
