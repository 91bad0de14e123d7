//! The decision at a period: whether a placement within it exists. Dives come first, then labels.
//! Prices and beams are used if there are many labels.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::at_period::AtPeriod;
use super::beam::{self, BeamOutcome};
use super::capacity::Capacity;
use super::dive::Dive;
use super::kinds::{ByKind, Kinds};
use super::labels::{self, LabelOutcome};
use super::neighbourhood::Neighbourhoods;
use super::prices::{Priced, Prices};
use super::stage_ends::StageEnds;
use super::weighted_capacity::Supply;
use crate::cost::Assignment;
use crate::incumbent::Incumbent;
use crate::index::{Index, Position};
use crate::instance::Instance;
use crate::repartition::repartition;
use crate::stopped::Stopped;
use crate::verdict::Verdict;

/// The most expansions of a dive.
const EXPANSIONS: usize = 300;
/// The randomised dives after the first dive.
const RANDOMISED_DIVES: usize = 4;

/// The labels after which a beam searches for a placement. It runs again each time that their
/// number has doubled.
const FIRST_BEAM_LABELS: usize = 2_000;

/// The most positions for which the cuts of a placement are improved if hosts are counted by kind.
/// With more positions, another decision takes less time.
const MOST_REPARTITIONED: usize = 1_024;

/// One update of prices is allowed for this many labels of a search.
const LABELS_PER_UPDATE: usize = 400;
/// The most updates of prices for a period.
const MOST_UPDATES: usize = 1_000;

/// The updates of prices before a beam that uses them.
const UPDATES_PER_BEAM: usize = 40;

/// One nearest neighbour for this many hosts is remembered by walks from the start. If there are
/// many hosts, there are too many short cycles to learn each one.
const HOSTS_PER_NEIGHBOUR: usize = 64;
/// The most such neighbours of each host.
const MOST_NEIGHBOURS: usize = 8;

/// Decides periods of an instance. It learns from each decision which nodes walks must remember.
pub struct Decider<'s, const W: usize> {
    /// The incumbent that receives the placements found.
    pub incumbent: &'s Incumbent<'s>,
    /// The incumbent's instance, or the same with fewer cuts.
    pub instance: &'s Instance,
    /// For each position of the instance, its position in the incumbent's instance. `None` if both
    /// have the same cuts.
    cuts: Option<&'s [Position]>,
    stage_ends: &'s StageEnds<W>,
    /// The hosts by kind, if they are so few or so much alike that counting them decides a period.
    kinds: Option<Kinds>,
    /// What earlier decisions have learned. It is created by the first label search, because dives
    /// do not need it.
    pub neighbourhoods: Option<Neighbourhoods>,
    /// The prices that were closest to a proof so far.
    prices: Prices,
    /// The random number generator.
    pub rng: Pcg64Mcg,
}

impl<'s, const W: usize> Decider<'s, W> {
    /// Creates a decider that has learned nothing. The instance has all cuts of the incumbent's
    /// instance.
    pub fn new(incumbent: &'s Incumbent<'s>, instance: &'s Instance, stage_ends: &'s StageEnds<W>) -> Self {
        let rng = Pcg64Mcg::seed_from_u64(incumbent.env.seed);
        let prices = Prices::new(instance.hosts.len());
        // Along a chain, labels are as quick if hosts are different.
        let kinds = Kinds::new(instance, W).filter(|kinds| kinds.are_few() || instance.cuts.sets().is_some());
        Self { incumbent, instance, cuts: None, stage_ends, kinds, neighbourhoods: None, prices, rng }
    }

    /// Sets the cuts of an instance that has only some of them, and continues with the random
    /// numbers of another decider.
    pub fn among(self, cuts: &'s [Position], rng: Pcg64Mcg) -> Self {
        Self { cuts: Some(cuts), rng, ..self }
    }

