//! The summary of the families: a table for each, a row for each number of nodes.

use std::fmt::{self, Display, Formatter};

use cutpoint_planner::domain::options::SolverOptions;
use cutpoint_planner::domain::placement::Status;
use cutpoint_planner::domain::unit::counted;
use cutpoint_planner::domain::unit::percent_text;

use super::family::Family;
use super::rows::Row;
use crate::results::name;
use crate::statistics::Sample;
use crate::table::{Table, seconds};

/// The summary of what was run.
pub(super) struct Summary<'a> {
    pub(super) families: &'a [Family],
    pub(super) seed: u64,
    pub(super) solver: SolverOptions,
    /// The number of instances that were to be run.
    pub(super) instances: usize,
    pub(super) rows: &'a [Row],
}

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Solve times on fresh instances\n")?;
        let (done, version) = (self.rows.len(), env!("CARGO_PKG_VERSION"));
        let (algorithm, limit) = (name(self.solver.algorithm), seconds(Some(self.solver.time_limit_s)));
        writeln!(
            f,
            "Cutpoint {version}, `{algorithm}` for {limit} at most, seed {}: {}.",
            self.seed,
            counted(done, "instance")
        )?;
        if done < self.instances {
            writeln!(f, "\n**Interrupted: {done} of {} done.**", counted(self.instances, "instance"))?;
        }
        for family in self.families {
            writeln!(f, "\n## {}\n\n{}.\n", family.name(), family.description())?;
            write!(f, "{}", self.table(*family))?;
        }
        Ok(())
    }
}

impl Summary<'_> {
    fn table(&self, family: Family) -> Table {
        let mut table = Table::new([
            "nodes",
            "instances",
            "one stage",
            "several stages",
            "infeasible",
            "nothing found",
            "proven",
            "median",
            "95 %",
            "worst",
            "worst of infeasible",
            "largest gap",
        ]);
        let name = family.name();
        let rows: Vec<&Row> = self.rows.iter().filter(|row| row.family == name).collect();
        let mut sizes: Vec<usize> = rows.iter().map(|row| row.nodes).collect();
        sizes.sort_unstable();
        sizes.dedup();
        for nodes in sizes {
            table.row(cells(nodes, rows.iter().copied().filter(|row| row.nodes == nodes)));
        }
        table
    }
}

/// Returns the cells of a row. Solve times are of instances that need a search: those that fit on
/// one node or are infeasible are quick, and would lower the quantiles.
fn cells<'r>(nodes: usize, rows: impl Iterator<Item = &'r Row> + Clone) -> [String; 12] {
    let count = |is: fn(&Row) -> bool| rows.clone().filter(|&row| is(row)).count();
    let solve_s =
        |is: fn(&Row) -> bool| -> Sample { rows.clone().filter(|&row| is(row)).map(|row| row.solve_s).collect() };
    let work_s = solve_s(Row::is_work);
    let gaps: Sample = rows.clone().filter_map(|row| row.gap).collect();
    [
        nodes.to_string(),
        count(|_| true).to_string(),
        count(|row| row.stages == 1).to_string(),
        count(|row| row.stages > 1).to_string(),
        count(|row| row.status == Status::Infeasible).to_string(),
        count(|row| row.status == Status::Unknown).to_string(),
        count(Row::is_proven).to_string(),
        seconds(work_s.median()),
        seconds(work_s.quantile(0.95)),
        seconds(work_s.largest()),
        seconds(solve_s(|row| row.status == Status::Infeasible).largest()),
        gaps.largest().map_or_else(|| "–".to_owned(), percent_text),
    ]
}
