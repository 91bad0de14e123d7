//! Prices of hosts for a medium: a bound of the seconds for which placements occupy it.
//!
//! A walk may use one host several times, a placement does not. So a walk that also pays the price of each host that it uses,
//! less one price of each host, costs no more than a placement occupies the medium for, whatever the prices are. They are
//! raised where the cheapest walk returns, and lowered where it does not come (Held and Karp 1971; the steps are those of
//! Polyak 1969).

use std::sync::Arc;

use super::occupations::Occupation;
use crate::exact::at_period::AtPeriod;
use crate::index::{Host, IndexVec};
use crate::shared_media::InPlay;
use crate::stopped::Stopped;

/// The most changes of the prices.
const MOST_CHANGES: usize = 200;
/// Steps aim at this multiple of the period, since bounds approach what they aim at from below.
const AIM: f64 = 1.02;
/// How many changes without a better bound halve the steps.
const CHANGES_PER_STEP: usize = 8;
/// The length of a step that is so short that the search ends.
const SHORTEST_STEP: f64 = 0.02;

/// Prices of hosts, in seconds, for the time that a medium is occupied.
#[derive(Debug)]
pub struct MediumPrices {
    /// The medium.
    pub medium: Arc<InPlay>,
    /// By host; 0 or more.
    pub of_hosts: IndexVec<Host, f64>,
    /// No placement within the period of the search occupies the medium for fewer seconds.
    pub least_s: f64,
}

