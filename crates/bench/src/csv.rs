//! The runs as a table of comma-separated values, one row for each run.

use std::io;

use cutpoint_planner::domain::options::Algorithm;
use cutpoint_planner::domain::placement::{Status, Termination};
use serde::Serialize;

use super::experiment::{Instance, Kind};

#[derive(Serialize)]
struct Row<'a> {
    model: &'a str,
    nodes: usize,
    memory_mib: u64,
    cluster: usize,
    algorithm: Algorithm,
    instance: Kind,
    status: Status,
    termination: Termination,
    stages: usize,
    period_s: Option<f64>,
    lower_bound_s: Option<f64>,
    period_over_optimum: Option<f64>,
    solve_s: f64,
}

/// Writes a heading and a row for each run.
pub(super) fn write(instances: &[Instance], to: impl io::Write) -> csv::Result<()> {
    let mut writer = csv::Writer::from_writer(to);
    for instance in instances {
        for run in &instance.runs {
            writer.serialize(Row {
                model: &instance.cell.model,
                nodes: instance.cell.nodes,
                memory_mib: instance.cell.memory_mib,
                cluster: instance.cluster,
                algorithm: run.algorithm,
                instance: instance.kind(),
                status: run.status,
                termination: run.termination,
                stages: run.stages,
                period_s: run.period_s,
                lower_bound_s: run.lower_bound_s,
                period_over_optimum: instance.ratio(run.algorithm),
                solve_s: run.solve_s,
            })?;
        }
    }
    writer.flush()?;
    Ok(())
}
