//! What hosts of each class need: their groups, their links and the times of the input and the output.

use super::classes::{Class, Classes};
use crate::index::{GroupIndex, Host, Index};
use crate::instance::Instance;
use crate::links::Link;

/// The costs of an instance by classes of hosts.
pub struct ByClass<'i> {
    /// The instance. Only its stages and its transfers count.
    pub instance: &'i Instance,
    /// The group of each class's hosts.
    pub group_of: Vec<GroupIndex>,
    /// For each class the seconds in which the input reaches one of its hosts.
    pub input_s: Vec<f64>,
    /// For each class the seconds in which the output leaves one of its hosts.
    pub output_s: Vec<f64>,
    /// From each class to each other one.
    links: Vec<Link>,
}

impl<'i> ByClass<'i> {
    /// Returns the costs of classes whose hosts nothing distinguishes.
    pub fn new(instance: &'i Instance, classes: &Classes) -> Self {
        let count = classes.count();
        let pairs = (0..count).flat_map(|from| (0..count).map(move |to| (from, to)));
        let link = |(from, to)| classes.pair(from, to).map_or(Link::MISSING, |(from, to)| instance.link(from, to));
        let first = |class: Class| classes.members[class][0];
        Self {
            instance,
            group_of: (0..count).map(|class| instance.group_of[first(class)]).collect(),
            input_s: (0..count).map(|class| instance.input_s[first(class)]).collect(),
            output_s: (0..count).map(|class| instance.output_s[first(class)]).collect(),
            links: pairs.map(link).collect(),
        }
    }

    /// Returns costs that no pipeline is below, with each group of the instance as a class: the best link between any two hosts of two groups
    /// stands for all of them.
    pub fn of_groups(instance: &'i Instance) -> Self {
        let groups = instance.groups.len();
        let mut by_group = Self {
            instance,
            group_of: instance.groups.indices().collect(),
            input_s: vec![f64::INFINITY; groups],
            output_s: vec![f64::INFINITY; groups],
            links: vec![Link::MISSING; groups * groups],
        };
        for from in instance.hosts.indices() {
            let class = instance.group_of[from].number();
            by_group.input_s[class] = by_group.input_s[class].min(instance.input_s[from]);
            by_group.output_s[class] = by_group.output_s[class].min(instance.output_s[from]);
            for to in instance.hosts.indices().filter(|&to: &Host| to != from) {
                let link = instance.link(from, to);
                if link.exists() {
                    let best = &mut by_group.links[class * groups + instance.group_of[to].number()];
                    best.bandwidth_bps = best.bandwidth_bps.max(link.bandwidth_bps);
                    best.latency_s = best.latency_s.min(link.latency_s);
                }
            }
        }
        by_group
    }

    /// Returns the number of classes.
    pub fn classes(&self) -> usize {
        self.group_of.len()
    }

    /// Returns the link from a host of one class to another host of one.
    pub fn link(&self, from: Class, to: Class) -> Link {
        self.links[from * self.classes() + to]
    }

    /// Returns the links from each class to each one, by sender and receiver.
    pub fn links(&self) -> &[Link] {
        &self.links
    }
}
