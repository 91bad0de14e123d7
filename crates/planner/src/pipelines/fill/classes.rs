//! Classes of hosts that nothing distinguishes, so that a search counts them in place of telling them apart.
//!
//! Two hosts are of one class if swapping them changes no cost: they are of one group, the input and the output travel to
//! and from both in the same time, their links to every other host are the same, and so is the pair between them in both
//! directions.

use crate::cost::Assignment;
use crate::index::{Host, IndexVec, Position};
use crate::instance::Instance;
use crate::resource_constrained::shipping::Shipping;
use crate::stopped::Stopped;

/// The number of a class.
pub type Class = usize;

/// The stages of a pipeline, each with its end and the class of its host.
pub type ClassStages = Vec<(Position, Class)>;

/// The classes of an instance's hosts.
#[derive(Debug, Clone)]
pub struct Classes {
    /// For each class, its hosts, ascending.
    pub members: Vec<Vec<Host>>,
    /// For each host, its class.
    pub of_host: IndexVec<Host, Class>,
}

impl Classes {
    /// Finds the classes. O(n² c) for c classes.
    ///
    /// Where transfers share media, hosts may differ in the media that they use, so that each is a class of its own.
    pub fn new(instance: &Instance, stop: &dyn Fn() -> bool) -> Result<Self, Stopped> {
        Self::of(instance, &|a, b| are_alike(instance, a, b), stop)
    }

    /// Finds the classes where hosts must also ship the same bytes for the same stages.
    pub fn that_ship_alike(instance: &Instance, shipping: &Shipping, stop: &dyn Fn() -> bool) -> Result<Self, Stopped> {
        Self::of(instance, &|a, b| shipping.is_alike(a, b) && are_alike(instance, a, b), stop)
    }

    /// Makes each host a class of its own.
    pub fn of_single_hosts(instance: &Instance) -> Self {
        let hosts = instance.hosts.indices();
        let mut of_host = instance.by_host(0);
        hosts.clone().enumerate().for_each(|(class, host)| of_host[host] = class);
        Self { members: hosts.map(|host| vec![host]).collect(), of_host }
    }

    fn of(
        instance: &Instance,
        are_alike: &dyn Fn(Host, Host) -> bool,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, Stopped> {
        let mut members: Vec<Vec<Host>> = Vec::new();
        let mut of_host = instance.by_host(0);
        for host in instance.hosts.indices() {
            if stop() {
                return Err(Stopped);
            }
            let alike = members.iter().position(|others| are_alike(others[0], host));
            let class = alike.unwrap_or(members.len());
            match members.get_mut(class) {
                Some(others) => others.push(host),
                None => members.push(vec![host]),
            }
            of_host[host] = class;
        }
        Ok(Self { members, of_host })
    }

    /// Returns the number of classes.
    pub fn count(&self) -> usize {
        self.members.len()
    }

    /// Returns the number of hosts of each class.
    pub fn sizes(&self) -> Vec<usize> {
        self.members.iter().map(Vec::len).collect()
    }

    /// Returns two hosts for a hop from one class to another. Returns `None` if both are the only host of a class.
    pub fn pair(&self, from: Class, to: Class) -> Option<(Host, Host)> {
        let second = usize::from(from == to);
        Some((self.members[from][0], *self.members[to].get(second)?))
    }

    /// Returns stages on hosts for stages on classes. `next` gives the number of members of each class that are taken
    /// already, and counts those that are taken now. Returns `None` if a class has too few.
    pub fn on_hosts(&self, stages: &ClassStages, next: &mut [usize]) -> Option<Assignment> {
        let host = |&(end, class): &(Position, Class)| {
            let host = *self.members[class].get(next[class])?;
            next[class] += 1;
            Some((end, host))
        };
        Some(Assignment { stages: stages.iter().map(host).collect::<Option<_>>()? })
    }

    /// Returns the classes of an assignment's hosts.
    pub fn of_assignment(&self, assignment: &Assignment) -> ClassStages {
        assignment.stages.iter().map(|&(end, host)| (end, self.of_host[host])).collect()
    }
}

fn are_alike(instance: &Instance, a: Host, b: Host) -> bool {
    let is_end = |host: Host| instance.source_host == Some(host) || instance.sink_host == Some(host);
    let bits = |host: Host| {
        [instance.input_s[host], instance.output_s[host], instance.input_delay_s[host], instance.output_delay_s[host]]
            .map(f64::to_bits)
    };
    let hop = |from: Host, to: Host| {
        let link = instance.link(from, to);
        [link.bandwidth_bps, link.latency_s, instance.delays.get(from, to)].map(f64::to_bits)
    };
    let others = || instance.hosts.indices().filter(|&other| other != a && other != b);
    instance.shared_media.is_none()
        && instance.group_of[a] == instance.group_of[b]
        && !is_end(a)
        && !is_end(b)
        && bits(a) == bits(b)
        && hop(a, b) == hop(b, a)
        && others().all(|other| hop(a, other) == hop(b, other) && hop(other, a) == hop(other, b))
}
