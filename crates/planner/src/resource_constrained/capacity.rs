//! Capacity bounds of resource-constrained labels: the weighted capacity bounds, counted by groups
//! of hosts or by single hosts.
//!
//! With overlap `none`, the links of a host decide how much time is left for its stage. The hosts
//! of one group then differ, so they are counted one by one.

use super::loads::Loads;
use crate::bits::Bits;
use crate::exact::at_period::AtPeriod;
use crate::exact::weighted_capacity::{Remaining, Supply, WeightedCapacity};
use crate::index::{GroupIndex, Host, Index, IndexVec};
use crate::instance::Instance;
use crate::stopped::Stopped;

/// The capacity bounds at one period, or why there are none.
#[derive(Debug)]
pub enum ResourceCapacity {
    /// All hosts together cannot run the model.
    Insufficient,
    /// They can, with little to spare, so the bounds can exclude labels. Hosts are counted by
    /// group.
    ByGroup(WeightedCapacity),
    /// As [`Self::ByGroup`], but hosts are counted one by one.
    ByHost(WeightedCapacity),
    /// They can, with much to spare. Every start is admitted.
    Ample,
}

impl ResourceCapacity {
    /// Tests whether all hosts together can run the whole model. If capacity is scarce, stages are
    /// scarce too, so the tables by stages left are added to `loads`.
    pub fn new<const W: usize>(
        walks: &AtPeriod<'_, W>,
        loads: Option<&mut Loads>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, Stopped> {
        let instance = walks.instance;
        let by_group = match WeightedCapacity::judge(walks, stop)? {
            Supply::Insufficient => return Ok(Self::Insufficient),
            Supply::Ample => return Ok(Self::Ample),
            Supply::Scarce(by_group) => by_group,
        };
        let Some(loads) = loads else { return Ok(Self::ByGroup(by_group)) };
        loads.count_stages(instance, stop)?;
        if !instance.is_chain() {
            // Where cuts are sets, the links of a host hardly limit which sets of blocks it can
            // run.
            return Ok(Self::ByGroup(by_group));
        }
        let furthest = loads.furthest_ends(instance, stop)?;
        let furthest: Vec<usize> = furthest.cells().iter().map(|end| end.number()).collect();
        Ok(match WeightedCapacity::judge_kinds(instance, &furthest, &each_host(instance), stop)? {
            Supply::Insufficient => Self::Insufficient,
            Supply::Scarce(by_host) => Self::ByHost(by_host),
            Supply::Ample => Self::ByGroup(by_group),
        })
    }

    /// Returns those of `starts` on a host from which the unused hosts can run the rest of the
    /// model with `stages` more stages. The host itself and `visited` count as used.
    pub fn admitted<const W: usize>(
        &self,
        instance: &Instance,
        host: Host,
        visited: impl Iterator<Item = Host>,
        stages: usize,
        starts: Bits<W>,
    ) -> Bits<W> {
        let (capacity, mut remaining) = match self {
            Self::Insufficient => return Bits::EMPTY,
            Self::Ample => return starts,
            Self::ByGroup(capacity) => (capacity, Remaining::all(instance)),
            Self::ByHost(capacity) => (capacity, each_host(instance)),
        };
        let kind = |host: Host| match self {
            Self::ByHost(_) => GroupIndex::nth(host.number()),
            _ => instance.group_of[host],
        };
        remaining.stages = stages;
        remaining.by_group[kind(host)] -= 1;
        for node in visited.filter(|&node| node != host) {
            remaining.by_group[kind(node)] -= 1;
        }
        capacity.admitted(kind(host), starts, &remaining)
    }

    /// Returns `true` if every start is admitted.
    pub fn is_ample(&self) -> bool {
        matches!(self, Self::Ample)
    }
}

/// Returns all hosts, each as a group of its own.
fn each_host(instance: &Instance) -> Remaining {
    Remaining { by_group: IndexVec::filled(1, instance.hosts.len()), stages: instance.most_stages }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Env;
    use crate::cost::{Assignment, costs};
    use crate::domain::options::Overlap;
    use crate::domain::request::PlanRequest;
    use crate::env::{NeverStop, NoProgress};
    use crate::exact::stage_ends::StageEnds;
    use crate::goals::period_of_sums;
    use crate::incumbent::Incumbent;
    use crate::index::Position;

    const INSTANCES: [&str; 4] = [
        include_str!("../../tests/instances/paper_tight_n16_0.json"),
        include_str!("../../tests/instances/paper_tight_n20_0.json"),
        include_str!("../../tests/instances/hetero_types_n10_0.json"),
        include_str!("../../tests/instances/asym_n12_0.json"),
    ];

    fn best(request: &PlanRequest, instance: &Instance) -> Assignment {
        let env = Env { seed: 0, threads: 1, stop: &NeverStop, progress: &NoProgress };
        let incumbent = Incumbent::new(request, instance, &env);
        period_of_sums::search::<16>(&incumbent).unwrap();
        assert_eq!(incumbent.bound(), incumbent.objective());
        incumbent.best().unwrap()
    }

    /// The same request without the nodes that a placement leaves idle, but for one.
    fn without_idle(request: &PlanRequest, instance: &Instance, placement: &Assignment) -> PlanRequest {
        let used: Vec<usize> = placement.stages.iter().map(|&(_, host)| instance.hosts[host]).collect();
        let idle = instance.hosts.iter().filter(|node| !used.contains(node)).skip(1);
        let mut scarce = request.clone();
        let ids = idle.map(|&node| request.cluster.nodes[node].id.clone());
        scarce.options.constraints.exclude_nodes.extend(ids);
        scarce
    }

    /// Every stage of a best placement must be admitted, with just the stages and hosts left that follow it. Says whether
    /// hosts were so scarce that they count one by one.
    fn admits_what_is_best(request: &PlanRequest, instance: &Instance, best: &Assignment) -> bool {
        let stage_ends = StageEnds::<16>::new(instance, &|| false).unwrap();
        let period_s = costs(instance, best).period_s;
        let walks = AtPeriod::new(instance, &stage_ends, period_s, &|| false).unwrap();
        let mut loads = Loads::new(instance, period_s, &|| false).unwrap();
        let capacity = ResourceCapacity::new(&walks, Some(&mut loads), &|| false).unwrap();
        loads.count_stages(instance, &|| false).unwrap();
        let furthest = loads.furthest_ends(instance, &|| false).unwrap();
        let spans: Vec<(Position, Position, Host)> = best.spans().collect();
        let name = &request.cluster.name;
        for (index, &(start, end, host)) in spans.iter().enumerate() {
            let left = spans.len() - index;
            let before = if index == 0 { host } else { spans[index - 1].2 };
            let receive_s = if index == 0 { instance.input_s[host] } else { instance.hop_s(before, host, start) };
            assert!(loads.admits(host, start, before, left, receive_s), "{name}, stage {index}");
            assert!(loads.fewest_stages(host, start, host, receive_s).is_none_or(|fewest| fewest <= left));
            assert!(furthest[(host, start)] >= end, "{name}, stage {index}");
            let visited = instance.hosts.indices().filter(|host| !spans[index..].iter().any(|span| span.2 == *host));
            let admitted = capacity.admitted(instance, host, visited, left - 1, Bits::<16>::single(start));
            assert!(admitted.contains(start), "{name}, stage {index}");
        }
        assert!(!loads.admits(spans[0].2, Position::FIRST, spans[0].2, spans.len(), period_s * 1.1));
        loads.counts_stages() && matches!(capacity, ResourceCapacity::ByHost(_))
    }

    #[test]
    fn nothing_that_a_placement_does_is_refused() {
        let mut scarce = 0;
        for text in INSTANCES {
            let certified: serde_json::Value = serde_json::from_str(text).unwrap();
            let mut request = PlanRequest::from_json(&certified["request"]).unwrap();
            request.options.cost_model.overlap = Overlap::None;
            let instance = Instance::new(&request, &|| false).unwrap();
            let found = best(&request, &instance);
            scarce += usize::from(admits_what_is_best(&request, &instance, &found));
            let request = without_idle(&request, &instance, &found);
            let instance = Instance::new(&request, &|| false).unwrap();
            let found = best(&request, &instance);
            scarce += usize::from(admits_what_is_best(&request, &instance, &found));
        }
        assert!(scarce >= 1, "no instance was scarce in hosts");
    }
}