    /// Returns a decider of the same instance that offers its placements to another incumbent. Its
    /// random numbers start from `seed`, and it has learned nothing.
    pub fn fork<'i>(&self, incumbent: &'i Incumbent<'i>, seed: u64) -> Decider<'i, W>
    where
        's: 'i,
    {
        let rng = Pcg64Mcg::seed_from_u64(seed);
        Decider { cuts: self.cuts, rng, ..Decider::new(incumbent, self.instance, self.stage_ends) }
    }

    /// Returns `true` if beams can search this number of hosts.
    pub fn can_improve(&self) -> bool {
        self.instance.hosts.len() <= beam::MOST_HOSTS
    }

    /// Searches for a placement within a period, in seconds, by prices and a beam only. Returns
    /// `true` if it found one.
    pub fn improve(&mut self, period_s: f64, width: usize) -> Result<bool, Stopped> {
        if !self.can_improve() || self.instance.has_empty_stages() {
            return Ok(false);
        }
        let incumbent = self.incumbent;
        let stop = || incumbent.must_end() || incumbent.objective() <= period_s;
        let tables = AtPeriod::new(self.instance, self.stage_ends, period_s, &stop)?;
        let mut capacity = match Capacity::judge(&tables, &stop)? {
            Supply::Insufficient => return Ok(false),
            Supply::Scarce(capacity) => Some(capacity),
            Supply::Ample => None,
        };
        if let Some(capacity) = &mut capacity
            && !capacity.pack(&tables, &stop)?
        {
            return Ok(false);
        }
        match self.prices.judge(&tables, UPDATES_PER_BEAM, &stop)? {
            Priced::Infeasible => return Ok(false),
            Priced::Placement(found) => {
                self.offer(found);
                return Ok(true);
            }
            Priced::Unknown => {}
        }
        let to_go = self.prices.to_go(&tables);
        let rng = Some(&mut self.rng);
        match beam::search(&tables, capacity.as_ref(), &to_go, width, rng, &stop)? {
            BeamOutcome::Placement(found) => {
                self.offer(found);
                Ok(true)
            }
            BeamOutcome::Infeasible | BeamOutcome::Unknown => Ok(false),
        }
    }

    /// Decides whether a placement within a period, in seconds, exists. With 0 labels it uses only
    /// dives, the walk relaxation and the weighted capacity bounds.
    pub fn decide(&mut self, period_s: f64, most_labels: usize) -> Result<Verdict, Stopped> {
        let incumbent = self.incumbent;
        let stop = || incumbent.must_end();
        let tables = AtPeriod::new(self.instance, self.stage_ends, period_s, &stop)?;
        if tables.fewest_stages_in_all().is_none() {
            return Ok(Verdict::Infeasible);
        }
        let mut capacity = match Capacity::judge(&tables, &stop)? {
            Supply::Insufficient => return Ok(Verdict::Infeasible),
            Supply::Scarce(capacity) => Some(capacity),
            Supply::Ample => None,
        };
        if let Some(kinds) = &self.kinds {
            return Ok(match kinds.decide(&tables, &stop)? {
                ByKind::Placement(found) => {
                    self.offer(found);
                    Verdict::Feasible
                }
                ByKind::Infeasible => Verdict::Infeasible,
            });
        }
        if self.instance.has_empty_stages() {
            return Ok(Verdict::Unknown);
        }
        let openness = tables.openness_of_all();
        for attempt in 0..=RANDOMISED_DIVES {
            let rng = (attempt > 0).then_some(&mut self.rng);
            if let Some(found) = Dive::run(&tables, capacity.as_ref(), &openness, EXPANSIONS, rng, &stop)? {
                self.offer(found);
                return Ok(Verdict::Feasible);
            }
        }
        if most_labels == 0 {
            return Ok(Verdict::Unknown);
        }
        if let Some(capacity) = &mut capacity
            && !capacity.pack(&tables, &stop)?
        {
            return Ok(Verdict::Infeasible);
        }
        let mut neighbourhoods = match self.neighbourhoods.take() {
            Some(learnt) => learnt,
            None => {
                let nearest = (self.instance.hosts.len() / HOSTS_PER_NEIGHBOUR).min(MOST_NEIGHBOURS);
                Neighbourhoods::of_nearest(self.instance, nearest, &stop)?
            }
        };
        let searched = self.search_labels(period_s, &tables, capacity.as_ref(), &mut neighbourhoods, most_labels);
        self.neighbourhoods = Some(neighbourhoods);
        // A placement from another thread may have ended only the label search.
        Ok(searched.unwrap_or(Verdict::Unknown))
    }

