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
            let length = step * (period_s - table.in_all_s) / squares;
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
