//! The decision at a period: is a placement within it possible? Dives first, then labels.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::at_period::AtPeriod;
use super::beam::{self, Beamed};
use super::coverage::{Coverage, Covered};
use super::dive::Dive;
use super::labels::{self, Found};
use super::neighbourhood::Neighbourhoods;
use super::stage_ends::StageEnds;
use crate::cost::Assignment;
use crate::incumbent::Incumbent;
use crate::problem::Problem;
use crate::repartition::repartition;

/// Expansions of a dive, and how many randomised dives follow the first.
const EXPANSIONS: usize = 300;
const RANDOMISED_DIVES: usize = 4;

/// Labels after which a beam looks for a placement, and again whenever they have doubled.
const FIRST_BEAM_LABELS: usize = 2_000;

/// Hosts whose walks begin with a memory of their fastest neighbours: where hosts are many, short cycles are too many
/// to be learnt one by one.
const HOSTS_PER_NEIGHBOUR: usize = 64;
const MOST_NEIGHBOURS: usize = 8;

/// What is known of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A placement was found and offered to the incumbent.
    Possible,
    /// It is proven that there is none.
    Impossible,
    /// The effort did not suffice.
    Undecided,
}

/// Decides periods of a problem, and learns from one to the next which nodes walks must remember.
pub struct Decider<'s, const W: usize> {
    /// Hears of what is found.
    pub incumbent: &'s Incumbent<'s>,
    /// The incumbent's problem, with fewer cuts.
    pub problem: &'s Problem,
    /// For each position of the problem the position in the incumbent's problem.
    cuts: &'s [usize],
    stage_ends: &'s StageEnds<W>,
    /// Made when the first labels are searched: dives need none.
    neighbourhoods: Option<Neighbourhoods>,
    rng: Pcg64Mcg,
}

impl<'s, const W: usize> Decider<'s, W> {
    /// Knows nothing yet.
    pub fn new(
        incumbent: &'s Incumbent<'s>,
        problem: &'s Problem,
        cuts: &'s [usize],
        stage_ends: &'s StageEnds<W>,
        rng: Pcg64Mcg,
    ) -> Self {
        Self { incumbent, problem, cuts, stage_ends, neighbourhoods: None, rng }
    }

    /// Another one on the same problem, for another thread: with other random numbers.
    pub fn beside(&self) -> Self {
        let rng = Pcg64Mcg::seed_from_u64(!self.incumbent.env.seed);
        Self::new(self.incumbent, self.problem, self.cuts, self.stage_ends, rng)
    }

    /// Another one on the same problem that knows nothing and tells another incumbent what it finds.
    pub fn afresh<'i>(&self, incumbent: &'i Incumbent<'i>) -> Decider<'i, W>
    where
        's: 'i,
    {
        let rng = Pcg64Mcg::seed_from_u64(incumbent.env.seed);
        Decider::new(incumbent, self.problem, self.cuts, self.stage_ends, rng)
    }

    /// The random numbers that are left, for who goes on.
    pub fn into_rng(self) -> Pcg64Mcg {
        self.rng
    }

    /// Decides without learning where the effort does not suffice: what a hard decision makes walks remember would
    /// slow the easier ones down.
    pub fn probe(&mut self, period_s: f64, most_labels: usize) -> Option<Decision> {
        let before = self.neighbourhoods.clone();
        let decision = self.decide(period_s, most_labels)?;
        if decision == Decision::Undecided {
            self.neighbourhoods = before;
        }
        Some(decision)
    }

    /// Whether beams can take so many hosts.
    pub fn can_improve(&self) -> bool {
        self.problem.hosts.len() <= beam::MOST_HOSTS
    }

    /// Looks for a placement within a period by a beam alone; whether it found one. `None` when told to stop.
    pub fn improve(&mut self, period_s: f64, width: usize) -> Option<bool> {
        if !self.can_improve() {
            return Some(false);
        }
        let incumbent = self.incumbent;
        let stop = || incumbent.must_end() || incumbent.objective() <= period_s;
        let tables = AtPeriod::new(self.problem, self.stage_ends, period_s, &stop)?;
        let mut coverage = match Coverage::judge(&tables, &stop)? {
            Covered::No => return Some(false),
            Covered::Barely(coverage) => Some(coverage),
            Covered::Amply => None,
        };
        if coverage.as_mut().is_some_and(|coverage| !coverage.pack(&tables, &stop)) {
            return Some(false);
        }
        let openness: Vec<u64> = (0..self.problem.hosts.len()).map(|host| tables.openness(host)).collect();
        let rng = Some(&mut self.rng);
        match beam::search(&tables, coverage.as_ref(), &openness, width, rng, &stop) {
            Beamed::Placed(found) => {
                self.offer(found);
                Some(true)
            }
            Beamed::Impossible | Beamed::Nothing => Some(false),
        }
    }

