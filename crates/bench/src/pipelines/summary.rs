//! The summary: a row for each number of nodes and kind of computing, and one for each model and memory.

use std::fmt::{self, Display, Formatter};

use cutpoint_planner::domain::options::SolverOptions;
use cutpoint_planner::domain::placement::Status;
use cutpoint_planner::domain::unit::{counted, percent_text};

use super::rows::{Row, Speeds};
use crate::statistics::Sample;
use crate::table::{Table, ratio, seconds};

/// The summary of what was run.
pub(super) struct Summary<'a> {
    pub(super) solver: &'a SolverOptions,
    /// The number of instances that were planned.
    pub(super) instances: usize,
    pub(super) nodes: &'a [usize],
    pub(super) rows: &'a [Row],
}

const HEADINGS: [&str; 14] = [
    "nodes, compute",
    "instances",
    "period 0",
    "infeasible",
    "compared",
    "proven",
    "gap median",
    "gap worst",
    "over one",
    "over copies",
    "over greedy",
    "below any",
    "solve median",
    "solve worst",
];

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Clusters full of pipelines\n")?;
        let (version, limit) = (env!("CARGO_PKG_VERSION"), seconds(Some(self.solver.time_limit_s)));
        let done = counted(self.rows.len(), "instance");
        writeln!(f, "Cutpoint {version}, {limit} at most, seed {}: {done}.\n", self.solver.seed)?;
        if self.rows.len() < self.instances {
            writeln!(f, "**Interrupted: {} of {} done.**\n", self.rows.len(), counted(self.instances, "instance"))?;
        }
        let mut table = Table::new(HEADINGS);
        for &nodes in self.nodes {
            for speeds in Speeds::ALL {
                let name = format!("{nodes}, {}", speeds.text());
                table.row(self.cells(&name, |row| row.cell.nodes == nodes && row.speeds == speeds));
            }
        }
        table.row(self.cells("all", |_| true));
        writeln!(f, "{table}")?;
        let mut table = Table::new(HEADINGS);
        let mut cells: Vec<_> = self.rows.iter().map(|row| &row.cell).collect();
        cells.sort();
        cells.dedup();
        for cell in cells {
            let name = format!("{} on {} of {} MiB", cell.model, cell.nodes, cell.memory_mib);
            table.row(self.cells(&name, |row| row.cell == *cell));
        }
        writeln!(f, "{table}")?;
        writeln!(
            f,
            "Compared: instances with pipelines that take time.\nOver: the sum of rates divided by that of the best single \
             pipeline, of copies of its stages on the nodes that are left, and of one best pipeline after the other; \
             geometric means.\nBelow any: instances where one of these makes more (by more than 10⁻⁹)."
        )
    }
}

impl Summary<'_> {
    fn cells(&self, name: &str, belongs: impl Fn(&Row) -> bool) -> [String; 14] {
        let rows: Vec<&Row> = self.rows.iter().filter(|row| belongs(row)).collect();
        let count = |is: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| is(row)).count().to_string();
        let compared: Vec<&Row> = rows.iter().copied().filter(|row| row.is_compared()).collect();
        let gaps: Sample = compared.iter().map(|row| row.gap.unwrap_or(1.0)).collect();
        let times: Sample = compared.iter().map(|row| row.solve_s).collect();
        let proven = compared.iter().filter(|row| row.is_proven()).count();
        let over = |other: &dyn Fn(&Row) -> Option<f64>| {
            let gains: Sample = compared.iter().filter_map(|row| row.gain_over(other(row))).collect();
            ratio(gains.geometric_mean())
        };
        let is_below = |row: &&&Row| {
            let others = [row.single_per_s, row.copies_per_s, row.greedy_per_s];
            others.into_iter().any(|other| row.gain_over(other).is_some_and(|gain| gain < 1.0 - 1e-9))
        };
        let percent = |gap: Option<f64>| gap.map_or_else(|| "–".to_owned(), percent_text);
        [
            name.to_owned(),
            rows.len().to_string(),
            count(&|row| row.is_instant),
            count(&|row| row.status == Status::Infeasible),
            compared.len().to_string(),
            format!("{proven} of {}", compared.len()),
            percent(gaps.median()),
            percent(gaps.largest()),
            over(&|row| row.single_per_s),
            over(&|row| row.copies_per_s),
            over(&|row| row.greedy_per_s),
            compared.iter().filter(is_below).count().to_string(),
            seconds(times.median()),
            seconds(times.largest()),
        ]
    }
}
