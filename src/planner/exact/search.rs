//! The search over periods: an anytime algorithm with a checked incumbent and a proven bound at every moment.
//!
//! The optimum is a candidate (a stage time or a hop time) at or above the walk bound. Decisions gallop up from there,
//! then bisect: a placement lowers the incumbent to its own period, a proof raises the bound to the next candidate.
//! Where a decision needs more labels than allowed, the search goes on elsewhere and comes back with more.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::at_period::AtPeriod;
use super::candidates::candidates;
use super::capacity::{Capacity, Verdict};
use super::dive::Dive;
use super::labels::{self, Found};
use super::neighbourhood::Neighbourhoods;
use super::stage_ends::StageEnds;
use crate::planner::cost::Assignment;
use crate::planner::incumbent::Incumbent;
use crate::planner::repartition::repartition;

/// Labels that a decision may use at first, and the factor by which that rises.
const FIRST_LABELS: usize = 20_000;
const MORE_LABELS: usize = 8;
const MOST_LABELS: usize = 20_000_000;

/// Hosts whose walks begin with a memory of their fastest neighbours: where hosts are many, short cycles are too many
/// to be learnt one by one.
const HOSTS_PER_NEIGHBOUR: usize = 64;
const MOST_NEIGHBOURS: usize = 8;

/// Expansions of a dive, and how many randomised dives follow the first.
const EXPANSIONS: usize = 300;
const RANDOMISED_DIVES: usize = 4;

/// The first periods that are tried, as multiples of the bound, and how often the rest is halved after that.
const FIRST_FACTORS: [f64; 9] = [1.0, 1.02, 1.05, 1.1, 1.2, 1.5, 2.0, 4.0, f64::INFINITY];
const FIRST_BISECTIONS: usize = 4;

/// What is known of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Possible,
    Impossible,
    Undecided,
}

struct Search<'s, const W: usize> {
    incumbent: &'s Incumbent<'s>,
    stage_ends: &'s StageEnds<W>,
    neighbourhoods: Neighbourhoods,
    rng: Pcg64Mcg,
}

/// Closes the gap between the incumbent's bound and its period as far as the world allows. `None` when told to stop.
pub fn least_period<const W: usize>(incumbent: &Incumbent<'_>) -> Option<()> {
    let stop = || incumbent.must_end();
    let hosts = incumbent.problem.hosts.len();
    let stage_ends = StageEnds::<W>::new(incumbent.problem, &stop)?;
    let mut search = Search {
        incumbent,
        stage_ends: &stage_ends,
        neighbourhoods: Neighbourhoods::of_nearest(
            incumbent.problem,
            (hosts / HOSTS_PER_NEIGHBOUR).min(MOST_NEIGHBOURS),
        ),
        rng: Pcg64Mcg::seed_from_u64(incumbent.env.seed),
    };
    search.first_placement()?;
    let mut most_labels = FIRST_LABELS;
    while !stop() && most_labels <= MOST_LABELS {
        search.narrow(most_labels)?;
        most_labels *= MORE_LABELS;
    }
    Some(())
}

