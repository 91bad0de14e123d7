//! The same devices full of pipelines: what they make together, beside the best single pipeline.

use std::fmt::{self, Display, Formatter};

use anyhow::Context;
use cutpoint_planner::domain::unit::{counted, short_text};
use serde_json::json;

use super::client::Client;
use super::summary::Finished;

const MODELS: [&str; 2] = ["MobileNetV2", "ResNet50"];

/// What the devices make with one pipeline and with as many as help.
pub(super) struct Filled {
    models: Vec<FilledBy>,
}

/// What one model makes, inferences a second.
struct FilledBy {
    model: String,
    single_per_s: f64,
    together_per_s: f64,
    most_per_s: f64,
    pipelines: usize,
    nodes: usize,
}

impl Filled {
    /// Fills the devices with pipelines of some models. Models without an answer of one pipeline are left out.
    pub(super) async fn plan(client: &Client, finished: &[Finished], time_limit_s: f64) -> anyhow::Result<Self> {
        let mut models = Vec::new();
        for model in MODELS {
            let single = finished.iter().find(|one| one.model == model && one.algorithm == "auto");
            let Some((job, placement)) = single.and_then(|one| Some((&one.job, one.placement.as_ref()?))) else {
                continue;
            };
            let asked = json!({
                "model_id": job["model_id"],
                "cluster_id": job["cluster_id"],
                "pipelines": {},
                "solver": {"time_limit_s": time_limit_s},
                "labels": {"demo": "yes", "model": model, "algorithm": "auto"},
            });
            let id = super::id_of(&client.post("/v1/jobs", &asked).await?)?;
            let filled = super::answer_of(client, &id).await?.context("no pipelines fill the devices")?;
            let figure = |document: &serde_json::Value, member: &str| {
                document[member].as_f64().with_context(|| format!("the placement of {model} has no {member}"))
            };
            let pipelines = filled["pipelines"].as_array().context("the placement has no pipelines")?;
            let nodes = pipelines.iter().map(|it| it["stages"].as_array().map_or(0, Vec::len)).sum();
            models.push(FilledBy {
                model: model.to_owned(),
                single_per_s: figure(placement, "throughput_per_s")?,
                together_per_s: figure(&filled, "throughput_per_s")?,
                most_per_s: figure(&filled, "throughput_upper_bound_per_s")?,
                pipelines: pipelines.len(),
                nodes,
            });
        }
        Ok(Self { models })
    }
}

impl Display for Filled {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "The same devices full of pipelines, inferences a second:")?;
        for it in &self.models {
            let made = format!("{} on {}", counted(it.pipelines, "pipeline"), counted(it.nodes, "node"));
            let [single, together, most] = [it.single_per_s, it.together_per_s, it.most_per_s].map(short_text);
            write!(f, "\n  {:<18}{single:>8} as one pipeline, {together:>6} as {made}", it.model)?;
            write!(f, "; proven: none make more than {most}")?;
        }
        Ok(())
    }
}