    /// Whether a placement within a period is possible; with no labels, by dives and the walk relaxation alone.
    /// `None` when told to stop.
    pub fn decide(&mut self, period_s: f64, most_labels: usize) -> Option<Decision> {
        let incumbent = self.incumbent;
        let stop = || incumbent.must_end();
        let tables = AtPeriod::new(self.problem, self.stage_ends, period_s, &stop)?;
        if tables.fewest_stages_in_all().is_none() {
            return Some(Decision::Impossible);
        }
        let mut coverage = match Coverage::judge(&tables, &stop)? {
            Covered::No => return Some(Decision::Impossible),
            Covered::Barely(coverage) => Some(coverage),
            Covered::Amply => None,
        };
        let openness: Vec<u64> = (0..self.problem.hosts.len()).map(|host| tables.openness(host)).collect();
        for attempt in 0..=RANDOMISED_DIVES {
            let rng = (attempt > 0).then_some(&mut self.rng);
            if let Some(found) = Dive::run(&tables, coverage.as_ref(), &openness, EXPANSIONS, rng, &stop) {
                self.offer(found);
                return Some(Decision::Possible);
            }
        }
        if most_labels == 0 {
            return Some(Decision::Undecided);
        }
        if coverage.as_mut().is_some_and(|coverage| !coverage.pack(&tables, &stop)) {
            return Some(Decision::Impossible);
        }
        let mut neighbourhoods = match self.neighbourhoods.take() {
            Some(learnt) => learnt,
            None => {
                let nearest = (self.problem.hosts.len() / HOSTS_PER_NEIGHBOUR).min(MOST_NEIGHBOURS);
                Neighbourhoods::of_nearest(self.problem, nearest, &stop)?
            }
        };
        let decision =
            self.search_labels(period_s, &tables, coverage.as_ref(), &openness, &mut neighbourhoods, most_labels);
        self.neighbourhoods = Some(neighbourhoods);
        Some(decision)
    }

    /// Searches labels until no walk is left, a walk is a placement, or the effort is spent; learns from each walk.
    fn search_labels(
        &self,
        period_s: f64,
        tables: &AtPeriod<'_, W>,
        coverage: Option<&Coverage<W>>,
        openness: &[u64],
        neighbourhoods: &mut Neighbourhoods,
        most_labels: usize,
    ) -> Decision {
        // What another thread found in the meantime may leave nothing to decide.
        let stop = || self.incumbent.must_end() || self.incumbent.objective() <= period_s;
        let mut spent = 0;
        let mut beam_at = FIRST_BEAM_LABELS;
        while spent < most_labels {
            if spent >= beam_at && self.can_improve() {
                beam_at = 2 * spent;
                let width = spent / (2 * tables.fewest_stages_in_all().unwrap_or(1));
                match beam::search(tables, coverage, openness, width, None, &stop) {
                    Beamed::Placed(found) => {
                        self.offer(found);
                        return Decision::Possible;
                    }
                    Beamed::Impossible => return Decision::Impossible,
                    Beamed::Nothing => {}
                }
            }
            match labels::search(tables, coverage, neighbourhoods, most_labels, &mut spent, &stop) {
                Found::Nothing => return Decision::Impossible,
                Found::Undecided => return Decision::Undecided,
                Found::Walks(walks) => {
                    let mut grew = false;
                    for walk in walks {
                        let hosts: Vec<usize> = walk.stages.iter().map(|&(_, host)| host).collect();
                        if !has_cycle(&hosts) {
                            self.offer(walk);
                            return Decision::Possible;
                        }
                        grew |= neighbourhoods.forbid_cycles(&hosts);
                    }
                    if !grew {
                        return Decision::Undecided;
                    }
                }
            }
        }
        Decision::Undecided
    }

    fn offer(&self, found: Assignment) {
        let hosts: Vec<usize> = found.stages.iter().map(|&(_, host)| host).collect();
        self.incumbent.offer(self.with_all_cuts(found));
        if let Some(better) = repartition(self.problem, &hosts, &|| self.incumbent.must_end()) {
            self.incumbent.offer(self.with_all_cuts(better));
        }
    }

    fn with_all_cuts(&self, found: Assignment) -> Assignment {
        Assignment { stages: found.stages.iter().map(|&(end, host)| (self.cuts[end], host)).collect() }
    }
}

fn has_cycle(hosts: &[usize]) -> bool {
    let mut sorted = hosts.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| pair[0] == pair[1])
}
