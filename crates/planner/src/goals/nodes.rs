//! The objective of the fewest nodes within a target period. Each decision limits the number of
//! stages.

use crate::domain::options::Overlap;
use crate::exact::decision::Decider;
use crate::exact::neighbourhood::Neighbourhoods;
use crate::exact::stage_ends::StageEnds;
use crate::incumbent::Incumbent;
use crate::resource_constrained::{BYTES_PER_LABEL, Goal, Limits, Sums, Tables};
use crate::search::effort::{QUICK_WIDTH, beam_width};
use crate::search::{Effort, Gap, Oracle, Pace, Scale, close};
use crate::stopped::Stopped;
use crate::verdict::Verdict;

/// Closes the gap between bound and fewest nodes until the stop hook ends the search or the effort
/// is spent.
pub fn search<const W: usize>(incumbent: &Incumbent<'_>, target_period_s: f64) -> Result<(), Stopped> {
    let instance = incumbent.instance;
    let stop = || incumbent.must_end();
    let stage_ends = StageEnds::<W>::new(instance, &stop)?;
    let limits = Limits::of_latency(instance.max_latency_s);
    let tables = Tables::new(instance, &stage_ends, Sums::within(&limits), target_period_s, &stop)?;
    incumbent.raise(if tables.may_hold(&limits) { tables.least(Goal::Stages) } else { f64::INFINITY });
    if let Some((found, _)) = tables.beam(limits, Goal::Stages, QUICK_WIDTH, &stop) {
        incumbent.offer(found);
    }
    let neighbourhoods = Neighbourhoods::new(instance.hosts.len());
    let mut nodes = FewestNodes { incumbent, stage_ends: &stage_ends, neighbourhoods, target_period_s, limits };
    close(&mut nodes, Effort::of_proofs(incumbent, BYTES_PER_LABEL))
}

/// Decides whether a placement with at most a given number of stages exists.
struct FewestNodes<'s, const W: usize> {
    incumbent: &'s Incumbent<'s>,
    stage_ends: &'s StageEnds<W>,
    neighbourhoods: Neighbourhoods,
    target_period_s: f64,
    limits: Limits,
}

impl<const W: usize> Oracle for FewestNodes<'_, W> {
    type Learnt = Neighbourhoods;

    const PACE: Pace = Pace::FEW_NUMBERS;

    fn gap(&self) -> &dyn Gap {
        self.incumbent
    }

    fn learnt(&mut self) -> &mut Neighbourhoods {
        &mut self.neighbourhoods
    }

    fn scale(&mut self, _labels: usize) -> Result<Scale, Stopped> {
        Ok(Scale::Whole)
    }

    fn decide(&mut self, limit: f64, labels: usize) -> Result<Verdict, Stopped> {
        let incumbent = self.incumbent;
        let stop = || incumbent.must_end();
        let mut limited = incumbent.instance.clone();
        limited.most_stages = limit as usize;
        let sets_suffice = limited.overlap == Overlap::Full
            && limited.max_latency_s == f64::INFINITY
            && limited.shared_media.is_none();
        if sets_suffice {
            // Sets of starts say all: the decision of the search for the least period.
            return Decider::new(incumbent, &limited, self.stage_ends).decide(self.target_period_s, labels);
        }
        let tables = Tables::new(&limited, self.stage_ends, Sums::within(&self.limits), self.target_period_s, &stop)?;
        let quick = (Goal::Stages, beam_width(labels));
        let (verdict, found) = tables.find(self.limits, quick, &mut self.neighbourhoods, labels, &stop);
        found.into_iter().for_each(|found| incumbent.offer(found));
        Ok(verdict)
    }

    fn largest(&self) -> f64 {
        self.incumbent.instance.most_stages as f64
    }
}
