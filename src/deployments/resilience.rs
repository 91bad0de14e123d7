//! Resilience: what is known of the loss of each node that a deployment uses.

use serde::Serialize;
use utoipa::ToSchema;

use super::Deployments;
use super::lost::used_nodes;
use super::sight::Sight;
use crate::domain::deployment::FallbackStatus;
use crate::domain::id::{Id, IdKind};
use crate::domain::named::named;
use crate::domain::tenant::Tenant;
use crate::store::StoreError;

named! {
    /// What is known of the loss of a node.
    pub enum NodeFallbackStatus {
        /// There is a placement to go to.
        Ready = "ready",
        /// It is proven that there is none.
        Impossible = "impossible",
        /// None was found.
        Failed = "failed",
        /// It is planned in idle time.
        PlannedLater = "planned_later",
    }
}

/// What is done when a node is lost.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct NodeFallback {
    /// The node.
    pub node_id: String,
    /// What is known.
    pub status: NodeFallbackStatus,
    /// The placement to go to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>)]
    pub placement_id: Option<Id>,
    /// Its period, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub period_s: Option<f64>,
    /// Bytes of parameters to ship.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub shipped_bytes: Option<u64>,
}

/// What is done when any node of a deployment is lost.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Resilience {
    /// The deployment.
    #[schema(value_type = String)]
    pub deployment_id: Id,
    /// What is applied; absent while nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>)]
    pub placement_id: Option<Id>,
    /// The newest revision of the cluster.
    #[schema(minimum = 1)]
    pub cluster_revision: u64,
    /// Whether every node has an answer for this revision.
    pub complete: bool,
    /// Whether any one node may fail: for each that the deployment uses there is a placement to go to, which is valid without
    /// that node.
    pub any_one_node_may_fail: bool,
    /// The longest period after the loss of one node, seconds; absent unless any one may fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub period_s: Option<f64>,
    /// The same in words.
    pub statement: String,
    /// The nodes that the deployment uses, in the order of their ids: those that host its stages, those that forward what they
    /// send, and the source and the sink of its options.
    pub nodes: Vec<NodeFallback>,
}

impl Deployments {
    /// Returns what is known of the loss of each node that a deployment uses: it hosts nothing then, and forwards nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn resilience(&self, tenant: &Tenant, id: &Id) -> Result<Resilience, StoreError> {
        let row = self.inner.store.deployment(tenant, id).await?;
        let site = self.inner.store.site(tenant, &row.cluster_id).await?;
        let sight = Sight::of(&self.inner.store, &self.inner.kept, tenant, site).await?;
        let id = id.clone();
        let known = tokio::task::spawn_blocking(move || of_sight(&sight, &id));
        known.await.map_err(|_| StoreError::Panicked)?
    }
}

fn of_sight(sight: &Sight, id: &Id) -> Result<Resilience, StoreError> {
    let missing = || StoreError::NotFound { kind: IdKind::Deployment, id: id.as_str().to_owned() };
    let index = sight.seen.iter().position(|seen| seen.row.id == *id).ok_or_else(missing)?;
    let base_id = sight.seen[index].row.applied.as_ref().map(|applied| applied.placement_id.clone());
    let of_node = |node: &String| {
        let known = sight.fallbacks.iter().map(|(known, _)| known).find(|known| {
            known.deployment_id == *id
                && known.node_id == *node
                && Some(&known.base_id) == base_id.as_ref()
                && known.stamp == sight.stamp(index)
        });
        NodeFallback {
            node_id: node.clone(),
            status: match known.map(|known| known.status) {
                None => NodeFallbackStatus::PlannedLater,
                Some(FallbackStatus::Ready) => NodeFallbackStatus::Ready,
                Some(FallbackStatus::Impossible) => NodeFallbackStatus::Impossible,
                Some(FallbackStatus::Failed) => NodeFallbackStatus::Failed,
            },
            placement_id: known.and_then(|known| known.placement_id.clone()),
            period_s: known.and_then(|known| known.period_s),
            shipped_bytes: known.and_then(|known| known.shipped_bytes),
        }
    };
    let nodes: Vec<NodeFallback> = used_nodes(sight, index).iter().map(of_node).collect();
    Ok(summed(id, base_id, sight.cluster.revision, nodes))
}

fn summed(id: &Id, placement_id: Option<Id>, cluster_revision: u64, nodes: Vec<NodeFallback>) -> Resilience {
    let is = |status| move |node: &&NodeFallback| node.status == status;
    let complete = !nodes.is_empty() && !nodes.iter().any(|node| node.status == NodeFallbackStatus::PlannedLater);
    let may_fail = !nodes.is_empty() && nodes.iter().all(|node| node.status == NodeFallbackStatus::Ready);
    let period_s = may_fail.then(|| nodes.iter().filter_map(|node| node.period_s).fold(0.0, f64::max));
    let ids = |status| nodes.iter().filter(is(status)).map(|node| node.node_id.as_str()).collect::<Vec<_>>().join(", ");
    let (impossible, failed) = (ids(NodeFallbackStatus::Impossible), ids(NodeFallbackStatus::Failed));
    let statement = match period_s {
        Some(period_s) => format!("any one node may fail: period at most {period_s} s"),
        None if nodes.is_empty() => "nothing is applied".to_owned(),
        None if !impossible.is_empty() => format!("without any of these there is no placement: {impossible}"),
        None if !failed.is_empty() => format!("for the loss of these no placement was found: {failed}"),
        None => format!("not planned yet for the loss of: {}", ids(NodeFallbackStatus::PlannedLater)),
    };
    Resilience {
        deployment_id: id.clone(),
        placement_id,
        cluster_revision,
        complete,
        any_one_node_may_fail: may_fail,
        period_s,
        statement,
        nodes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(node_id: &str, status: NodeFallbackStatus, period_s: Option<f64>) -> NodeFallback {
        NodeFallback { node_id: node_id.to_owned(), status, placement_id: None, period_s, shipped_bytes: None }
    }

    fn of(nodes: Vec<NodeFallback>) -> Resilience {
        summed(&Id::new(IdKind::Deployment, uuid::Uuid::nil()), None, 3, nodes)
    }

    #[test]
    fn the_statement_is_about_the_worst_node() {
        let ready = |id: &str, period_s| node(id, NodeFallbackStatus::Ready, Some(period_s));
        let all = of(vec![ready("a", 0.5), ready("b", 0.75)]);
        assert_eq!((all.any_one_node_may_fail, all.period_s), (true, Some(0.75)));
        assert_eq!(all.statement, "any one node may fail: period at most 0.75 s");
        let one = of(vec![ready("a", 0.5), node("b", NodeFallbackStatus::Impossible, None)]);
        assert_eq!((one.any_one_node_may_fail, one.complete, one.period_s), (false, true, None));
        assert!(one.statement.ends_with(": b"), "{}", one.statement);
        let later = of(vec![ready("a", 0.5), node("b", NodeFallbackStatus::PlannedLater, None)]);
        assert_eq!((later.any_one_node_may_fail, later.complete), (false, false));
        assert_eq!(of(Vec::new()).statement, "nothing is applied");
    }
}
