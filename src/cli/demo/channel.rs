//! The same devices on one channel: what the best plan for undisturbed links really takes there, and the best plan.

use std::fmt::{self, Display, Formatter};

use anyhow::Context;
use cutpoint_planner::domain::unit::seconds_text;
use serde_json::{Value, json};

use super::client::Client;
use super::summary::Finished;

const CLUSTER: &str = "radio-20-one-channel";
const MODEL: &str = "InceptionResNetV2";

/// The periods of one model with undisturbed links and on one channel, seconds.
pub(super) struct OneChannel {
    /// The best period if no transfer disturbs another.
    undisturbed_s: f64,
    /// What that placement takes on one channel.
    really_s: f64,
    /// The best period found on one channel.
    best_s: f64,
    /// Whether the best period is proven.
    proven: bool,
}

impl OneChannel {
    /// Evaluates the answer for undisturbed links on one channel, and plans for that channel. Returns `None` if there is no
    /// answer to compare with.
    pub(super) async fn compare(
        client: &Client,
        finished: &[Finished],
        time_limit_s: f64,
    ) -> anyhow::Result<Option<Self>> {
        let same = finished.iter().find(|one| one.model == MODEL && one.algorithm == "auto");
        let Some((job, placement)) = same.and_then(|one| Some((&one.job, one.placement.as_ref()?))) else {
            return Ok(None);
        };
        let Some(undisturbed_s) = placement["period_s"].as_f64() else { return Ok(None) };
        let example = client.get(&format!("/v1/examples/{CLUSTER}")).await?;
        let cluster_id = super::id_of(&client.post("/v1/clusters", &example["cluster"]).await?)?;
        let model_id = job["model_id"].clone();
        let stage = |stage: &Value| json!({"node_id": stage["node_id"], "layer_ids": stage["layer_ids"]});
        let stages: Vec<Value> =
            placement["pipelines"][0]["stages"].as_array().into_iter().flatten().map(stage).collect();
        let asked = json!({"model_id": model_id, "cluster_id": cluster_id, "stages": stages});
        let evaluation = client.post("/v1/evaluations", &asked).await?;
        let really_s = evaluation["period_s"].as_f64().context("the placement has no period on one channel")?;
        let asked = json!({
            "model_id": model_id,
            "cluster_id": cluster_id,
            "solver": {"time_limit_s": time_limit_s},
            "labels": {"demo": "yes", "model": MODEL, "algorithm": "auto"},
        });
        let id = super::id_of(&client.post("/v1/jobs", &asked).await?)?;
        let best = super::answer_of(client, &id).await?;
        let best = best.context("there is no placement on one channel")?;
        let best_s = best["period_s"].as_f64().context("the placement on one channel has no period")?;
        let proven = best["status"] == "optimal";
        Ok(Some(Self { undisturbed_s, really_s, best_s, proven }))
    }
}

impl Display for OneChannel {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let proven = if self.proven { ", proven" } else { "" };
        writeln!(f, "{MODEL} on the same devices, where all share one radio channel:")?;
        writeln!(
            f,
            "  {:<52}{:>10}",
            "the best plan if no transfer disturbs another",
            seconds_text(self.undisturbed_s)
        )?;
        writeln!(f, "  {:<52}{:>10}", "what that plan really takes on one channel", seconds_text(self.really_s))?;
        write!(f, "  {:<52}{:>10}{proven}", "the best plan for one channel", seconds_text(self.best_s))
    }
}
