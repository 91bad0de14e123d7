//! Decisions within limits: by completion bounds, a beam, capacity bounds, then labels with growing
//! memories.
//!
//! The labels are searched by decremental state-space relaxation (Boland, Dethridge and Dumitrescu
//! 2006; Righini and Salani 2008). The best walk with little memory bounds the best placement. If
//! it visits a host twice, memories grow along its cycles and the search is repeated, until the
//! best walk is a placement or no walk is left.

use super::beam;
use super::capacity::ResourceCapacity;
use super::completion_bounds::CompletionBounds;
use super::extensions::Extensions;
use super::label_search::LabelSearch;
use super::limits::{Goal, Limits};
use super::loads::Loads;
use super::medium_prices::MediumPrices;
use super::occupations::Occupation;
use super::resources::{Resource, Resources, Within};
use super::shipping::Shipping;
use crate::cost::Assignment;
use crate::domain::options::Overlap;
use crate::exact::at_period::AtPeriod;
use crate::exact::kinds::{InTurn, Kinds};
use crate::exact::neighbourhood::{MOST_REMEMBERED, Neighbourhoods};
use crate::exact::stage_ends::StageEnds;
use crate::instance::Instance;
use crate::shared_media::BroughtIn;
use crate::stopped::Stopped;
use crate::verdict::Verdict;

/// The result of a decision within limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The best placement found, with its value of the goal.
    pub placement: Option<(Assignment, f64)>,
    /// Whether it is proven that the placement is the best, or, without a placement, that none
    /// exists.
    pub decided: bool,
    /// A proven bound: no placement within the limits has a smaller value of the goal.
    pub bound: f64,
}

/// What labels may sum beside what media are occupied for.
#[derive(Debug, Clone, Copy)]
pub struct Sums<'p> {
    latency: bool,
    shipping: Option<&'p Shipping>,
    prices: Option<&'p MediumPrices>,
}

impl<'p> Sums<'p> {
    /// The latency.
    pub const LATENCY: Self = Self { latency: true, shipping: None, prices: None };

    /// What has a limit.
    pub fn within(limits: &Limits) -> Self {
        Self { latency: limits.latency_s.is_finite(), shipping: None, prices: None }
    }

    /// The bytes shipped, and the latency.
    pub fn of_bytes(shipping: &'p Shipping) -> Self {
        Self { latency: true, shipping: Some(shipping), prices: None }
    }

    /// The same, and what a medium is occupied for with prices of hosts.
    pub fn priced(self, prices: Option<&'p MediumPrices>) -> Self {
        Self { prices, ..self }
    }
}

/// The tables of one period.
pub struct Tables<'p, const W: usize> {
    walks: AtPeriod<'p, W>,
    completion_bounds: Option<CompletionBounds>,
    loads: Option<Loads>,
    sums: Sums<'p>,
    capacity: ResourceCapacity,
    occupations: Vec<Occupation>,
    priced: Option<Occupation>,
    stage_ends: &'p StageEnds<W>,
    period_s: f64,
    possible: bool,
    /// The order in which hosts that can be exchanged are used, if there are many of them.
    in_turn: Option<InTurn>,
}

