//! What is done in idle time: improvements, as large as the policy asks for, each once.

use std::time::Duration;

use serde_json::json;

use super::site::{Site, chain, inventory};
use crate::domain::deployment::{ConditionStatus, DeploymentReason, Policy};

/// A site with two slow nodes where something runs, after a fast one was added.
async fn improved(min_improvement: f64) -> Site {
    let mut site = Site::new(inventory(&[(2000, 1e7), (2000, 1e7)])).await;
    let policy = Policy { min_improvement: Some(min_improvement), cool_down_s: 0.0, ..Policy::default() };
    site.create(&chain("m", &[900, 900]), policy).await;
    site.settle().await;
    assert!(site.apply(&site.rows().await[0]).await);
    site.pass(Duration::from_secs(5), 10).await;
    assert!(site.rows().await[0].proposed.is_none(), "nothing is better yet");
    let fast = json!({"id": "fast", "memory_bytes": 4000, "flops_per_s": 1e9});
    site.inventory["nodes"].as_array_mut().unwrap().push(fast);
    site.revise().await;
    site.pass(Duration::from_secs(5), 10).await;
    site
}

#[tokio::test]
async fn an_improvement_is_proposed_where_it_is_large_enough() {
    let site = improved(1.5).await;
    let row = &site.rows().await[0];
    assert_eq!(row.condition.status, ConditionStatus::Healthy);
    assert_eq!(row.proposed.as_ref().unwrap().reason, DeploymentReason::Improvement);
    assert!(site.apply(row).await);
    site.pass(Duration::from_secs(5), 10).await;
    assert!(site.rows().await[0].proposed.is_none(), "it does not get better again");
}

#[tokio::test]
async fn a_small_improvement_is_not_worth_a_move() {
    let site = improved(1e6).await;
    let row = &site.rows().await[0];
    assert_eq!((row.condition.status, row.proposed.as_ref()), (ConditionStatus::Healthy, None));
}
