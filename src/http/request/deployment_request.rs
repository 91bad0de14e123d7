//! The bodies of requests about deployments.

use std::collections::BTreeMap;

use cutpoint_planner::domain::fault::FaultCode;
use cutpoint_planner::domain::hash::json_text;
use cutpoint_planner::domain::options::PlanOptions;
use cutpoint_planner::domain::read::Reader;
use cutpoint_planner::domain::unit::MAX_SAFE_INTEGER;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::deployment::{DeploymentOptions, OnChange, Policy};
use crate::domain::named::Named;
use crate::http::api::Limits;
use crate::http::request::body::document;
use crate::http::request::limits::{MOST_LABELS, fits};
use crate::store::DeploymentChange;

/// The longest name of a deployment, characters.
const LONGEST_NAME: usize = 256;
/// The most deployments that are planned together.
const MOST_TOGETHER: usize = 100;
/// The longest cool-down, seconds.
const LONGEST_COOL_DOWN_S: f64 = 1e6;
/// The most proposals within an hour that a policy may allow.
const MOST_PROPOSALS: u64 = 3600;
/// The largest ratio.
const LARGEST_RATIO: f64 = 1e100;

document! {
    /// A deployment to create: a model that is to run on a cluster.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct DeploymentRequest {
        /// Its name.
        #[schema(min_length = 1, max_length = 256)]
        pub name: String,
        /// The registered model.
        #[schema(min_length = 1, max_length = 256)]
        pub model_id: String,
        /// The registered cluster.
        #[schema(min_length = 1, max_length = 256)]
        pub cluster_id: String,
        /// The options of its plans.
        #[schema(nullable = false)]
        pub options: Option<DeploymentOptions>,
        /// Labels, by which lists can be filtered. At most 64.
        #[schema(nullable = false)]
        pub labels: Option<BTreeMap<String, String>>,
        /// When to propose what.
        #[schema(nullable = false)]
        pub policy: Option<Policy>,
    }
}

document! {
    /// Changes of a deployment. A given member replaces the whole member; others stay.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct DeploymentPatch {
        /// Its name.
        #[schema(nullable = false, min_length = 1, max_length = 256)]
        pub name: Option<String>,
        /// The options of its plans. Other ones withdraw what is proposed and ask for a plan.
        #[schema(nullable = false)]
        pub options: Option<DeploymentOptions>,
        /// Labels. At most 64.
        #[schema(nullable = false)]
        pub labels: Option<BTreeMap<String, String>>,
        /// When to propose what.
        #[schema(nullable = false)]
        pub policy: Option<Policy>,
    }
}

document! {
    /// What runs now.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct AppliedRequest {
        /// The placement that runs: the proposed one, or an earlier one of the history.
        #[schema(min_length = 1, max_length = 256)]
        pub placement_id: String,
        /// The revision of the deployment that the caller saw.
        #[schema(minimum = 1, maximum = 9007199254740991_i64)]
        pub revision: u64,
    }
}

document! {
    /// Deployments of one cluster that are to be planned together.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct TogetherRequest {
        /// The deployments, each once; at most 100.
        #[schema(min_items = 1, max_items = 100)]
        pub deployment_ids: Vec<String>,
        /// Seconds for all orders; by default 10.
        #[schema(nullable = false, exclusive_minimum = 0)]
        pub time_limit_s: Option<f64>,
    }
}

/// What a deployment is to be, before its ids are looked up.
#[derive(Debug)]
pub(crate) struct DeploymentDraft {
    pub(crate) name: String,
    pub(crate) model_id: String,
    pub(crate) cluster_id: String,
    pub(crate) options: Value,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) policy: Policy,
}

/// Reads a deployment to create.
pub(crate) fn read_deployment(reader: &mut Reader, value: &Value, limits: &Limits) -> Option<DeploymentDraft> {
    let map = reader.object(value, DeploymentRequest::FIELDS)?;
    let name = reader.required(map, "name", read_name);
    let model_id = reader.required(map, "model_id", Reader::id);
    let cluster_id = reader.required(map, "cluster_id", Reader::id);
    let given = map.contains_key("options");
    let options = reader.optional(map, "options", |reader, value| read_options(reader, value, limits));
    let options = if given { options } else { default_options(limits) };
    let labels = read_labels(reader, map).unwrap_or_default();
    let policy = reader.optional(map, "policy", read_policy).unwrap_or_default();
    Some(DeploymentDraft {
        name: name?,
        model_id: model_id?,
        cluster_id: cluster_id?,
        options: options?,
        labels,
        policy,
    })
}

