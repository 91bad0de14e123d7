//! The summary as Markdown: what was compared, what was counted apart, and the figures.

use std::fmt::{self, Display, Formatter};

use cutpoint_planner::domain::options::Algorithm;
use cutpoint_planner::domain::unit::counted;

use super::experiment::{ALGORITHMS, BASELINES, Instance, Kind};
use super::results::{Results, head_to_head, name, optimum_over_bound, periods_s, ratios, solve_s};
use super::statistics::Sample;
use super::table::{Table, ratio, seconds, share};

const KINDS: [(Kind, &str); 4] = [
    (Kind::Compared, "compared: with hops and a proven optimum"),
    (Kind::OneStage, "one stage: fits on one node, period 0"),
    (Kind::Infeasible, "infeasible, proven"),
    (Kind::Unproven, "no proof within the time limit"),
];

/// The summary of an experiment.
pub(super) struct Summary<'a>(pub(super) &'a Results<'a>);

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let results = self.0;
        let (design, done) = (results.design, results.instances.len());
        writeln!(f, "# Published algorithms against the proven optimum\n")?;
        let version = env!("CARGO_PKG_VERSION");
        let (clusters, seed) = (counted(design.clusters, "cluster"), design.seed);
        writeln!(f, "Cutpoint {version}, {clusters} for each cell, seed {seed}: {}.", counted(done, "instance"))?;
        if done < design.instances() {
            writeln!(f, "\n**Interrupted: {done} of {} done.**", counted(design.instances(), "instance"))?;
        }
        writeln!(f, "\n## What was run\n\n{}", kinds(results))?;
        writeln!(f, "## Period / optimum, by nodes\n\n{}", by_nodes(results))?;
        writeln!(f, "## Period / optimum, by model and memory (geometric mean and worst)\n\n{}", by_memory(results))?;
        writeln!(f, "## Against kpath\n\n{}", against_kpath(results))?;
        writeln!(f, "{}", bound(results))?;
        writeln!(f, "## Counted apart: one stage suffices\n\n{}", one_stage(results))?;
        writeln!(f, "## Counted apart: no placement exists, or no proof\n\n{}", without_optimum(results))?;
        write!(f, "## Solve time on compared instances\n\n{}", times(results))
    }
}

fn kinds(results: &Results<'_>) -> Table {
    let mut table = Table::new(["kind", "cells", "instances"]);
    for (kind, words) in KINDS {
        let (cells, instances) = (results.cells_of_kind(kind).len(), results.of_kind(kind).count());
        table.row([words.to_owned(), cells.to_string(), instances.to_string()]);
    }
    table
}

fn by_nodes(results: &Results<'_>) -> Table {
    let mut table = Table::new([
        "algorithm",
        "nodes",
        "instances",
        "nothing found",
        "at the optimum",
        "geometric mean",
        "median",
        "95 %",
        "worst",
    ]);
    for algorithm in BASELINES {
        let compared = results.of_kind(Kind::Compared);
        for &nodes in results.nodes() {
            let of_size = compared.clone().filter(|instance| instance.cell.nodes == nodes);
            table.row(ratio_row(of_size, algorithm, nodes.to_string()));
        }
        table.row(ratio_row(compared, algorithm, "all".to_owned()));
    }
    table
}

fn ratio_row<'i>(
    instances: impl Iterator<Item = &'i Instance> + Clone,
    algorithm: Algorithm,
    nodes: String,
) -> [String; 9] {
    let count = instances.clone().count();
    let ratios = ratios(instances, algorithm);
    [
        name(algorithm).to_owned(),
        nodes,
        count.to_string(),
        (count - ratios.count()).to_string(),
        share(ratios.count_up_to(1.0), ratios.count()),
        ratio(ratios.geometric_mean()),
        ratio(ratios.median()),
        ratio(ratios.quantile(0.95)),
        ratio(ratios.largest()),
    ]
}

fn by_memory(results: &Results<'_>) -> Table {
    let mut table = Table::new(["model", "memory", "instances", "stages, exact", "random", "greedy", "kpath"]);
    let mut cells = results.cells_of_kind(Kind::Compared);
    cells.sort_by_key(|cell| (&cell.model, cell.memory_mib));
    cells.dedup_by_key(|cell| (&cell.model, cell.memory_mib));
    for cell in cells {
        let of_cell = results
            .of_kind(Kind::Compared)
            .filter(|instance| (&instance.cell.model, instance.cell.memory_mib) == (&cell.model, cell.memory_mib));
        let figures = |algorithm| {
            let ratios = ratios(of_cell.clone(), algorithm);
            format!("{} ({})", ratio(ratios.geometric_mean()), ratio(ratios.largest()))
        };
        let stages: Sample = of_cell.clone().map(|instance| instance.run(Algorithm::Exact).stages as f64).collect();
        let range = stages.quantile(0.0).zip(stages.largest());
        let [random, greedy, kpath] = BASELINES.map(figures);
        table.row([
            cell.model.clone(),
            format!("{} MiB", cell.memory_mib),
            of_cell.count().to_string(),
            range.map(|(fewest, most)| format!("{fewest} to {most}")).unwrap_or_default(),
            random,
            greedy,
            kpath,
        ]);
    }
    table
}

