//! The search for a packing that ships few bytes from a base.
//!
//! It begins with what is known: the best packing, its stages on those of equal hosts that hold most of them, and the
//! pipelines of the base that are still valid. Where all pipelines that can matter can be listed, the fewest bytes are found
//! and proven by branch and bound ([`fewest`]). Otherwise pipelines are exchanged for ones that ship less ([`exchange`]).

mod exchange;
mod fewest;
mod known;
mod matching;
#[cfg(test)]
mod tests;

use self::exchange::Exchange;
use self::fewest::{Effort, fewest_bytes};
use super::classes::Classes;
use super::every_column::every_column_within;
use crate::pipelines::Packings;
use crate::resource_constrained::shipping::Shipping;
use crate::stopped::Stopped;

/// The most searches: each but the first because a smaller period was found.
const MOST_SEARCHES: usize = 8;

/// Searches for a packing that ships few bytes, until the stop hook ends the search or nothing is left to try.
pub fn replan(packings: &Packings<'_>) {
    let Some(shipping) = &packings.shipping else { return };
    if packings.best().is_some() {
        let _: Result<(), Stopped> = search(packings, shipping);
    }
}

fn search(packings: &Packings<'_>, shipping: &Shipping) -> Result<(), Stopped> {
    // Quick, so that it is done also where the search for the largest sum took all of the time.
    let kept = known::choose_known(packings, shipping);
    let stop = || packings.env.stop.reason().is_some();
    for _ in 0..MOST_SEARCHES {
        let (Some(needed_per_s), Some((_, most_bytes))) = (packings.least_allowed_per_s(), packings.cheapest()) else {
            break;
        };
        let classes = Classes::that_ship_alike(packings.instance, shipping, &stop)?;
        let within = (shipping, most_bytes as f64);
        match every_column_within(packings.instance, &classes, within, &stop)? {
            Some(columns) => fewest_bytes(packings, &classes, &columns, needed_per_s, Effort::ALL, &stop)?,
            None => Exchange::new(packings, shipping, kept.clone()).improve(needed_per_s, &stop)?,
        }
        if packings.least_allowed_per_s() == Some(needed_per_s) {
            break;
        }
    }
    Ok(())
}
