//! The suite of models in several orders of their files. The proven results must be the same for
//! all orders.

mod cluster;
mod rows;
mod shuffle;
mod summary;

use std::sync::Arc;

use anyhow::{Context, anyhow};
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::options::{PlanOptions, SolverOptions};
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::domain::unit::counted;

pub(super) use self::cluster::Network;
use self::cluster::inventory;
use self::rows::{Order, Row};
use self::shuffle::shuffled;
use self::summary::Summary;
use crate::arguments::BenchArguments;
use crate::experiment::run_one;
use crate::interrupt::Interrupt;
use crate::{Exit, ascending, make_folder, progress_bar, write_file};

/// Runs the suite.
pub(super) fn run(arguments: &BenchArguments, models: &[Arc<ModelProfile>]) -> anyhow::Result<Exit> {
    let folder = &arguments.output;
    make_folder(folder)?;
    let interrupt = Interrupt::listen()?;
    let (nodes, networks) = (ascending(arguments.nodes()), arguments.networks());
    let instances = models.len() * nodes.len() * networks.len() * (arguments.shuffles() + 1);
    let bar = progress_bar(instances);
    let solver = SolverOptions {
        time_limit_s: arguments.time_limit_s(),
        seed: arguments.seed,
        tolerance: 0.0,
        ..SolverOptions::default()
    };
    let options = PlanOptions { solver, ..PlanOptions::default() };
    let mut rows = Vec::with_capacity(instances);
    'models: for model in models {
        if bar.is_hidden() {
            eprintln!("{}, {} s", model.name, bar.elapsed().as_secs());
        }
        for shuffle in 0..=arguments.shuffles() {
            let order = Order::new(shuffled(model, arguments.seed, shuffle)?, shuffle);
            for &nodes in &nodes {
                for &network in networks {
                    let place = format!("{} on {}, shuffle {shuffle}", model.name, counted(nodes, "node"));
                    bar.set_message(place.clone());
                    let cluster = Arc::new(inventory(&order.model, network, nodes as usize, arguments.seed)?);
                    let request = PlanRequest { model: order.model.clone(), cluster, options: options.clone() };
                    let run = run_one(&request, &interrupt).context(place)?;
                    if interrupt.has_come() {
                        break 'models;
                    }
                    rows.push(Row::new(&order, nodes as usize, network, &run));
                    bar.inc(1);
                }
            }
        }
    }
    bar.finish_and_clear();
    let summary =
        Summary { solver: options.solver, shuffles: arguments.shuffles(), instances, rows: &rows }.to_string();
    let mut runs = Vec::new();
    rows::write(&rows, &mut runs).context("the runs cannot be written as CSV")?;
    write_file(folder, "runs.csv", &runs)?;
    write_file(folder, "summary.md", summary.as_bytes())?;
    println!("{summary}\nruns.csv and summary.md are in {}", folder.display());
    Ok(if rows.len() == instances { Exit::Complete } else { Exit::Interrupted })
}

/// Returns the error for a document of this suite that the domain refuses: a defect of the suite.
fn refused(what: &str, faults: impl std::fmt::Debug) -> anyhow::Error {
    anyhow!("{what} cannot be used: {faults:?}")
}
