//! The prices of nodes and shared media in the linear relaxation of a request for several pipelines.

use crate::domain::explanation::Price;
use crate::domain::options::Objective;
use crate::domain::placement::PlacementDocument;
use crate::domain::request::PlanRequest;
use crate::env::{Env, NoProgress, Stop};
use crate::instance::Instance;
use crate::pipelines::shared_loads::SharedResource;
use crate::pipelines::{Packings, Worth};
use crate::routes::Media;
use crate::stopped::Stopped;

/// Returns the prices above 0, the highest first. The list is empty if the document has no sum of rates, or if `stop` ended
/// the computation.
pub(super) fn prices(request: &PlanRequest, document: &PlacementDocument, stop: &dyn Stop) -> Vec<Price> {
    if request.options.objective != Objective::MaxThroughput || document.throughput_per_s.is_none() {
        return Vec::new();
    }
    priced(request, stop).unwrap_or_default()
}

fn priced(request: &PlanRequest, stop: &dyn Stop) -> Result<Vec<Price>, Stopped> {
    let must_stop = || stop.reason().is_some();
    let instance = Instance::new(request, &must_stop)?;
    let env = Env { seed: request.options.solver.seed, threads: 1, stop, progress: &NoProgress };
    let packings = Packings::new(request, &instance, &env);
    let Some(worth) = Worth::new(&packings, &must_stop)? else { return Ok(Vec::new()) };
    let media = Media::new(&request.cluster);
    let constraints = &request.options.constraints;
    let of_node = |node_id: String, price_per_s: f64| Price { node_id: Some(node_id), medium_id: None, price_per_s };
    let of_host = worth.of_host.into_iter().map(|(host, price)| {
        let node = &request.cluster.nodes[instance.hosts[host]];
        of_node(node.id.clone(), price)
    });
    let of_resource = worth.of_resource.into_iter().map(|(resource, price_per_s)| match resource {
        SharedResource::Medium(medium) => Price { node_id: None, medium_id: Some(media.id(medium)), price_per_s },
        SharedResource::Source => of_node(constraints.source_node.clone().unwrap_or_default(), price_per_s),
        SharedResource::Sink => of_node(constraints.sink_node.clone().unwrap_or_default(), price_per_s),
    });
    let mut prices: Vec<Price> = of_host.collect();
    // What the source or the sink is worth as such is added to what it is worth as a host.
    for more in of_resource {
        match prices.iter_mut().find(|it| it.node_id == more.node_id && it.medium_id == more.medium_id) {
            Some(known) => known.price_per_s += more.price_per_s,
            None => prices.push(more),
        }
    }
    prices.retain(|price| price.price_per_s > 0.0);
    prices.sort_by(|a, b| b.price_per_s.total_cmp(&a.price_per_s));
    Ok(prices)
}
