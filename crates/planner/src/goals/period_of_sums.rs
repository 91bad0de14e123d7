//! The objective of the least period where labels must carry sums: overlap `none`, or a limit of
//! latency.
//!
//! The possible values of the period are sums, too many to be listed. So the bound of walks is
//! bisected first, then the controller closes the gap on the real numbers.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use crate::cost::Assignment;
use crate::exact::at_period::AtPeriod;
use crate::exact::neighbourhood::Neighbourhoods;
use crate::exact::stage_ends::StageEnds;
use crate::incumbent::Incumbent;
use crate::repartition::repartition;
use crate::resource_constrained::anneal::{Orders, TEMPERATURES};
use crate::resource_constrained::{BYTES_PER_LABEL, Goal, Limits, MediumPrices, Sums, Tables};
use crate::search::bisect::{approach, bisect, reached};
use crate::search::effort::{
    ANNEALED_PART, BEAM_FACTORS, BEAMS_PER_ROUND, FAILED_ANNEALINGS, QUICK_WIDTH, annealing_moves, beam_width,
};
use crate::search::{Effort, Gap, Oracle, Pace, Scale, close};
use crate::stopped::Stopped;
use crate::verdict::Verdict;

/// The size of each host's neighbourhood at the beginning: the hosts to which its links are
/// fastest. Short cycles among these need not be learnt.
const NEIGHBOURS: usize = 5;

/// Closes the gap between bound and period until the stop hook ends the search or the effort is
/// spent.
pub fn search<const W: usize>(incumbent: &Incumbent<'_>) -> Result<(), Stopped> {
    let stop = || incumbent.must_end();
    let instance = incumbent.instance;
    let limits = Limits::of_latency(instance.max_latency_s);
    let mut period = LeastPeriod {
        incumbent,
        stage_ends: StageEnds::<W>::new(instance, &stop)?,
        neighbourhoods: Neighbourhoods::of_nearest(instance, NEIGHBOURS, &stop)?,
        rng: Pcg64Mcg::seed_from_u64(incumbent.env.seed),
        limits,
        prices: None,
        stop: &stop,
    };
    if period.decide(f64::MAX, 0)? == Verdict::Infeasible {
        incumbent.raise(f64::INFINITY);
        return Ok(());
    }
    period.bring_in_bottleneck();
    period.bisect_walks()?;
    approach(&mut period, &BEAM_FACTORS, 0)?;
    period.price_medium()?;
    let effort = Effort::of_proofs(incumbent, BYTES_PER_LABEL);
    close(&mut period, effort)?;
    if incumbent.has_ended() { Ok(()) } else { period.improve(effort.last) }
}

/// Decides by labels with resources whether a placement within a period exists.
struct LeastPeriod<'s, const W: usize> {
    incumbent: &'s Incumbent<'s>,
    stage_ends: StageEnds<W>,
    neighbourhoods: Neighbourhoods,
    rng: Pcg64Mcg,
    limits: Limits,
    prices: Option<MediumPrices>,
    stop: &'s dyn Fn() -> bool,
}

