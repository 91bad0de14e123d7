//! The suite of one channel: what the optimum for undisturbed links really takes where all nodes share one radio channel,
//! and the optimum there.

mod rows;
mod summary;

use std::sync::Arc;

use anyhow::{Context, anyhow, ensure};
use cutpoint_planner::check::{StageProposal, evaluate};
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::network::Network;
use cutpoint_planner::domain::options::{Algorithm, PlanOptions, SolverOptions};
use cutpoint_planner::domain::placement::PlacementDocument;
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::domain::unit::counted;

pub(crate) use self::rows::Row;
use self::summary::Summary;
use crate::arguments::BenchArguments;
use crate::cluster::Places;
use crate::experiment::{Cell, paper_costs, solve};
use crate::interrupt::Interrupt;
use crate::{Exit, ascending, make_folder, plots, progress_bar, write_file};

/// The name of the channel.
const CHANNEL: &str = "channel";

/// Runs the suite.
pub(super) fn run(arguments: &BenchArguments, models: &[Arc<ModelProfile>]) -> anyhow::Result<Exit> {
    let folder = &arguments.output;
    make_folder(folder)?;
    let interrupt = Interrupt::listen()?;
    let nodes: Vec<usize> = ascending(arguments.nodes()).into_iter().map(|nodes| nodes as usize).collect();
    let memory_mib: Vec<u64> = ascending(arguments.memory_mib()).into_iter().map(u64::from).collect();
    let clusters = arguments.clusters() as usize;
    let instances = models.len() * nodes.len() * memory_mib.len() * clusters;
    let solver = SolverOptions {
        algorithm: Algorithm::Exact,
        time_limit_s: arguments.time_limit_s(),
        seed: arguments.seed,
        tolerance: 0.0,
        ..SolverOptions::default()
    };
    let options = PlanOptions { cost_model: paper_costs(), solver, ..PlanOptions::default() };
    let places = Places::draw(arguments.seed, clusters, nodes.last().copied().unwrap_or(0));
    let bar = progress_bar(instances);
    let mut rows = Vec::with_capacity(instances);
    'clusters: for cluster in 0..clusters {
        if bar.is_hidden() {
            eprintln!("cluster {cluster}, {} s", bar.elapsed().as_secs());
        }
        for (&nodes, &memory_mib) in nodes.iter().flat_map(|nodes| memory_mib.iter().map(move |memory| (nodes, memory)))
        {
            let undisturbed = Arc::new(places.inventory(cluster, nodes, memory_mib)?);
            let shared = Arc::new(on_one_channel(&undisturbed));
            for model in models {
                let place = format!("{} on {} of {memory_mib} MiB", model.name, counted(nodes, "node"));
                bar.set_message(place.clone());
                let of = |cluster: &Arc<ClusterInventory>| PlanRequest {
                    model: model.clone(),
                    cluster: cluster.clone(),
                    options: options.clone(),
                };
                let cell = Cell { model: model.name.clone(), nodes, memory_mib };
                let row = compare(cell, cluster, &of(&undisturbed), &of(&shared), &interrupt);
                let row = row.with_context(|| format!("{place}, cluster {cluster}"))?;
                if interrupt.has_come() {
                    break 'clusters;
                }
                rows.push(row);
                bar.inc(1);
            }
        }
    }
    bar.finish_and_clear();
    let summary = Summary { options: &options, instances, nodes: &nodes, rows: &rows }.to_string();
    let mut runs = Vec::new();
    rows::write(&rows, &mut runs).context("the runs cannot be written as CSV")?;
    let plot = plots::channel(&nodes, &rows).map_err(|error| anyhow!("channel.svg cannot be drawn: {error}"))?;
    write_file(folder, "runs.csv", &runs)?;
    write_file(folder, "summary.md", summary.as_bytes())?;
    write_file(folder, "channel.svg", plot.as_bytes())?;
    println!("{summary}\nruns.csv, summary.md and channel.svg are in {}", folder.display());
    Ok(if rows.len() == instances { Exit::Complete } else { Exit::Interrupted })
}

/// Returns the same cluster with one channel for all pairs.
fn on_one_channel(cluster: &ClusterInventory) -> ClusterInventory {
    let mut shared = cluster.clone();
    if let Some(Network::Radio(radio)) = &mut shared.network {
        radio.medium = Some(CHANNEL.to_owned());
    }
    shared
}

/// Plans with undisturbed links and on one channel, and evaluates the first plan there.
fn compare(
    cell: Cell,
    cluster: usize,
    undisturbed: &PlanRequest,
    shared: &PlanRequest,
    interrupt: &Interrupt,
) -> anyhow::Result<Row> {
    let (alone, alone_s) = solve(undisturbed, interrupt)?;
    let (best, best_s) = solve(shared, interrupt)?;
    let really_s = if alone.stages().is_empty() { None } else { Some(really_s(shared, &alone)?) };
    if let (Some(really_s), Some(bound_s)) = (really_s, best.lower_bound_s) {
        ensure!(really_s >= bound_s, "a placement of {really_s} s is below the bound {bound_s} s");
    }
    Ok(Row {
        cell,
        cluster,
        undisturbed_status: alone.status,
        undisturbed_stages: alone.stages().len(),
        undisturbed_s: alone.period_s,
        undisturbed_solve_s: alone_s,
        really_s,
        status: best.status,
        stages: best.stages().len(),
        period_s: best.period_s,
        lower_bound_s: best.lower_bound_s,
        gap: best.gap,
        solve_s: best_s,
    })
}

/// Returns the period that a placement has on one channel.
fn really_s(shared: &PlanRequest, placement: &PlacementDocument) -> anyhow::Result<f64> {
    let stages = placement.stages().iter();
    let proposal = |stage: &cutpoint_planner::domain::placement::Stage| StageProposal {
        node_id: stage.node_id.clone(),
        layer_ids: stage.layer_ids.clone(),
    };
    let evaluation = evaluate(shared, &stages.map(proposal).collect::<Vec<StageProposal>>());
    ensure!(evaluation.violations.is_empty(), "the placement is not valid on one channel");
    evaluation.period_s.context("the placement has no period on one channel")
}
