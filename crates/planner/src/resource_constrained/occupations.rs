//! Completion bounds of media in play: the least seconds for which the walk relaxation occupies a medium from a start on a
//! host to the end, within a period. As those of latency: O(m n² + n m²) time, O(m n) memory for each medium.

use std::sync::Arc;

use super::best_two::BestTwo;
use crate::bits::Bits;
use crate::cost::ROUNDING;
use crate::exact::at_period::AtPeriod;
use crate::index::{Grid, GroupIndex, Host, Index, IndexVec, Position};
use crate::instance::Instance;
use crate::shared_media::InPlay;
use crate::stopped::Stopped;

/// A medium in play with its completion bounds.
#[derive(Debug)]
pub struct Occupation {
    /// The medium.
    pub medium: Arc<InPlay>,
    /// By position, then host.
    least_s: Grid<Position, Host, BestTwo>,
    /// The least seconds of a whole walk.
    pub in_all_s: f64,
}

impl Occupation {
    /// Tabulates all media in play at a period.
    pub fn all<const W: usize>(
        walks: &AtPeriod<'_, W>,
        period_s: f64,
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<Self>, Stopped> {
        let Some(media) = &walks.instance.shared_media else { return Ok(Vec::new()) };
        media.in_play().iter().map(|medium| Self::new(walks, medium, period_s, stop)).collect()
    }

    fn new<const W: usize>(
        walks: &AtPeriod<'_, W>,
        medium: &Arc<InPlay>,
        period_s: f64,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, Stopped> {
        let instance = walks.instance;
        let hosts = instance.hosts.len();
        let mut least_s = Grid::filled(BestTwo::NONE, instance.blocks() + 1, hosts);
        let mut behind = Grid::filled(BestTwo::NONE, instance.blocks() + 1, hosts);
        let mut hosts_of: IndexVec<GroupIndex, Vec<Host>> = instance.by_group(Vec::new());
        instance.hosts.indices().for_each(|host| hosts_of[instance.group_of[host]].push(host));
        for start in instance.starts().rev() {
            for host in instance.hosts.indices() {
                if host.number() % 64 == 0 && stop() {
                    return Err(Stopped);
                }
                let end = start + 1;
                behind[(end, host)] = follow(instance, medium, period_s, &least_s, (end, host));
            }
            for group in instance.groups.indices() {
                if stop() {
                    return Err(Stopped);
                }
                let ends = walks.ends_of_group(group, &Bits::single(start));
                for &host in &hosts_of[group] {
                    let mut least = BestTwo::NONE;
                    ends.iter().for_each(|end| least.follow(0.0, &behind[(end, host)]));
                    least_s[(start, host)] = least;
                }
            }
        }
        let load_bits = instance.load_bits[Position::FIRST];
        let begun = instance.hosts.indices().filter(|&host| instance.input_s[host] <= period_s);
        let whole = begun.map(|host| load_bits / medium.input_bps[host] + least_s[(Position::FIRST, host)].least);
        let in_all_s = whole.fold(f64::INFINITY, f64::min) * (1.0 - ROUNDING);
        Ok(Self { medium: Arc::clone(medium), least_s, in_all_s })
    }

    /// The least seconds from a start on a host to the end; infinite where there is no way. The walk came from `before`.
    #[inline]
    pub fn completion_s(&self, host: Host, start: Position, before: Host) -> f64 {
        self.least_s[(start, host)].avoiding(before)
    }
}

/// What follows a stage that ends on a host.
fn follow(
    instance: &Instance,
    medium: &InPlay,
    period_s: f64,
    least_s: &Grid<Position, Host, BestTwo>,
    (end, host): (Position, Host),
) -> BestTwo {
    let mut behind = BestTwo::NONE;
    let load_bits = instance.load_bits[end];
    if end == instance.last() {
        if instance.output_s[host] <= period_s {
            behind.add(load_bits / medium.output_bps[host], Host::NOWHERE);
        }
        return behind;
    }
    let row = least_s.row(end);
    instance.links.for_each_transfer(host, load_bits, |to, hop_s| {
        let rest_s = row[to].avoiding(host);
        if hop_s <= period_s && rest_s.is_finite() {
            behind.add(load_bits / medium.hop_bps[(host, to)] + rest_s, to);
        }
    });
    behind
}