impl<const W: usize> LeastPeriod<'_, W> {
    /// The goal of beams: the latency where it has a limit, else what media in play are occupied for, else the stages.
    fn quick_goal(&self) -> Goal {
        let in_play = self.incumbent.instance.shared_media.as_ref().is_some_and(|media| !media.in_play().is_empty());
        match () {
            () if self.limits.latency_s.is_finite() => Goal::Latency,
            () if in_play => Goal::Occupation,
            () => Goal::Stages,
        }
    }

    /// Brings the medium into play that sets the period of the best placement, if one does.
    fn bring_in_bottleneck(&self) {
        let incumbent = self.incumbent;
        if let (Some(media), Some(best)) = (&incumbent.instance.shared_media, incumbent.best()) {
            let loads = media.occupied_s(&best, &incumbent.instance.load_bits);
            media.bring_in(&loads, incumbent.objective().next_down(), media.in_play().len());
        }
    }

    fn tables(&self, period_s: f64) -> Result<Tables<'_, W>, Stopped> {
        let sums = Sums::within(&self.limits).priced(self.prices.as_ref());
        Tables::new(self.incumbent.instance, &self.stage_ends, sums, period_s, self.stop)
    }

    /// Raises the bound by prices of hosts for the busiest medium of the best placement, and keeps the prices.
    fn price_medium(&mut self) -> Result<(), Stopped> {
        let incumbent = self.incumbent;
        let Some((media, best)) = incumbent.instance.shared_media.as_ref().zip(incumbent.best()) else { return Ok(()) };
        if incumbent.has_ended() {
            return Ok(());
        }
        let loads = media.occupied_s(&best, &incumbent.instance.load_bits);
        let Some(medium) = media.busiest_in_play(&loads) else { return Ok(()) };
        let period_s = incumbent.objective();
        let walks = AtPeriod::new(incumbent.instance, &self.stage_ends, period_s, self.stop)?;
        let prices = MediumPrices::search(&walks, &medium, period_s, self.stop)?;
        incumbent.raise(prices.least_s.min(period_s));
        self.prices = Some(prices);
        Ok(())
    }

    fn offer(&self, found: Assignment) {
        let hosts = found.hosts();
        self.incumbent.offer(found);
        // If the offer has ended the search, `repartition` returns an error, and no better
        // placement is needed.
        if let Ok(Some(better)) = repartition(self.incumbent.instance, &hosts, self.stop) {
            self.incumbent.offer(better);
        }
    }

    /// Raises the bound to the least period of walks.
    fn bisect_walks(&self) -> Result<(), Stopped> {
        let incumbent = self.incumbent;
        let mut high_s = incumbent.objective();
        while !incumbent.must_end() && !Scale::Reals.is_tiny(incumbent.bound(), high_s) {
            let period_s = Scale::Reals.ahead(incumbent.bound(), high_s, None);
            if self.tables(period_s)?.may_hold(&self.limits) {
                high_s = period_s;
            } else {
                incumbent.raise(period_s.next_up().min(incumbent.objective()));
            }
        }
        Ok(())
    }

    /// Searches for better placements by annealing at periods slightly below the best, until
    /// [`FAILED_ANNEALINGS`] attempts have failed.
    fn anneal(&mut self, orders: &Orders<'_>, moves: usize) -> Result<(), Stopped> {
        let incumbent = self.incumbent;
        let mut failed = 0;
        while failed < FAILED_ANNEALINGS && !incumbent.must_end() {
            let Some(best) = incumbent.best() else { break };
            let best_s = incumbent.objective();
            let period_s = (best_s - ANNEALED_PART * (best_s - incumbent.bound())).min(best_s.next_down());
            let temperature = TEMPERATURES[failed % TEMPERATURES.len()];
            match orders.anneal(&best.hosts(), period_s, (temperature, moves), &mut self.rng, self.stop)? {
                Some(better) => {
                    if let Some(better) = repartition(incumbent.instance, &better, self.stop)? {
                        incumbent.offer(better);
                    }
                    // Annealing does not compute the exact costs, so its result need not be better.
                    failed += usize::from(incumbent.objective() >= best_s);
                }
                None => failed += 1,
            }
        }
        Ok(())
    }

    /// Searches for better placements by beams of one width at bisected periods.
    fn widen(&mut self, width: usize) -> Result<(), Stopped> {
        let incumbent = self.incumbent;
        bisect(
            self,
            (incumbent.bound(), BEAMS_PER_ROUND),
            |_| reached(incumbent),
            |period, period_s| {
                let found = period.tables(period_s)?.beam(period.limits, period.quick_goal(), width, period.stop);
                let is_found = found.is_some();
                found.into_iter().for_each(|(found, _)| period.offer(found));
                Ok(is_found)
            },
        )
    }
}

impl<const W: usize> Oracle for LeastPeriod<'_, W> {
    type Learnt = Neighbourhoods;

    const PACE: Pace = Pace::PERIODS;

    fn gap(&self) -> &dyn Gap {
        self.incumbent
    }

    fn learnt(&mut self) -> &mut Neighbourhoods {
        &mut self.neighbourhoods
    }

    fn decide(&mut self, limit: f64, labels: usize) -> Result<Verdict, Stopped> {
        let sums = Sums::within(&self.limits).priced(self.prices.as_ref());
        let tables = Tables::new(self.incumbent.instance, &self.stage_ends, sums, limit, self.stop)?;
        let quick = (self.quick_goal(), QUICK_WIDTH);
        let (verdict, found) = tables.find(self.limits, quick, &mut self.neighbourhoods, labels, self.stop);
        found.into_iter().for_each(|found| self.offer(found));
        Ok(verdict)
    }

    /// Anneals; where sums along the walk have limits or the instance is too large, widens the beams.
    fn improve(&mut self, labels: usize) -> Result<(), Stopped> {
        let instance = self.incumbent.instance;
        let has_sums = self.limits.latency_s.is_finite() || instance.shared_media.is_some();
        let orders = if has_sums { None } else { Orders::new(instance, self.stop)? };
        match orders {
            Some(orders) => self.anneal(&orders, annealing_moves(labels))?,
            None => self.widen(beam_width(labels))?,
        }
        self.price_medium()
    }
}
