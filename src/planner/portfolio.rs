//! Placements by dives for what the exact search does not prove: overlap `none`, `min_latency` and `min_nodes`.

use rand::SeedableRng;
use rand_pcg::Pcg64Mcg;

use super::exact::at_period::AtPeriod;
use super::exact::dive::Dive;
use super::exact::stage_ends::StageEnds;
use super::incumbent::Incumbent;
use super::repartition::repartition;
use crate::domain::options::Objective;

/// Expansions of a dive, and how many randomised dives follow the first.
const EXPANSIONS: usize = 400;
const RANDOMISED_DIVES: usize = 8;

/// Searches for placements by dives at rising, then at bisected periods.
pub fn dive_for_placements<const W: usize>(incumbent: &Incumbent<'_>) -> Option<()> {
    let problem = incumbent.problem;
    let stop = || incumbent.must_end();
    let stage_ends = StageEnds::<W>::new(problem, &stop)?;
    let mut rng = Pcg64Mcg::seed_from_u64(incumbent.env.seed);
    let mut dive_at = |period_s: f64| -> Option<bool> {
        let tables = AtPeriod::new(problem, &stage_ends, period_s, &stop)?;
        let openness: Vec<u64> = (0..problem.hosts.len()).map(|host| tables.openness(host)).collect();
        for attempt in 0..=RANDOMISED_DIVES {
            let rng = (attempt > 0).then_some(&mut rng);
            if let Some(found) = Dive::run(&tables, None, &openness, EXPANSIONS, rng, &stop) {
                let hosts: Vec<usize> = found.stages.iter().map(|&(_, host)| host).collect();
                incumbent.offer(found);
                if let Some(better) = repartition(problem, &hosts, &stop) {
                    incumbent.offer(better);
                }
                return Some(true);
            }
        }
        Some(false)
    };
    if let Objective::MinNodes { target_period_s } = problem.objective {
        let tables = AtPeriod::new(problem, &stage_ends, target_period_s, &stop)?;
        // Where not even a walk within the target leads to the end, no number of nodes is enough.
        incumbent.raise(tables.fewest_stages_in_all().map_or(f64::INFINITY, |fewest| fewest as f64));
        dive_at(target_period_s)?;
        return Some(());
    }
    if problem.objective == Objective::MinLatency {
        dive_at(f64::MAX)?;
        return Some(());
    }
    dive_at(f64::MAX)?;
    let mut unreached = incumbent.bound();
    let mut factor = 1.0;
    // Multiples of a bound of 0 are all the same period.
    while unreached > 0.0 && unreached * factor < incumbent.objective() && factor < 2.0 {
        if dive_at(unreached * factor)? {
            break;
        }
        factor = if factor == 1.0 { 1.02 } else { factor * factor };
    }
    unreached *= if factor == 1.0 { 1.0 } else { factor.sqrt() };
    for _ in 0..12 {
        let reached = incumbent.objective();
        if stop() || reached <= unreached {
            break;
        }
        let middle = unreached + (reached - unreached) / 2.0;
        if !dive_at(middle)? {
            unreached = middle;
        }
    }
    Some(())
}