impl<'p, const W: usize> Tables<'p, W> {
    /// Tabulates an instance at a period in seconds.
    pub fn new(
        instance: &'p Instance,
        stage_ends: &'p StageEnds<W>,
        sums: Sums<'p>,
        period_s: f64,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, Stopped> {
        let walks = AtPeriod::new(instance, stage_ends, period_s, stop)?;
        let one_at_a_time = instance.overlap == Overlap::None && period_s < f64::MAX;
        let mut loads = if one_at_a_time { Some(Loads::new(instance, period_s, stop)?) } else { None };
        let begins = loads.as_ref().is_none_or(|loads| loads.admit_any(instance));
        let capacity = match walks.fewest_stages_in_all().filter(|_| begins) {
            None => ResourceCapacity::Insufficient,
            Some(_) => ResourceCapacity::new(&walks, loads.as_mut(), stop)?,
        };
        let is_needed = sums.latency || sums.shipping.is_some() || loads.is_some();
        let tabulate = || CompletionBounds::new(instance, sums.shipping, loads.as_ref(), period_s, stop);
        let completion_bounds = is_needed.then(tabulate).transpose()?;
        let occupations = Occupation::all(&walks, period_s, stop)?;
        let priced = sums.prices.map(|prices| prices.tabulate(&walks, period_s, stop)).transpose()?;
        let possible = !matches!(capacity, ResourceCapacity::Insufficient)
            && completion_bounds.as_ref().is_none_or(|bounds| bounds.least_latency_s(instance).is_finite())
            && occupations.iter().chain(&priced).all(|occupation| occupation.in_all_s <= period_s);
        Ok(Self {
            walks,
            completion_bounds,
            loads,
            sums,
            capacity,
            occupations,
            priced,
            stage_ends,
            period_s,
            possible,
            in_turn: in_turn(instance, &sums),
        })
    }

    /// Returns `false` if the relaxations prove that no placement keeps to the limits.
    pub fn may_hold(&self, limits: &Limits) -> bool {
        self.possible
            && self.least(Goal::Latency) <= limits.latency_s
            && self.least(Goal::Bytes) <= limits.shipped_bytes
    }

    /// Returns a proven bound of the goal, in seconds, bytes or stages: no placement within the
    /// period has a smaller value. Infinite if no placement exists.
    pub fn least(&self, goal: Goal) -> f64 {
        match goal {
            _ if !self.possible => f64::INFINITY,
            Goal::Latency => {
                let bounds = self.completion_bounds.as_ref();
                bounds.map_or(0.0, |bounds| bounds.least_latency_s(self.walks.instance))
            }
            Goal::Bytes => self.completion_bounds.as_ref().map_or(0.0, CompletionBounds::fewest_bytes),
            Goal::Occupation => self.occupations.iter().map(|occupation| occupation.in_all_s).fold(0.0, f64::max),
            Goal::Stages => self.walks.fewest_stages_in_all().map_or(f64::INFINITY, |stages| stages as f64),
        }
    }

    fn extensions(&self, limits: Limits, goal: Goal) -> Extensions<'_, W> {
        let instance = self.walks.instance;
        let within = Within {
            instance,
            period_s: self.period_s,
            limits,
            counted: Resources::counted(instance, self.period_s, &limits, goal),
            completion_bounds: self.completion_bounds.as_ref(),
            loads: self.loads.as_ref(),
            shipping: self.sums.shipping,
            occupations: &self.occupations,
            priced: self.priced.as_ref(),
        };
        Extensions { tables: &self.walks, within, in_turn: self.in_turn.as_ref(), goal }
    }

    /// Returns the best placement within limits that a beam of `width` buckets finds before it is
    /// told to stop, with its value of the goal.
    pub fn beam(&self, limits: Limits, goal: Goal, width: usize, stop: &dyn Fn() -> bool) -> Option<(Assignment, f64)> {
        if !self.may_hold(&limits) {
            return None;
        }
        let (found, value) = beam::placement(&mut self.extensions(limits, goal), &self.capacity, width, stop)?;
        match self.bring_in_media(&found) {
            BroughtIn::NotNeeded => Some((found, value)),
            BroughtIn::Another => self.with_media_in_play(stop).ok()?.beam(limits, goal, width, stop),
            BroughtIn::NoMore => None,
        }
    }

    /// Brings a medium into play that a placement occupies for longer than the period.
    fn bring_in_media(&self, found: &Assignment) -> BroughtIn {
        let instance = self.walks.instance;
        match instance.shared_media.as_ref().filter(|_| self.period_s < f64::MAX) {
            None => BroughtIn::NotNeeded,
            Some(media) => {
                media.bring_in(&media.occupied_s(found, &instance.load_bits), self.period_s, self.occupations.len())
            }
        }
    }

