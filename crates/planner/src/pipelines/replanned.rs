//! The packing that ships the fewest bytes from a base, among those with a period that the request allows.

use super::packings::{Packing, Packings, State};
use crate::cost::{Assignment, ROUNDING};
use crate::document::max_period_s;
use crate::domain::placement::Termination;

/// The part by which a sum of rates may be below the smallest one allowed: both come from sums and linear programs in
/// floating point. The checker allows twice as much.
const SLACK: f64 = 5e-10;

/// What is known about packings that ship little.
#[derive(Default)]
pub(super) struct Replanned {
    /// The best so far.
    chosen: Option<Packing>,
    /// No packing within the largest period allowed ships fewer bytes.
    pub(super) fewest_bytes: u64,
}

/// Returns the period of all pipelines of a packing together, in seconds.
pub(super) fn least_period_s(packing: &Packing) -> f64 {
    if packing.rate_per_s.is_finite() { 1.0 / packing.rate_per_s } else { 0.0 }
}

impl Packings<'_> {
    /// Returns the bytes that pipelines ship from the base; 0 without a base.
    pub fn shipped_bytes<'s>(&self, pipelines: impl IntoIterator<Item = &'s Assignment>) -> u64 {
        let Some(shipping) = &self.shipping else { return 0 };
        let spans = pipelines.into_iter().flat_map(Assignment::spans);
        spans.map(|(start, end, host)| shipping.bytes(host, start, end) as u64).sum()
    }

    /// Returns the sum of rates, in passes per second, that a packing must reach for its period to be allowed; infinite if
    /// there is a packing with period 0, and `None` without a packing.
    pub fn least_allowed_per_s(&self) -> Option<f64> {
        let state = self.state();
        Some(self.allowed_per_s(state.best.as_ref()?, &state))
    }

    fn allowed_per_s(&self, best: &Packing, state: &State) -> f64 {
        let claim = self.claim(best, state, Termination::Unfinished);
        let bound_s = claim.most_per_s.map_or(0.0, |most| 1.0 / most);
        (1.0 - SLACK) / max_period_s(self.request, least_period_s(best), bound_s)
    }

    /// Returns the chosen packing if its period is allowed.
    pub(super) fn replanned<'s>(&self, best: &Packing, state: &'s State) -> Option<&'s Packing> {
        let chosen = state.replanned.chosen.as_ref()?;
        (chosen.rate_per_s >= self.allowed_per_s(best, state)).then_some(chosen)
    }

    /// Returns the chosen packing and the bytes that it ships, or the best packing if none was chosen whose period is allowed.
    /// `None` without a packing.
    pub fn cheapest(&self) -> Option<(Packing, u64)> {
        let state = self.state();
        let best = state.best.as_ref()?;
        let packing = self.replanned(best, &state).unwrap_or(best);
        Some((packing.clone(), self.shipped_bytes(packing.pipelines.iter().map(|it| &it.assignment))))
    }

    /// Chooses pipelines if their period is allowed and they ship fewer bytes than those chosen before; of equal bytes if the
    /// sum of rates is larger; of equal sums if they have fewer nodes. Returns `true` if they are chosen. Not checked here:
    /// [`Self::conclude`] checks it.
    pub fn choose(&self, pipelines: Vec<Assignment>) -> bool {
        let Some(packing) = self.packing_of_any_sum(pipelines) else { return false };
        let assignments = || packing.pipelines.iter().map(|it| it.assignment.clone());
        if self.best().is_some_and(|best| packing.rate_per_s > best.rate_per_s) {
            self.offer(assignments().collect());
        }
        let bytes = self.shipped_bytes(packing.pipelines.iter().map(|it| &it.assignment));
        let mut state = self.state();
        let Some(best) = &state.best else { return false };
        if packing.rate_per_s < self.allowed_per_s(best, &state) {
            return false;
        }
        let is_better = self.replanned(best, &state).is_none_or(|chosen| {
            let chosen_bytes = self.shipped_bytes(chosen.pipelines.iter().map(|it| &it.assignment));
            let (sum, other) = (packing.rate_per_s, chosen.rate_per_s);
            let is_equal = sum == other || (sum - other).abs() <= ROUNDING * other;
            bytes < chosen_bytes
                || bytes == chosen_bytes && (sum > other && !is_equal || is_equal && packing.nodes() < chosen.nodes())
        });
        if is_better {
            state.replanned.chosen = Some(packing);
        }
        is_better
    }

    /// Records that no packing within the largest period allowed ships fewer bytes. It must hold for the cuts of the
    /// instance. Does not lower what is known.
    pub fn prove_fewest_bytes(&self, bytes: u64) {
        let mut state = self.state();
        state.replanned.fewest_bytes = state.replanned.fewest_bytes.max(bytes);
    }
}