/// Returns the comparisons with kpath: paired, and as quotients of arithmetic means, as in the
/// paper, with and without the one-stage instances.
fn against_kpath(results: &Results<'_>) -> Table {
    let mut table = Table::new([
        "quotient of periods",
        "instances",
        "kpath better",
        "equal",
        "kpath worse",
        "geometric mean",
        "of plain means",
        "of plain means, one-stage cases as 0 s",
    ]);
    for algorithm in [Algorithm::Random, Algorithm::Greedy, Algorithm::Exact] {
        let compared = results.of_kind(Kind::Compared);
        let paired = head_to_head(compared.clone(), algorithm, Algorithm::Kpath);
        let (up_to_equal, below) = (paired.count_up_to(1.0), paired.count_up_to(1.0_f64.next_down()));
        let of_means = |instances: &mut dyn Iterator<Item = &Instance>| {
            let instances: Vec<&Instance> = instances.collect();
            let mean_s = |algorithm| periods_s(instances.iter().copied(), algorithm).mean();
            mean_s(algorithm).zip(mean_s(Algorithm::Kpath)).map(|(mean_s, kpath_s)| mean_s / kpath_s)
        };
        table.row([
            format!("{} / kpath", name(algorithm)),
            paired.count().to_string(),
            share(paired.count() - up_to_equal, paired.count()),
            share(up_to_equal - below, paired.count()),
            share(below, paired.count()),
            ratio(paired.geometric_mean()),
            ratio(of_means(&mut compared.clone())),
            ratio(of_means(&mut compared.chain(results.of_kind(Kind::OneStage)))),
        ]);
    }
    table
}

fn bound(results: &Results<'_>) -> String {
    let over_bound = optimum_over_bound(results.of_kind(Kind::Compared));
    format!(
        "Optimum / bound of the walk relaxation: geometric mean {}, worst {}; the bound is the optimum in {} of {} \
         instances.\n",
        ratio(over_bound.geometric_mean()),
        ratio(over_bound.largest()),
        share(over_bound.count_up_to(1.0), over_bound.count()),
        over_bound.count(),
    )
}

fn one_stage(results: &Results<'_>) -> Table {
    let mut table =
        Table::new(["algorithm", "instances", "nothing found", "period 0", "median period", "largest period"]);
    for algorithm in ALGORITHMS {
        let periods_s = periods_s(results.of_kind(Kind::OneStage), algorithm);
        let count = results.of_kind(Kind::OneStage).count();
        table.row([
            name(algorithm).to_owned(),
            count.to_string(),
            (count - periods_s.count()).to_string(),
            share(periods_s.count_up_to(0.0), count),
            seconds(periods_s.median()),
            seconds(periods_s.largest()),
        ]);
    }
    table
}

fn without_optimum(results: &Results<'_>) -> Table {
    let mut table = Table::new(["cell", "instances", "infeasible", "no proof", "longest solve by exact"]);
    let mut cells = results.cells_of_kind(Kind::Infeasible);
    cells.extend(results.cells_of_kind(Kind::Unproven));
    cells.sort();
    cells.dedup();
    for cell in cells {
        let of_cell = results.instances.iter().filter(|instance| instance.cell == *cell);
        let count = |kind| of_cell.clone().filter(|instance| instance.kind() == kind).count().to_string();
        table.row([
            format!("{} on {} of {} MiB", cell.model, counted(cell.nodes, "node"), cell.memory_mib),
            of_cell.clone().count().to_string(),
            count(Kind::Infeasible),
            count(Kind::Unproven),
            seconds(solve_s(of_cell, Algorithm::Exact).largest()),
        ]);
    }
    table
}

fn times(results: &Results<'_>) -> Table {
    let mut table = Table::new(["algorithm", "nodes", "instances", "median", "95 %", "worst"]);
    for algorithm in ALGORITHMS {
        for &nodes in results.nodes() {
            let of_size = results.of_kind(Kind::Compared).filter(|instance| instance.cell.nodes == nodes);
            let solve_s = solve_s(of_size, algorithm);
            table.row([
                name(algorithm).to_owned(),
                nodes.to_string(),
                solve_s.count().to_string(),
                seconds(solve_s.median()),
                seconds(solve_s.quantile(0.95)),
                seconds(solve_s.largest()),
            ]);
        }
    }
    table
}
