//! The summary: a row for each model, which tells whether its orders agree.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use cutpoint_planner::domain::options::SolverOptions;
use cutpoint_planner::domain::unit::{counted, percent_text};

use super::Network;
use super::rows::Row;
use crate::statistics::Sample;
use crate::table::{Table, seconds};

/// The summary of what was run.
pub(super) struct Summary<'a> {
    pub(super) solver: SolverOptions,
    pub(super) shuffles: usize,
    /// The number of runs that were planned.
    pub(super) instances: usize,
    pub(super) rows: &'a [Row],
}

/// The comparison of the orders of one model on one cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// All are proven, and have the same status, period and bound, to the bit.
    Same,
    /// All are proven and differ: a defect of the planner.
    Differ,
    /// The bound of one order is above the period of another: a defect of the planner.
    Contradict,
    /// Some are not proven.
    Open,
}

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Models in several orders of their files\n")?;
        let (version, limit) = (env!("CARGO_PKG_VERSION"), seconds(Some(self.solver.time_limit_s)));
        let (shuffles, done) = (counted(self.shuffles, "shuffle"), counted(self.rows.len(), "run"));
        writeln!(
            f,
            "Cutpoint {version}, {limit} at most, seed {}, {shuffles} beside the file's order: {done}.\n",
            self.solver.seed
        )?;
        if self.rows.len() < self.instances {
            writeln!(f, "**Interrupted: {} of {} done.**\n", self.rows.len(), counted(self.instances, "run"))?;
        }
        write!(f, "{}", self.table())?;
        writeln!(
            f,
            "\nClusters with one period: those where every order is proven, and status, period and bound are equal to the \
             bit.\nContradictions: clusters where proven orders differ, or the bound of one order is above the period of \
             another."
        )
    }
}

impl Summary<'_> {
    fn table(&self) -> Table {
        let mut table = Table::new([
            "model",
            "layers",
            "cuts",
            "considered",
            "runs",
            "proven",
            "clusters with one period",
            "contradictions",
            "median",
            "worst",
            "largest gap",
        ]);
        let mut models: Vec<&str> = self.rows.iter().map(|row| row.model.as_str()).collect();
        models.dedup();
        for model in models {
            let rows: Vec<&Row> = self.rows.iter().filter(|row| row.model == model).collect();
            table.row(cells(&rows));
        }
        table
    }
}

fn cells(rows: &[&Row]) -> [String; 11] {
    let mut clusters: BTreeMap<(usize, Network), Vec<&Row>> = BTreeMap::new();
    for row in rows {
        clusters.entry(row.cluster()).or_default().push(row);
    }
    let verdicts: Vec<Verdict> = clusters.values().map(|orders| verdict(orders)).collect();
    let of = |wanted: &[Verdict]| verdicts.iter().filter(|verdict| wanted.contains(verdict)).count();
    let times: Sample = rows.iter().map(|row| row.solve_s).collect();
    let considered = rows.iter().filter_map(|row| row.considered).max();
    let gap = rows.iter().filter_map(|row| row.gap).reduce(f64::max);
    [
        rows[0].model.clone(),
        rows[0].layers.to_string(),
        rows[0].cuts.clone(),
        considered.map_or_else(|| "–".to_owned(), |considered| considered.to_string()),
        rows.len().to_string(),
        rows.iter().filter(|row| row.is_proven()).count().to_string(),
        format!("{} of {}", of(&[Verdict::Same]), clusters.len()),
        of(&[Verdict::Differ, Verdict::Contradict]).to_string(),
        seconds(times.median()),
        seconds(times.largest()),
        gap.map_or_else(|| "–".to_owned(), percent_text),
    ]
}

fn verdict(orders: &[&Row]) -> Verdict {
    let least_period_s = orders.iter().filter_map(|row| row.period_s).fold(f64::INFINITY, f64::min);
    if orders.iter().any(|row| row.lower_bound_s.is_some_and(|bound_s| bound_s > least_period_s)) {
        return Verdict::Contradict;
    }
    let claim = |row: &Row| (row.status, row.period_s.map(f64::to_bits), row.lower_bound_s.map(f64::to_bits));
    match orders.iter().all(|row| row.is_proven()) {
        false => Verdict::Open,
        true if orders.iter().all(|row| claim(row) == claim(orders[0])) => Verdict::Same,
        true => Verdict::Differ,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cutpoint_planner::domain::placement::Status;

    fn order(status: Status, period_s: f64, bound_s: f64) -> Row {
        Row {
            model: "m".to_owned(),
            layers: 3,
            cuts: "2".to_owned(),
            considered: Some(2),
            nodes: 5,
            network: Network::Mesh,
            shuffle: 0,
            status,
            period_s: Some(period_s),
            lower_bound_s: Some(bound_s),
            gap: None,
            solve_s: 0.1,
        }
    }

    #[test]
    fn orders_agree_to_the_bit_or_not() {
        let best = order(Status::Optimal, 1.0, 1.0);
        let verdict_with = |other: Row| verdict(&[&best, &other]);
        assert_eq!(verdict_with(best.clone()), Verdict::Same);
        assert_eq!(verdict_with(order(Status::Optimal, 1.0 + f64::EPSILON, 1.0)), Verdict::Differ);
        assert_eq!(verdict_with(order(Status::Feasible, 2.0, 0.5)), Verdict::Open);
        assert_eq!(verdict_with(order(Status::Feasible, 2.0, 1.5)), Verdict::Contradict);
    }
}
