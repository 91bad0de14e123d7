//! The summary: a row for each number of nodes and memory.

use std::fmt::{self, Display, Formatter};

use cutpoint_planner::domain::options::PlanOptions;
use cutpoint_planner::domain::placement::Status;
use cutpoint_planner::domain::unit::{counted, percent_text};

use super::rows::Row;
use crate::statistics::Sample;
use crate::table::{Table, ratio, seconds};

/// The summary of what was run.
pub(super) struct Summary<'a> {
    pub(super) options: &'a PlanOptions,
    /// The number of instances that were planned.
    pub(super) instances: usize,
    pub(super) nodes: &'a [usize],
    pub(super) rows: &'a [Row],
}

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "# One channel for all\n")?;
        let (version, limit) = (env!("CARGO_PKG_VERSION"), seconds(Some(self.options.solver.time_limit_s)));
        let done = counted(self.rows.len(), "instance");
        writeln!(f, "Cutpoint {version}, {limit} at most, seed {}: {done}.\n", self.options.solver.seed)?;
        if self.rows.len() < self.instances {
            writeln!(f, "**Interrupted: {} of {} done.**\n", self.rows.len(), counted(self.instances, "instance"))?;
        }
        write!(f, "{}", self.table())?;
        writeln!(
            f,
            "\nCompared: instances with hops that are proven both with undisturbed links and on one channel.\nRatio: what \
             the optimum for undisturbed links takes on one channel, divided by the optimum there.\nSurprise: what that \
             placement takes on one channel, divided by what it would take if no transfer disturbed another."
        )
    }
}

impl Summary<'_> {
    fn table(&self) -> Table {
        let headings = [
            "nodes",
            "instances",
            "one stage",
            "infeasible",
            "proven",
            "compared",
            "ratio",
            "95 %",
            "worst",
            "surprise",
            "solve median",
            "solve 95 %",
            "solve worst",
            "largest gap",
        ];
        let mut table = Table::new(headings);
        for &nodes in self.nodes {
            table.row(self.cells(&nodes.to_string(), |row| row.cell.nodes == nodes));
        }
        table.row(self.cells("all", |_| true));
        table
    }

    fn cells(&self, name: &str, belongs: impl Fn(&Row) -> bool) -> [String; 14] {
        let rows: Vec<&Row> = self.rows.iter().filter(|row| belongs(row)).collect();
        let count = |is: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| is(row)).count().to_string();
        let ratios: Sample = rows.iter().filter_map(|row| row.ratio()).collect();
        let surprises: Sample = rows.iter().filter_map(|row| row.surprise()).collect();
        let several = rows.iter().filter(|row| row.stages > 1);
        let times: Sample = several.clone().map(|row| row.solve_s).collect();
        let gap = rows.iter().filter_map(|row| row.gap).fold(0.0, f64::max);
        [
            name.to_owned(),
            rows.len().to_string(),
            count(&|row| row.stages == 1),
            count(&|row| row.status == Status::Infeasible),
            count(&Row::is_proven),
            ratios.count().to_string(),
            ratio(ratios.geometric_mean()),
            ratio(ratios.quantile(0.95)),
            ratio(ratios.largest()),
            ratio(surprises.geometric_mean()),
            seconds(times.median()),
            seconds(times.quantile(0.95)),
            seconds(times.largest()),
            percent_text(gap),
        ]
    }
}
