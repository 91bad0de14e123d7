//! What some pipelines leave of an instance: a request for one more pipeline.

use crate::cost::Assignment;
use crate::domain::options::Objective;
use crate::domain::request::PlanRequest;
use crate::index::Host;
use crate::instance::Instance;

use super::packings::Packings;

/// A request for one pipeline on the hosts that others leave.
pub struct Left<'p> {
    /// The request. Its objective is the period.
    pub request: PlanRequest,
    /// The request in arrays.
    pub instance: Instance,
    whole: &'p Instance,
}

impl<'p> Left<'p> {
    /// Returns what pipelines on some hosts leave, or `None` if nothing is left or if the search must stop.
    pub fn by(packings: &Packings<'p>, used: &[Host]) -> Option<Self> {
        let whole = packings.instance;
        let mut request = packings.request.clone();
        let options = &mut request.options;
        options.pipelines = None;
        options.objective = Objective::MaxThroughput;
        options.constraints.max_nodes = Some((packings.most_hosts().saturating_sub(used.len())) as u64);
        let node_id = |&host: &Host| request.cluster.nodes[whole.hosts[host]].id.clone();
        options.constraints.exclude_nodes.extend(used.iter().map(node_id));
        let stop = || packings.env.stop.reason().is_some();
        let instance = Instance::between(&request, whole.cuts.clone(), &stop).ok()?;
        let is_empty = instance.hosts.is_empty() || instance.most_stages == 0;
        (!is_empty).then_some(Self { request, instance, whole })
    }

    /// Returns an assignment of this instance on the hosts of the whole one.
    pub fn in_whole(&self, found: &Assignment) -> Option<Assignment> {
        let host =
            |node: usize| self.whole.hosts.iter_indexed().find(|&(_, &other)| other == node).map(|(host, _)| host);
        let stages = found.stages.iter().map(|&(end, of_left)| Some((end, host(self.instance.hosts[of_left])?)));
        stages.collect::<Option<Vec<_>>>().map(|stages| Assignment { stages })
    }
}
