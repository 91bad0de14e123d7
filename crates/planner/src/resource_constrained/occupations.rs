//! Completion bounds of media in play: the least seconds for which the walk relaxation occupies a medium from a start on a
//! host to the end, within a period. Each stage may cost the price of its host in addition. As those of latency: O(m n² + n
//! m²) time, O(m n) memory for each medium.

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
    /// What a stage costs on each host, in seconds.
    pub prices: IndexVec<Host, f64>,
    /// The sum of one price of each host, in seconds. What a placement pays is at most this.
    pub all_prices_s: f64,
    /// By position, then host.
    least_s: Grid<Position, Host, BestTwo>,
    /// The least seconds of a whole walk, less one price of each host. No placement occupies the medium for less.
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
        let free = walks.instance.by_host(0.0);
        media.in_play().iter().map(|medium| Self::new(walks, medium, free.clone(), period_s, stop)).collect()
    }

    /// Tabulates a medium at a period with the price of each host.
    pub fn new<const W: usize>(
        walks: &AtPeriod<'_, W>,
        medium: &Arc<InPlay>,
        prices: IndexVec<Host, f64>,
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
                behind[(end, host)] = follow(instance, (medium, &prices), period_s, &least_s, (end, host));
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
        let all_prices_s = prices.iter().sum();
        let mut occupation = Self { medium: Arc::clone(medium), prices, all_prices_s, least_s, in_all_s: 0.0 };
        let whole = instance.hosts.indices().map(|host| occupation.whole_walk_s(instance, period_s, host));
        occupation.in_all_s = whole.fold(f64::INFINITY, f64::min) * (1.0 - ROUNDING) - all_prices_s;
        Ok(occupation)
    }

    /// The least seconds of a walk whose first host is this one, prices included.
    fn whole_walk_s(&self, instance: &Instance, period_s: f64, host: Host) -> f64 {
        if instance.input_s[host] > period_s {
            return f64::INFINITY;
        }
        let input_s = instance.load_bits[Position::FIRST] / self.medium.input_bps[host];
        input_s + self.prices[host] + self.least_s[(Position::FIRST, host)].least
    }

    /// The hosts of a walk that takes the least seconds, prices included. Empty where there is no walk.
    pub fn cheapest<const W: usize>(&self, walks: &AtPeriod<'_, W>, period_s: f64) -> Vec<Host> {
        let instance = walks.instance;
        let of = |host: Host| self.whole_walk_s(instance, period_s, host);
        let first = instance.hosts.indices().min_by(|&a, &b| of(a).total_cmp(&of(b)));
        let (mut start, mut before, mut hosts) = (Position::FIRST, Host::NOWHERE, Vec::new());
        let mut next = first.filter(|&host| of(host).is_finite());
        while let Some(host) = next {
            hosts.push(host);
            let mut least = (f64::INFINITY, start, None);
            for end in walks.ends_of_group(instance.group_of[host], &Bits::single(start)).iter() {
                let load_bits = instance.load_bits[end];
                if end == instance.last() {
                    let output_s = load_bits / self.medium.output_bps[host];
                    if instance.output_s[host] <= period_s && output_s < least.0 {
                        least = (output_s, end, None);
                    }
                    continue;
                }
                instance.links.for_each_transfer(host, load_bits, |to, hop_s| {
                    let rest_s = self.least_s[(end, to)].avoiding(host) + self.prices[to];
                    let seconds = load_bits / self.medium.hop_bps[(host, to)] + rest_s;
                    if to != before && hop_s <= period_s && seconds < least.0 {
                        least = (seconds, end, Some(to));
                    }
                });
            }
            (start, before, next) = (least.1, host, least.2);
        }
        hosts
    }

    /// The least seconds from a start on a host to the end, the price of that host left out; infinite where there is no way.
    /// The walk came from `before`.
    #[inline]
    pub fn completion_s(&self, host: Host, start: Position, before: Host) -> f64 {
        self.least_s[(start, host)].avoiding(before)
    }
}

/// What follows a stage that ends on a host.
fn follow(
    instance: &Instance,
    (medium, prices): (&InPlay, &IndexVec<Host, f64>),
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
            behind.add(load_bits / medium.hop_bps[(host, to)] + prices[to] + rest_s, to);
        }
    });
    behind
}
