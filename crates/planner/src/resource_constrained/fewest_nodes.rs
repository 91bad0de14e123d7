//! The fewest nodes within a target period: decisions with a limit on stages, rising from what a walk needs.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::decide::{Tables, WIDTH};
use super::effort::{Effort, beam_width};
use super::limits::{Goal, Limits};
use crate::domain::options::Overlap;
use crate::exact::decision::Decider;
use crate::exact::neighbourhood::Neighbourhoods;
use crate::exact::stage_ends::StageEnds;
use crate::incumbent::Incumbent;
use crate::instance::Instance;
use crate::stopped::Stopped;
use crate::verdict::Verdict;

/// Closes the gap between bound and fewest nodes as far as the world allows.
pub fn search<const W: usize>(incumbent: &Incumbent<'_>, target_period_s: f64) -> Result<(), Stopped> {
    let instance = incumbent.instance;
    let stop = || incumbent.must_end();
    let stage_ends = StageEnds::<W>::new(instance, &stop)?;
    let mut neighbourhoods = Neighbourhoods::new(instance.hosts.len());
    let tables = Tables::new(instance, &stage_ends, None, target_period_s, &stop)?;
    let limits = Limits::of_latency(instance.max_latency_s);
    incumbent.raise(if tables.may_hold(&limits) { tables.least(Goal::Stages) } else { f64::INFINITY });
    if let Some((found, _)) = tables.beam(limits, Goal::Stages, WIDTH, &stop) {
        incumbent.offer(found);
    }
    let by_bitsets = instance.overlap == Overlap::Full && instance.max_latency_s == f64::INFINITY;
    let mut decide = |stages: usize, most_labels: usize| -> Result<Verdict, Stopped> {
        let mut limited = instance.clone();
        limited.most_stages = stages;
        if by_bitsets {
            at_most::<W>(incumbent, &limited, &stage_ends, target_period_s, most_labels)
        } else {
            let tables = Tables::new(&limited, &stage_ends, None, target_period_s, &stop)?;
            if let Some((found, _)) = tables.beam(limits, Goal::Stages, beam_width(most_labels), &stop) {
                incumbent.offer(found);
                return Ok(Verdict::Feasible);
            }
            let decision = tables.decide(limits, Goal::Stages, &mut neighbourhoods, most_labels, &stop);
            Ok(match decision.placement {
                Some((found, _)) => {
                    incumbent.offer(found);
                    Verdict::Feasible
                }
                None if decision.decided => Verdict::Infeasible,
                None => Verdict::Unknown,
            })
        }
    };
    for most_labels in Effort::of_proofs(incumbent).rising() {
        // Any number first, or without a placement nothing would be known of the upper end.
        if incumbent.best().is_none() && decide(instance.most_stages, most_labels)? == Verdict::Infeasible {
            incumbent.raise(f64::INFINITY);
        }
        while !stop() && incumbent.bound() < incumbent.objective().min(instance.most_stages as f64) {
            let stages = incumbent.bound() as usize;
            match decide(stages, most_labels)? {
                Verdict::Infeasible => incumbent.raise(incumbent.objective().min((stages + 1) as f64)),
                Verdict::Feasible | Verdict::Unknown => break,
            }
        }
        if stop() || incumbent.bound() == f64::INFINITY {
            break;
        }
    }
    Ok(())
}

/// With full overlap and no limit of latency, sets of starts say all: the decision of the search for the least period.
fn at_most<const W: usize>(
    incumbent: &Incumbent<'_>,
    limited: &Instance,
    stage_ends: &StageEnds<W>,
    target_period_s: f64,
    most_labels: usize,
) -> Result<Verdict, Stopped> {
    let every_cut: Vec<usize> = (0..=limited.blocks()).collect();
    let rng = Pcg64Mcg::seed_from_u64(incumbent.env.seed);
    Decider::new(incumbent, limited, &every_cut, stage_ends, rng).decide(target_period_s, most_labels)
}