impl MediumPrices {
    /// Searches for the prices with the largest bound for placements within a period, until the bound exceeds the period.
    pub fn search<const W: usize>(
        walks: &AtPeriod<'_, W>,
        medium: &Arc<InPlay>,
        period_s: f64,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, Stopped> {
        let instance = walks.instance;
        let mut prices = instance.by_host(0.0);
        let mut best = Self { medium: Arc::clone(medium), of_hosts: prices.clone(), least_s: 0.0 };
        let (mut step, mut failed) = (1.0, 0);
        for _ in 0..MOST_CHANGES {
            let table = Occupation::new(walks, medium, prices.clone(), period_s, stop)?;
            if table.in_all_s > best.least_s {
                (best.least_s, failed) = (table.in_all_s, 0);
                best.of_hosts.clone_from(&prices);
            } else {
                failed += 1;
            }
            if best.least_s > period_s {
                break;
            }
            if failed == CHANGES_PER_STEP {
                (step, failed) = (step / 2.0, 0);
                prices.clone_from(&best.of_hosts);
            }
            // A price of 0 cannot be lowered.
            let mut returns: IndexVec<Host, f64> =
                prices.iter().map(|&price| if price > 0.0 { -1.0 } else { 0.0 }).collect();
            let mut visits = instance.by_host(0.0);
            table.cheapest(walks, period_s).into_iter().for_each(|host| visits[host] += 1.0);
            for (host, &visits) in visits.iter_indexed() {
                returns[host] = f64::max(visits - 1.0, returns[host]);
            }
            let squares: f64 = returns.iter().map(|returns| returns * returns).sum();
            if squares == 0.0 || step < SHORTEST_STEP {
                break;
            }
            let length = step * (AIM * period_s - table.in_all_s) / squares;
            prices.iter_mut().zip(&returns).for_each(|(price, returns)| *price = (*price + length * returns).max(0.0));
        }
        Ok(best)
    }

    /// Returns the completion bounds of the medium at a period with these prices.
    pub fn tabulate<const W: usize>(
        &self,
        walks: &AtPeriod<'_, W>,
        period_s: f64,
        stop: &dyn Fn() -> bool,
    ) -> Result<Occupation, Stopped> {
        Occupation::new(walks, &self.medium, self.of_hosts.clone(), period_s, stop)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::request::PlanRequest;
    use crate::exact::stage_ends::StageEnds;
    use crate::index::Index;
    use crate::instance::Instance;

    const NEVER: &dyn Fn() -> bool = &|| false;
    const OUTPUTS: [u32; 6] = [900, 400, 700, 300, 800, 50];
    const RATES_BPS: [f64; 7] = [1000.0, 5000.0, 2000.0, 1500.0, 4000.0, 2500.0, 1200.0];

    /// Six layers in a row on seven stations of an access point, each of which holds one layer.
    fn instance() -> Instance {
        let layer =
            |(at, bytes): (usize, &u32)| json!({"id": at.to_string(), "param_bytes": 10, "output_bytes": bytes});
        let layers: Vec<_> = OUTPUTS.iter().enumerate().map(layer).collect();
        let edges: Vec<_> = (1..6).map(|at| json!({"from": (at - 1).to_string(), "to": at.to_string()})).collect();
        let nodes: Vec<_> = (0..7).map(|at| json!({"id": at.to_string(), "memory_bytes": 10})).collect();
        let station = |(at, bps): (usize, &f64)| json!({"node_id": at.to_string(), "bandwidth_bps": bps});
        let stations: Vec<_> = RATES_BPS.iter().enumerate().map(station).collect();
        let request = json!({
            "model": {"name": "row", "layers": layers, "edges": edges},
            "cluster": {
                "name": "cell", "nodes": nodes,
                "network": {"kind": "access_point", "medium": "air", "stations": stations, "wired": []},
            },
            "cost_model": {"memory": "params"},
        });
        Instance::new(&PlanRequest::from_json(&request).unwrap(), NEVER).unwrap()
    }

    /// The least seconds of all ways to put the layers from one on, on stations that are not used yet.
    fn enumerated_s(layer: usize, before: usize, used: &mut Vec<usize>) -> f64 {
        let mut least_s = if layer == OUTPUTS.len() { 0.0 } else { f64::INFINITY };
        for station in (0..RATES_BPS.len()).filter(|_| layer < OUTPUTS.len()) {
            if used.contains(&station) {
                continue;
            }
            let hop_s = match layer {
                0 => 0.0,
                _ => 8.0 * f64::from(OUTPUTS[layer - 1]) * (1.0 / RATES_BPS[before] + 1.0 / RATES_BPS[station]),
            };
            used.push(station);
            least_s = least_s.min(hop_s + enumerated_s(layer + 1, station, used));
            used.pop();
        }
        least_s
    }

    #[test]
    fn the_bound_is_above_that_of_walks_and_below_every_placement() {
        let instance = instance();
        let stage_ends = StageEnds::<1>::new(&instance, NEVER).unwrap();
        let media = instance.shared_media.as_ref().unwrap();
        let spread = crate::cost::Assignment {
            stages: (0..6).map(|at| (crate::index::Position::nth(at + 1), Host::nth(at))).collect(),
        };
        let loads = media.occupied_s(&spread, &instance.load_bits);
        media.bring_in(&loads, 0.0, 0);
        let medium = media.busiest_in_play(&loads).unwrap();
        let least_s = enumerated_s(0, 0, &mut Vec::new());
        for part in [1.0, 1.2, 2.0] {
            let period_s = least_s * part;
            let walks = AtPeriod::new(&instance, &stage_ends, period_s, NEVER).unwrap();
            let of_walks_s = Occupation::new(&walks, &medium, instance.by_host(0.0), period_s, NEVER).unwrap().in_all_s;
            let prices = MediumPrices::search(&walks, &medium, period_s, NEVER).unwrap();
            assert!(of_walks_s < 0.9 * least_s, "{of_walks_s} of {least_s}");
            assert!(prices.least_s > 0.95 * least_s && prices.least_s <= least_s, "{} of {least_s}", prices.least_s);
            let table = prices.tabulate(&walks, period_s, NEVER).unwrap();
            assert_eq!(table.in_all_s, prices.least_s);
        }
        // No placement is faster, and the prices prove nearly all of it.
        let walks = AtPeriod::new(&instance, &stage_ends, 0.95 * least_s, NEVER).unwrap();
        let prices = MediumPrices::search(&walks, &medium, 0.95 * least_s, NEVER).unwrap();
        assert!(prices.least_s > 0.95 * least_s, "{} of {least_s}", prices.least_s);
    }
}