impl<const W: usize> Search<'_, W> {
    fn stop(&self) -> bool {
        self.incumbent.must_end()
    }

    /// A placement by dives alone, at the bound if that can be, else not far above it, so that there is an upper end.
    fn first_placement(&mut self) -> Option<()> {
        let mut unreached = self.incumbent.bound();
        for factor in FIRST_FACTORS {
            let period_s = if factor.is_finite() { self.incumbent.bound() * factor } else { f64::MAX };
            if self.decide(period_s, 0)? == Decision::Possible {
                break;
            }
            unreached = period_s;
        }
        for _ in 0..FIRST_BISECTIONS {
            let reached = self.incumbent.objective();
            if self.stop() || !reached.is_finite() || reached <= unreached {
                break;
            }
            let middle = unreached + (reached - unreached) / 2.0;
            if self.decide(middle, 0)? != Decision::Possible {
                unreached = middle;
            }
        }
        Some(())
    }

    /// Gallops up from the bound and bisects, until bound and incumbent meet or every candidate between them is
    /// undecided with this many labels.
    fn narrow(&mut self, most_labels: usize) -> Option<()> {
        if self.incumbent.best().is_none() && self.decide(f64::MAX, most_labels)? == Decision::Impossible {
            self.incumbent.raise(f64::INFINITY);
            return Some(());
        }
        let mut periods = {
            let stop = || self.incumbent.must_end();
            candidates(self.incumbent.problem, self.incumbent.bound(), self.incumbent.objective(), &stop)?
        };
        // Everything below `low` is impossible; nothing is known, or nothing can be decided, at and above `high`.
        let (mut low, mut high) = (0, periods.len());
        let first_step = periods.len().div_ceil(256);
        let mut step = 1;
        while low < high && !self.stop() {
            let middle = low + (high - low) / 2;
            let at = if step > 0 { (low + step - 1).min(middle) } else { middle };
            match self.decide(periods[at], most_labels)? {
                Decision::Impossible => {
                    low = at + 1;
                    let next = periods.get(low).copied().unwrap_or(self.incumbent.objective());
                    self.incumbent.raise(next.min(self.incumbent.objective()));
                    step = (step * 2).max(first_step);
                }
                Decision::Possible => {
                    let reached = self.incumbent.objective();
                    periods.truncate(periods.partition_point(|&period| period < reached));
                    high = periods.len().min(at);
                    step = 0;
                }
                Decision::Undecided => {
                    high = at;
                    step = 0;
                }
            }
        }
        Some(())
    }

    /// Whether a placement within a period is possible: dives first, then labels.
    fn decide(&mut self, period_s: f64, most_labels: usize) -> Option<Decision> {
        let incumbent = self.incumbent;
        let stop = || incumbent.must_end();
        let tables = AtPeriod::new(incumbent.problem, self.stage_ends, period_s, &stop)?;
        if tables.fewest_stages_in_all().is_none() {
            return Some(Decision::Impossible);
        }
        let capacity = match Capacity::judge(&tables) {
            Verdict::Impossible => return Some(Decision::Impossible),
            Verdict::Useful(capacity) => Some(capacity),
            Verdict::Irrelevant => None,
        };
        let openness: Vec<u64> = (0..incumbent.problem.hosts.len()).map(|host| tables.openness(host)).collect();
        for attempt in 0..=RANDOMISED_DIVES {
            let rng = (attempt > 0).then_some(&mut self.rng);
            if let Some(found) = Dive::run(&tables, capacity.as_ref(), &openness, EXPANSIONS, rng, &stop) {
                self.offer(found);
                return Some(Decision::Possible);
            }
        }
        let mut spent = 0;
        while spent < most_labels {
            match labels::search(&tables, capacity.as_ref(), &self.neighbourhoods, most_labels, &mut spent, &stop) {
                Found::Nothing => return Some(Decision::Impossible),
                Found::Undecided => return Some(Decision::Undecided),
                Found::Walks(walks) => {
                    let mut grew = false;
                    for walk in walks {
                        let hosts: Vec<usize> = walk.stages.iter().map(|&(_, host)| host).collect();
                        if !has_cycle(&hosts) {
                            self.offer(walk);
                            return Some(Decision::Possible);
                        }
                        grew |= self.neighbourhoods.forbid_cycles(&hosts);
                    }
                    if !grew {
                        return Some(Decision::Undecided);
                    }
                }
            }
        }
        Some(Decision::Undecided)
    }

    fn offer(&self, found: Assignment) {
        let hosts: Vec<usize> = found.stages.iter().map(|&(_, host)| host).collect();
        self.incumbent.offer(found);
        if let Some(better) = repartition(self.incumbent.problem, &hosts) {
            self.incumbent.offer(better);
        }
    }
}

fn has_cycle(hosts: &[usize]) -> bool {
    let mut sorted = hosts.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| pair[0] == pair[1])
}
