//! The plain evaluation that conditions are compared with: from the stored documents to the checker, with no code of this
//! module.

use std::collections::BTreeMap;

use cutpoint_planner::check::evaluate;
use cutpoint_planner::domain::proposal::StageProposal;
use cutpoint_planner::domain::request::PlanRequest;
use serde_json::{Value, json};

use super::site::Site;
use crate::domain::deployment::ConditionStatus;
use crate::domain::id::Id;
use crate::store::Deployment;

/// Asserts that every condition is that of a plain evaluation, and that no proposal takes memory that another deployment
/// uses.
pub(super) async fn assert_right(site: &Site, rows: &[Deployment], context: &str) {
    for row in rows {
        if let Some(applied) = &row.applied {
            let today = evaluated(site, rows, row, &applied.placement_id).await;
            let status = match today.period_s.filter(|_| today.violations.is_empty()) {
                None => ConditionStatus::Broken,
                Some(period_s) if period_s > applied.period_s * row.policy.max_period_ratio * (1.0 + 1e-9) => {
                    ConditionStatus::Degraded
                }
                Some(_) => ConditionStatus::Healthy,
            };
            assert_eq!(row.condition.status, status, "{context}: {row:#?}");
            assert_eq!(row.condition.period_s, today.period_s, "{context}");
            assert_eq!(row.condition.violations, json!(today.violations).as_array().cloned().unwrap(), "{context}");
        } else {
            assert_eq!(row.condition.status, ConditionStatus::Pending, "{context}");
        }
        if let Some(proposed) = &row.proposed {
            assert_fits(site, rows, row, &proposed.placement_id, context).await;
        }
    }
}

async fn evaluated(
    site: &Site,
    rows: &[Deployment],
    row: &Deployment,
    placement: &Id,
) -> cutpoint_planner::check::Evaluation {
    let store = &site.fixture.store;
    let model = store.model_document(&site.tenant, &row.model_id).await.unwrap();
    let others = rows.iter().filter(|other| other.id != row.id);
    let occupants: Vec<Value> =
        others.filter_map(|other| other.occupant.as_deref()).map(|text| serde_json::from_str(text).unwrap()).collect();
    let request = json!({"model": serde_json::from_str::<Value>(&model).unwrap(), "cluster": site.inventory,
        "cost_model": {"memory": "params"}, "occupants": occupants});
    let stages: Vec<StageProposal> = stages(site, placement).await.into_iter().map(|(stage, _)| stage).collect();
    evaluate(&PlanRequest::from_json(&request).unwrap(), &stages)
}

/// The stages of a placement with their memory.
async fn stages(site: &Site, placement: &Id) -> Vec<(StageProposal, u64)> {
    let document = site.fixture.store.placement(&site.tenant, placement).await.unwrap().document;
    let document: Value = serde_json::from_str(&document).unwrap();
    let stage = |stage: &Value| {
        let ids = stage["layer_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
        let proposal = StageProposal { node_id: stage["node_id"].as_str().unwrap().to_owned(), layer_ids: ids };
        (proposal, stage["memory_bytes"].as_u64().unwrap())
    };
    document["pipelines"][0]["stages"].as_array().unwrap().iter().map(stage).collect()
}

/// Asserts that what is proposed and what the others run fit into each node together.
async fn assert_fits(site: &Site, rows: &[Deployment], row: &Deployment, placement: &Id, context: &str) {
    let mut used: BTreeMap<String, u64> = BTreeMap::new();
    let proposed = stages(site, placement).await;
    let nodes: Vec<String> = proposed.iter().map(|(stage, _)| stage.node_id.clone()).collect();
    let others = rows.iter().filter(|other| other.id != row.id).filter_map(|other| other.applied.as_ref());
    let mut all = proposed;
    for applied in others {
        all.extend(stages(site, &applied.placement_id).await);
    }
    for (stage, bytes) in all {
        *used.entry(stage.node_id).or_default() += bytes;
    }
    for node in nodes {
        let has = site.inventory["nodes"].as_array().unwrap().iter().find(|it| it["id"] == node.as_str());
        let memory = has.unwrap_or_else(|| panic!("{context}: {node} is gone"))["memory_bytes"].as_u64().unwrap();
        assert!(used[&node] <= memory, "{context}: {node} has {memory} bytes, and {} are taken", used[&node]);
    }
}
