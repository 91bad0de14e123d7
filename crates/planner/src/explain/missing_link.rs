//! Pairs of nodes without a link, whose links could make a placement possible.

use super::on_cluster;
use crate::domain::cluster::Link;
use crate::domain::request::PlanRequest;
use crate::links;
use crate::routes::Routes;

/// The most pairs that are tried.
const MOST_PAIRS: usize = 200;

/// The new link if the cluster has no link to compare with.
const WITHOUT_MEASURE: links::Link = links::Link { bandwidth_bps: 1e8, latency_s: 0.0 };

/// The pairs that have no link in at least one direction, and the properties of a new link.
pub(super) struct MissingLinks {
    /// Places in the inventory. The first is smaller than the second.
    pub pairs: Vec<(usize, usize)>,
    /// A link with the median bandwidth and the median latency of the links present.
    pub link: links::Link,
}

impl MissingLinks {
    /// Finds the pairs among the nodes that may host stages, the source and the sink.
    pub(super) fn new(request: &PlanRequest) -> Self {
        let (cluster, constraints) = (&request.cluster, &request.options.constraints);
        let is_end = |id: &String| [&constraints.source_node, &constraints.sink_node].contains(&&Some(id.clone()));
        let nodes = cluster.nodes.iter().enumerate();
        let nodes = nodes.filter(|(_, node)| constraints.admit(node) || is_end(&node.id));
        let nodes: Vec<usize> = nodes.map(|(place, _)| place).collect();
        let routes = Routes::new(cluster);
        let (mut pairs, mut present) = (Vec::new(), Vec::new());
        for (place, &a) in nodes.iter().enumerate() {
            for &b in &nodes[place + 1..] {
                let both = [routes.link(a, b), routes.link(b, a)];
                if both.iter().any(|link| !link.exists()) {
                    pairs.push((a, b));
                }
                present.extend(both.into_iter().filter(|link| link.exists()));
            }
        }
        let median = |of: fn(&links::Link) -> f64| {
            let mut all: Vec<f64> = present.iter().map(of).collect();
            all.sort_unstable_by(f64::total_cmp);
            all.get(all.len() / 2).copied()
        };
        let link = median(|link| link.bandwidth_bps).zip(median(|link| link.latency_s));
        let link = link.map_or(WITHOUT_MEASURE, |(bandwidth_bps, latency_s)| links::Link { bandwidth_bps, latency_s });
        Self { pairs, link }
    }

    /// Returns the pairs that are tried one at a time.
    pub(super) fn tried(&self) -> &[(usize, usize)] {
        &self.pairs[..self.pairs.len().min(MOST_PAIRS)]
    }

    /// Returns the request with new links between these pairs, in the directions that have none.
    pub(super) fn add(&self, request: &PlanRequest, pairs: &[(usize, usize)]) -> PlanRequest {
        let routes = Routes::new(&request.cluster);
        let id = |node: usize| request.cluster.nodes[node].id.clone();
        let directions = pairs.iter().flat_map(|&(a, b)| [(a, b), (b, a)]);
        let missing = directions.filter(|&(from, to)| !routes.link(from, to).exists());
        let links::Link { bandwidth_bps, latency_s } = self.link;
        let link = |(from, to)| Link {
            from: id(from),
            to: id(to),
            bandwidth_bps,
            latency_s,
            bidirectional: false,
            medium: None,
        };
        let links: Vec<Link> = missing.map(link).collect();
        on_cluster(request, |cluster| cluster.links.extend(links))
    }
}