    /// Searches labels until no walk is left, a walk is a placement, or the labels are used up.
    /// Learns from each walk.
    fn search_labels(
        &mut self,
        period_s: f64,
        tables: &AtPeriod<'_, W>,
        capacity: Option<&Capacity<W>>,
        neighbourhoods: &mut Neighbourhoods,
        most_labels: usize,
    ) -> Result<Verdict, Stopped> {
        // A placement from another thread may have decided this period already.
        let incumbent = self.incumbent;
        let stop = || incumbent.must_end() || incumbent.objective() <= period_s;
        let (mut spent, mut is_priced) = (0, false);
        let mut beam_at = FIRST_BEAM_LABELS;
        while spent < most_labels {
            if spent >= FIRST_BEAM_LABELS && !is_priced {
                is_priced = true;
                let updates = (most_labels / LABELS_PER_UPDATE).min(MOST_UPDATES);
                match self.prices.judge(tables, updates, &stop)? {
                    Priced::Infeasible => return Ok(Verdict::Infeasible),
                    Priced::Placement(found) => {
                        self.offer(found);
                        return Ok(Verdict::Feasible);
                    }
                    Priced::Unknown => {}
                }
            }
            if spent >= beam_at && self.can_improve() {
                beam_at = 2 * spent;
                let width = spent / (2 * tables.fewest_stages_in_all().unwrap_or(1));
                let to_go = self.prices.to_go(tables);
                match beam::search(tables, capacity, &to_go, width, None, &stop)? {
                    BeamOutcome::Placement(found) => {
                        self.offer(found);
                        return Ok(Verdict::Feasible);
                    }
                    BeamOutcome::Infeasible => return Ok(Verdict::Infeasible),
                    BeamOutcome::Unknown => {}
                }
            }
            match labels::search(tables, capacity, neighbourhoods, most_labels, &mut spent, &stop)? {
                LabelOutcome::NoWalk => return Ok(Verdict::Infeasible),
                LabelOutcome::TooManyLabels => return Ok(Verdict::Unknown),
                LabelOutcome::Walks(walks) => {
                    let mut grew = false;
                    for walk in walks {
                        if !walk.has_cycle() {
                            self.offer(walk);
                            return Ok(Verdict::Feasible);
                        }
                        grew |= neighbourhoods.forbid_cycles(&walk.hosts());
                    }
                    if !grew {
                        return Ok(Verdict::Unknown);
                    }
                }
            }
        }
        Ok(Verdict::Unknown)
    }

    fn offer(&self, found: Assignment) {
        let hosts = found.hosts();
        self.incumbent.offer(self.with_all_cuts(found));
        if self.kinds.is_some() && self.instance.blocks() > MOST_REPARTITIONED {
            return;
        }
        // The offer may have ended the search. No better placement is needed then.
        if let Ok(Some(better)) = repartition(self.instance, &hosts, &|| self.incumbent.must_end()) {
            self.incumbent.offer(self.with_all_cuts(better));
        }
    }

    fn with_all_cuts(&self, found: Assignment) -> Assignment {
        let Some(cuts) = self.cuts else { return found };
        Assignment { stages: found.stages.iter().map(|&(end, host)| (cuts[end.number()], host)).collect() }
    }
}