    /// The tables with all media that are in play now.
    fn with_media_in_play(&self, stop: &dyn Fn() -> bool) -> Result<Self, Stopped> {
        Self::new(self.walks.instance, self.stage_ends, self.sums, self.period_s, stop)
    }

    /// Decides whether a placement within limits exists, and returns the first placement found.
    /// Asks the relaxations, then a beam with its goal and width, then labels. If `most_labels` is
    /// 0, labels are not searched.
    pub fn find(
        &self,
        limits: Limits,
        (beam_goal, width): (Goal, usize),
        neighbourhoods: &mut Neighbourhoods,
        most_labels: usize,
        stop: &dyn Fn() -> bool,
    ) -> (Verdict, Option<Assignment>) {
        if !self.may_hold(&limits) {
            return (Verdict::Infeasible, None);
        }
        if let Some((found, _)) = self.beam(limits, beam_goal, width, stop) {
            return (Verdict::Feasible, Some(found));
        }
        if most_labels == 0 {
            return (Verdict::Unknown, None);
        }
        let decision = self.decide(limits, Goal::Stages, neighbourhoods, most_labels, stop);
        match decision.placement {
            Some((found, _)) => (Verdict::Feasible, Some(found)),
            None if decision.decided => (Verdict::Infeasible, None),
            None => (Verdict::Unknown, None),
        }
    }

    /// Decides by labels, and grows `neighbourhoods` along the cycles of walks. If it is told to
    /// stop, it returns what is known so far.
    pub fn decide(
        &self,
        mut limits: Limits,
        goal: Goal,
        neighbourhoods: &mut Neighbourhoods,
        most_labels: usize,
        stop: &dyn Fn() -> bool,
    ) -> Decision {
        let mut placement: Option<(Assignment, f64)> = None;
        let mut bound = 0.0;
        if !self.may_hold(&limits) {
            return Decision { placement, decided: true, bound };
        }
        let mut used_labels = 0;
        let mut all = self.in_turn.as_ref().map(|_| Neighbourhoods::full(self.walks.instance.hosts.len()));
        let neighbourhoods = all.as_mut().unwrap_or(neighbourhoods);
        loop {
            let extensions = self.extensions(limits, goal);
            let found =
                LabelSearch::run(extensions, &self.capacity, neighbourhoods, most_labels, &mut used_labels, stop);
            let Ok(walks) = found else { return Decision { placement, decided: false, bound } };
            if let Some((value, better)) = walks.placement {
                match self.bring_in_media(&better) {
                    BroughtIn::NotNeeded => {}
                    BroughtIn::Another => {
                        // The same decision with one more sum. What was found before is within all limits.
                        let Ok(tables) = self.with_media_in_play(stop) else {
                            return Decision { placement, decided: false, bound };
                        };
                        let decision = tables.decide(limits, goal, neighbourhoods, most_labels, stop);
                        return Decision {
                            bound: decision.bound.max(bound),
                            placement: decision.placement.or(placement),
                            ..decision
                        };
                    }
                    BroughtIn::NoMore => return Decision { placement, decided: false, bound: bound.max(value) },
                }
                limits = goal.below(limits, value);
                placement = Some((better, value));
            }
            let is_enough = goal == Goal::Stages && placement.is_some();
            let Some((least, _)) = walks.cyclic.first().filter(|_| !is_enough) else {
                return Decision { placement, decided: true, bound };
            };
            bound = f64::max(bound, *least);
            let mut grew = false;
            for (_, walk) in &walks.cyclic {
                grew |= neighbourhoods.forbid_cycles(&walk.hosts());
            }
            if !grew {
                return Decision { placement, decided: false, bound };
            }
        }
    }
}

/// Returns the order in which hosts that can be exchanged are used, if there are many of them and a
/// memory holds all hosts. Hosts are different if they share a medium or have held something.
fn in_turn(instance: &Instance, sums: &Sums<'_>) -> Option<InTurn> {
    let may = instance.hosts.len() <= MOST_REMEMBERED && instance.shared_media.is_none() && sums.shipping.is_none();
    may.then(|| Kinds::new(instance, 1)?.in_turn()).flatten()
}