/// Reads changes of a deployment.
pub(crate) fn read_change(reader: &mut Reader, value: &Value, limits: &Limits) -> Option<DeploymentChange> {
    let map = reader.object(value, DeploymentPatch::FIELDS)?;
    Some(DeploymentChange {
        name: reader.optional(map, "name", read_name),
        options: reader.optional(map, "options", |reader, value| read_options(reader, value, limits)),
        labels: read_labels(reader, map),
        policy: reader.optional(map, "policy", read_policy),
    })
}

/// Reads what runs: the placement's id and the deployment's revision.
pub(crate) fn read_applied(reader: &mut Reader, value: &Value) -> Option<(String, u64)> {
    let map = reader.object(value, AppliedRequest::FIELDS)?;
    let placement_id = reader.required(map, "placement_id", Reader::id);
    let revision = reader.required(map, "revision", |reader, value| reader.integer(value, 1, MAX_SAFE_INTEGER));
    Some((placement_id?, revision?))
}

/// Reads the ids of deployments and the time limit, seconds.
pub(crate) fn read_together(reader: &mut Reader, value: &Value, limits: &Limits) -> Option<(Vec<String>, f64)> {
    let map = reader.object(value, TogetherRequest::FIELDS)?;
    if !fits(reader, map.get("deployment_ids"), "deployment_ids", MOST_TOGETHER) {
        return None;
    }
    let ids = reader.required(map, "deployment_ids", |reader, value| reader.items(value, Reader::id));
    let ids: Vec<String> = ids?.into_iter().collect::<Option<_>>()?;
    if ids.is_empty() {
        let below = ["deployment_ids".into()];
        reader.fault_at(&below, FaultCode::Empty, "no deployment is named", "Name the deployments to plan");
    }
    for (index, id) in ids.iter().enumerate() {
        if ids[..index].contains(id) {
            let below = ["deployment_ids".into(), index.into()];
            reader.fault_at(&below, FaultCode::Duplicate, "this deployment is named already", "Name each once");
        }
    }
    let most = limits.time_limit_s;
    let range = format!("a number above 0 and at most {most}");
    let limit = reader.optional(map, "time_limit_s", |reader, value| {
        reader.number(value, &range, |seconds| seconds > 0.0 && seconds <= most)
    });
    Some((ids, limit.unwrap_or(most.min(10.0))))
}

fn read_name(reader: &mut Reader, value: &Value) -> Option<String> {
    reader.text(value, LONGEST_NAME)
}

fn read_labels(reader: &mut Reader, map: &Map<String, Value>) -> Option<BTreeMap<String, String>> {
    fits(reader, map.get("labels"), "labels", MOST_LABELS)
        .then(|| reader.optional(map, "labels", Reader::labels))
        .flatten()
}

fn default_options(limits: &Limits) -> Option<Value> {
    let mut options = PlanOptions::default();
    options.solver.time_limit_s = options.solver.time_limit_s.min(limits.time_limit_s);
    serde_json::from_str(&json_text(&options)).ok()
}

/// Reads options, and returns them with their defaults.
fn read_options(reader: &mut Reader, value: &Value, limits: &Limits) -> Option<Value> {
    let map = reader.object(value, DeploymentOptions::FIELDS)?;
    if !limits.admit_constraints(reader, map) {
        return None;
    }
    let mut options = PlanOptions::read(reader, map);
    limits.bound_time(reader, map, &mut options.solver);
    // They are JSON, so that reading them does not fail.
    serde_json::from_str(&json_text(&options)).ok()
}

fn read_policy(reader: &mut Reader, value: &Value) -> Option<Policy> {
    let map = reader.object(value, Policy::FIELDS)?;
    let choices: Vec<(&str, OnChange)> = OnChange::ALL.iter().map(|choice| (choice.name(), *choice)).collect();
    let ratio = |reader: &mut Reader, value: &Value| {
        reader.number(value, "a number from 1 to 1e100", |ratio| (1.0..=LARGEST_RATIO).contains(&ratio))
    };
    let cool_down = |reader: &mut Reader, value: &Value| {
        reader.number(value, "a number from 0 to 1e6", |seconds| (0.0..=LONGEST_COOL_DOWN_S).contains(&seconds))
    };
    let default = Policy::default();
    Some(Policy {
        on_change: reader
            .optional(map, "on_change", |reader, value| reader.one_of(value, &choices))
            .unwrap_or(default.on_change),
        max_period_ratio: reader.optional(map, "max_period_ratio", ratio).unwrap_or(default.max_period_ratio),
        min_improvement: reader.optional(map, "min_improvement", ratio),
        max_measured_ratio: reader.optional(map, "max_measured_ratio", ratio),
        cool_down_s: reader.optional(map, "cool_down_s", cool_down).unwrap_or(default.cool_down_s),
        max_proposals_per_hour: reader
            .optional(map, "max_proposals_per_hour", |reader, value| reader.integer(value, 1, MOST_PROPOSALS))
            .unwrap_or(default.max_proposals_per_hour),
    })
}
