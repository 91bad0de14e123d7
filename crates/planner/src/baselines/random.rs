//! `random`: a random partition on random hosts.
//!
//! Source: the random baseline of Parthasarathy and Krishnamachari, ITNAC 2022, doi
//! 10.1109/ITNAC55475.2022.9998427, changed to respect memory. Hosts are drawn along existing
//! links. A draw that finds no link, or that the request forbids, is repeated a limited number of
//! times. There is no guarantee. It takes O(m²) once, and O(k (m + n)) for each draw.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::partition::RandomPartition;
use super::permitted;
use crate::cost::score;
use crate::incumbent::Incumbent;
use crate::index::Host;
use crate::instance::Instance;

const DRAWS: usize = 1000;

/// Offers the first placement drawn that the request permits.
pub fn random(incumbent: &Incumbent<'_>) {
    let instance = incumbent.instance;
    let stop = || incumbent.must_end();
    let mut rng = Pcg64Mcg::seed_from_u64(incumbent.env.seed);
    let Ok(Some(partition)) = RandomPartition::new(instance, &stop) else { return };
    for _ in 0..DRAWS {
        if stop() {
            return;
        }
        let ends = partition.draw(&mut rng);
        let Some(hosts) = draw_hosts(instance, ends.len(), &mut rng) else { continue };
        let Some(assignment) = permitted(instance, &ends, &hosts) else { continue };
        if score(instance, &assignment).is_some() {
            incumbent.offer(assignment);
            return;
        }
    }
}

/// Draws distinct hosts, each linked to the next. Returns `None` if no unused host is linked to the
/// last one.
fn draw_hosts(instance: &Instance, stages: usize, rng: &mut Pcg64Mcg) -> Option<Vec<Host>> {
    let mut unused: Vec<Host> = instance.hosts.indices().collect();
    let mut hosts: Vec<Host> = Vec::with_capacity(stages);
    for _ in 0..stages {
        let is_linked = |host: Host| hosts.last().is_none_or(|&last| instance.link(last, host).exists());
        let linked: Vec<usize> = (0..unused.len()).filter(|&index| is_linked(unused[index])).collect();
        if linked.is_empty() {
            return None;
        }
        hosts.push(unused.swap_remove(linked[rng.random_range(0..linked.len())]));
    }
    Some(hosts)
}
