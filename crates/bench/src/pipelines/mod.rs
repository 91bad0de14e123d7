//! The suite of clusters full of pipelines: the sum of rates and its bound, against one pipeline, copies of its stages, and
//! pipelines that are planned one after the other.

mod baselines;
mod rows;
mod summary;

use std::sync::Arc;

use anyhow::{Context, anyhow, ensure};
use cutpoint_planner::domain::cluster::{ClusterInventory, Node};
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::options::{
    Algorithm, ComputeModel, CostModel, PipelineOptions, PlanOptions, SolverOptions,
};
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::domain::unit::counted;

use serde_json::{Value, json};

use self::baselines::{copies_per_s, greedy_per_s, single};
use self::rows::{Row, Speeds};
use self::summary::Summary;
use crate::arguments::BenchArguments;
use crate::cluster::Places;
use crate::experiment::{Cell, paper_costs, solve};
use crate::interrupt::Interrupt;
use crate::{Exit, ascending, make_folder, progress_bar, write_file};

/// Operations per second of the three kinds of node.
const THREE_SPEEDS: [f64; 3] = [1e9, 2e9, 4e9];

/// Bits per second of each link of the mesh.
const MESH_BPS: f64 = 1e7;

/// Runs the suite.
pub(super) fn run(arguments: &BenchArguments, models: &[Arc<ModelProfile>]) -> anyhow::Result<Exit> {
    let folder = &arguments.output;
    make_folder(folder)?;
    let interrupt = Interrupt::listen()?;
    let nodes: Vec<usize> = ascending(arguments.nodes()).into_iter().map(|nodes| nodes as usize).collect();
    let memory_mib: Vec<u64> = ascending(arguments.memory_mib()).into_iter().map(u64::from).collect();
    let clusters = arguments.clusters() as usize;
    let instances = models.len() * nodes.len() * memory_mib.len() * clusters * Speeds::ALL.len();
    let solver = SolverOptions {
        algorithm: Algorithm::Exact,
        time_limit_s: arguments.time_limit_s(),
        seed: arguments.seed,
        tolerance: 0.0,
        ..SolverOptions::default()
    };
    let places = Places::draw(arguments.seed, clusters, nodes.last().copied().unwrap_or(0));
    let bar = progress_bar(instances);
    let mut rows = Vec::with_capacity(instances);
    'clusters: for cluster in 0..clusters {
        if bar.is_hidden() {
            eprintln!("cluster {cluster}, {} s", bar.elapsed().as_secs());
        }
        for (&nodes, &memory_mib) in nodes.iter().flat_map(|nodes| memory_mib.iter().map(move |memory| (nodes, memory)))
        {
            let inventory = places.inventory(cluster, nodes, memory_mib)?;
            for (speeds, model) in
                Speeds::ALL.iter().flat_map(|&speeds| models.iter().map(move |model| (speeds, model)))
            {
                let place = format!("{} on {} of {memory_mib} MiB", model.name, counted(nodes, "node"));
                bar.set_message(place.clone());
                let cell = Cell { model: model.name.clone(), nodes, memory_mib };
                let request = PlanRequest {
                    model: model.clone(),
                    cluster: Arc::new(with_speeds(&inventory, speeds)?),
                    options: PlanOptions { cost_model: costs(speeds), solver, ..PlanOptions::default() },
                };
                let row = compare(cell, cluster, speeds, &request, &interrupt);
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
    let summary = Summary { solver: &solver, instances, nodes: &nodes, rows: &rows }.to_string();
    let mut runs = Vec::new();
    rows::write(&rows, &mut runs).context("the runs cannot be written as CSV")?;
    write_file(folder, "runs.csv", &runs)?;
    write_file(folder, "summary.md", summary.as_bytes())?;
    println!("{summary}\nruns.csv and summary.md are in {}", folder.display());
    Ok(if rows.len() == instances { Exit::Complete } else { Exit::Interrupted })
}

/// Returns the costs of the paper, with or without computing.
fn costs(speeds: Speeds) -> CostModel {
    match speeds {
        Speeds::Ignored => paper_costs(),
        Speeds::Three | Speeds::Equal => CostModel { compute: ComputeModel::Profile, ..paper_costs() },
    }
}

/// Returns the same cluster with the speeds of its nodes.
fn with_speeds(cluster: &ClusterInventory, speeds: Speeds) -> anyhow::Result<ClusterInventory> {
    let mut cluster = cluster.clone();
    if speeds == Speeds::Ignored {
        return Ok(cluster);
    }
    let flops_per_s = match speeds {
        Speeds::Equal => &THREE_SPEEDS[1..2],
        _ => &THREE_SPEEDS[..],
    };
    for (node, &flops_per_s) in cluster.nodes.iter_mut().zip(flops_per_s.iter().cycle()) {
        node.flops_per_s = Some(flops_per_s);
    }
    if speeds == Speeds::Three {
        return Ok(cluster);
    }
    let node =
        |node: &Node| json!({ "id": node.id, "memory_bytes": node.memory_bytes, "flops_per_s": node.flops_per_s });
    let document = json!({
        "name": cluster.name,
        "nodes": cluster.nodes.iter().map(node).collect::<Vec<Value>>(),
        "network": { "kind": "full_mesh", "bandwidth_bps": MESH_BPS },
    });
    ClusterInventory::from_json(&document).map_err(|faults| anyhow!("the mesh cannot be used: {faults:?}"))
}

fn compare(
    cell: Cell,
    cluster: usize,
    speeds: Speeds,
    request: &PlanRequest,
    interrupt: &Interrupt,
) -> anyhow::Result<Row> {
    let mut many = request.clone();
    many.options.pipelines = Some(PipelineOptions::default());
    let (filled, solve_s) = solve(&many, interrupt)?;
    let alone = single(request, interrupt)?;
    let single_per_s = alone.throughput_per_s;
    let copies_per_s = copies_per_s(request, &alone, interrupt)?;
    let greedy_per_s = greedy_per_s(request, &alone, interrupt)?;
    if let (Some(bound), Some(best)) = (
        filled.throughput_upper_bound_per_s,
        [single_per_s, copies_per_s, greedy_per_s].into_iter().flatten().reduce(f64::max),
    ) {
        ensure!(best <= bound * (1.0 + 1e-9), "{best} a second are above the bound of {bound}");
    }
    ensure!(
        single_per_s.is_none() || !interrupt.has_come() || filled.period_s.is_some(),
        anyhow!("one pipeline was found, and none of several")
    );
    Ok(Row {
        cell,
        cluster,
        speeds,
        status: filled.status,
        pipelines: filled.pipelines.len(),
        nodes_used: filled.pipelines.iter().map(|pipeline| pipeline.stages.len()).sum(),
        longest: filled.pipelines.iter().map(|pipeline| pipeline.stages.len()).max().unwrap_or(0),
        is_instant: filled.period_s == Some(0.0),
        value_per_s: filled.throughput_per_s,
        bound_per_s: filled.throughput_upper_bound_per_s,
        gap: filled.gap,
        solve_s,
        single_per_s,
        copies_per_s,
        greedy_per_s,
    })
}
