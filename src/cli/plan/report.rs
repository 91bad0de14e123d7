//! A placement for people: what it claims and a table of its stages, or the reasons why there is none.

use std::fmt::{self, Display, Formatter};

use cutpoint_planner::domain::migration::Migration;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::occupant::OccupantEffect;
use cutpoint_planner::domain::options::Objective;
use cutpoint_planner::domain::placement::{CutsConsidered, Pipeline, PlacementDocument, Stage, Status, Termination};
use cutpoint_planner::domain::request::PlanRequest;
use cutpoint_planner::domain::unit::{bytes_text, counted, percent_text, seconds_text, short_text};

use super::drawing::Drawing;
use super::lines::Lines;
use crate::cli::table::{Side, Table, one_line};

/// The most reasons that are printed: a large model on small devices has one for each of its large layers.
const MOST_REASONS: usize = 6;

/// Writes a whole answer.
pub(super) struct Report<'a> {
    /// The request.
    pub request: &'a PlanRequest,
    /// The answer.
    pub placement: &'a PlacementDocument,
}

impl Display for Report<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let PlanRequest { model, cluster, options } = self.request;
        let document = self.placement;
        let names = [&model.name, &cluster.name].map(|name| one_line(name));
        writeln!(f, "{} on {}: {}", names[0], names[1], claim(document))?;
        if options.wants_several() && !document.pipelines.is_empty() {
            writeln!(f, "  {}", sums(model.batch_size, document))?;
        }
        writeln!(f, "  {}", figures(options.objective, model.batch_size, document))?;
        let algorithm = algorithm_text(document);
        write!(f, "  {algorithm}, seed {}, solved in {}", document.seed, seconds_text(document.solve_s))?;
        writeln!(f, "{}", document.cuts.and_then(left_out).unwrap_or_default())?;
        for reason in document.reasons.iter().take(MOST_REASONS) {
            writeln!(f, "  because {}", one_line(&reason.detail))?;
        }
        if document.reasons.len() > MOST_REASONS {
            writeln!(f, "  and {} more: see --output json", counted(document.reasons.len() - MOST_REASONS, "reason"))?;
        }
        let (placement, batch_size) = (document, model.batch_size);
        if options.wants_several() && !document.pipelines.is_empty() {
            write!(f, "\n{}\n{}", pipelines_table(model, document), Lines { placement, batch_size })?;
        } else if let Some(pipeline) = document.pipeline() {
            write!(f, "\n{}\n{}", stage_table(model, pipeline), Drawing { placement, batch_size })?;
        }
        if let Some(migration) = &document.migration {
            writeln!(f, "\nFrom the base: {}", shipping(migration))?;
        }
        if !document.occupants.is_empty() {
            writeln!(f)?;
        }
        for OccupantEffect { id, period_s, new_period_s } in &document.occupants {
            let id = one_line(id);
            writeln!(f, "Beside it: {id}, period {} (was {})", seconds_text(*new_period_s), seconds_text(*period_s))?;
        }
        if !document.front.is_empty() {
            let points = counted(document.front.len(), "placement");
            write!(f, "\nThe trade-off, {points} in all that no other beats in both:\n{}", front_table(document))?;
        }
        for warning in &document.warnings {
            writeln!(f, "  warning: {}", one_line(&warning.detail))?;
        }
        Ok(())
    }
}

fn claim(document: &PlacementDocument) -> &'static str {
    let searches = document.algorithm.searches();
    match (document.status, document.termination) {
        (Status::Optimal, _) => "optimal, proven",
        (Status::Infeasible, _) => "infeasible, proven",
        (Status::Feasible, Termination::TimeLimit) => "feasible; the time limit came before a proof",
        (Status::Feasible, Termination::Stopped) => "feasible; it was stopped before a proof",
        (Status::Feasible, Termination::GapReached) => "feasible, with the gap that was asked for",
        (Status::Feasible, Termination::ByHand) => "feasible; its stages were given by hand",
        (Status::Feasible, _) if searches => "feasible; the search proves no more within its memory",
        (Status::Feasible, _) => "feasible; the algorithm proves no more",
        (Status::Unknown, Termination::TimeLimit) => "unknown; a longer --time-limit-s may find a placement or a proof",
        (Status::Unknown, Termination::Stopped) => "unknown; it was stopped before any placement or proof",
        (Status::Unknown, _) if searches => {
            "unknown; the search found neither a placement nor a proof within its memory: try fewer constraints, layers or nodes"
        }
        (Status::Unknown, _) => "unknown; this algorithm found none, which proves nothing: try --algorithm auto",
    }
}

fn figures(objective: Objective, batch_size: u64, document: &PlacementDocument) -> String {
    let mut parts = Vec::new();
    if let Some(period_s) = document.period_s {
        parts.push(format!("period {} ({})", seconds_text(period_s), pace(period_s, batch_size)));
    }
    if let Some(latency_s) = document.latency_s {
        parts.push(format!("latency {}", seconds_text(latency_s)));
    }
    if let Some(fastest) = &document.fastest {
        parts.push(format!("least period {}", seconds_text(fastest.period_s)));
    }
    if let Objective::MinNodes { .. } = objective {
        parts.push(counted(document.node_count(), "node"));
    }
    if let Some(bound_s) = document.lower_bound_s {
        parts.push(format!("lower bound {}", seconds_text(bound_s)));
    }
    if let Some(bound_nodes) = document.lower_bound_nodes {
        parts.push(format!("at least {}", counted(bound_nodes, "node")));
    }
    if let Some(gap) = document.gap {
        // With a base, the gap is that of the bytes to ship and not that of the period.
        let of = if document.migration.is_some() { " of the bytes to ship" } else { "" };
        parts.push(format!("gap {}{of}", percent_text(gap)));
    }
    if parts.is_empty() { "no figures".to_owned() } else { parts.join(", ") }
}

/// Returns what several pipelines do together, and what was proven that none can exceed.
fn sums(batch_size: u64, document: &PlacementDocument) -> String {
    let pipelines = counted(document.pipelines.len(), "pipeline");
    let mut text = format!("{pipelines} on {}", counted(document.node_count(), "node"));
    if let Some(period_s) = document.period_s {
        text += &format!(": {} together", pace(period_s, batch_size));
    }
    if let Some(most_per_s) = document.throughput_upper_bound_per_s {
        text += &format!("; proven: no pipelines make more than {}", short_text(most_per_s * batch_size as f64));
    }
    text
}

/// Returns how many cuts were considered, if not all were.
fn left_out(cuts: CutsConsidered) -> Option<String> {
    let CutsConsidered { considered, count, more } = cuts;
    let than = if more { "more than " } else { "" };
    (more || considered < count).then(|| format!(", {considered} of {than}{} considered", counted(count, "cut")))
}

/// Describes what must be shipped, and the range of periods that was searched.
fn shipping(migration: &Migration) -> String {
    let Migration { moved_layers, shipped_bytes, estimated_s, unsourced_bytes, .. } = migration;
    if moved_layers.is_empty() {
        return "nothing moves".to_owned();
    }
    let moved = counted(moved_layers.len(), "layer");
    let mut text = format!("{moved} to move, {} to ship", bytes_text(*shipped_bytes));
    if *estimated_s > 0.0 {
        text += &format!(", about {}", seconds_text(*estimated_s));
    }
    if *unsourced_bytes > 0 {
        text += &format!("; {} of it must come from elsewhere", bytes_text(*unsourced_bytes));
    }
    if let (Some(least), Some(most)) = (migration.least_period_s, migration.max_period_s) {
        text += &format!("; least period {}, allowed up to {}", seconds_text(least), seconds_text(most));
    }
    text
}

const STAGE_COLUMNS: [(&str, Side); 10] = [
    ("stage", Side::Right),
    ("node", Side::Left),
    ("layers", Side::Left),
    ("count", Side::Right),
    ("memory", Side::Right),
    ("of", Side::Right),
    ("compute", Side::Right),
    ("hop to", Side::Left),
    ("bytes", Side::Right),
    ("time", Side::Right),
];

fn stage_table(model: &ModelProfile, pipeline: &Pipeline) -> Table {
    let mut table = Table::new(&STAGE_COLUMNS);
    for stage in &pipeline.stages {
        table.push(stage_cells(model, stage));
    }
    table
}

/// Returns a table with the stages of several pipelines. The first stage of each has the pipeline's rate and latency.
fn pipelines_table(model: &ModelProfile, document: &PlacementDocument) -> Table {
    let of_pipeline = [("pipeline", Side::Right), ("a second", Side::Right), ("latency", Side::Right)];
    let mut table = Table::new(&[&of_pipeline[..], &STAGE_COLUMNS].concat());
    for (index, pipeline) in document.pipelines.iter().enumerate() {
        let rate = pipeline.rate_per_s.map(|rate| short_text(rate * model.batch_size as f64));
        for stage in &pipeline.stages {
            let figures = [index.to_string(), rate.clone().unwrap_or_default(), seconds_text(pipeline.latency_s)];
            let [number, rate, latency] = if stage.index == 0 { figures } else { Default::default() };
            let [stage, node, layers, count, memory, of, compute, to, bytes, time] = stage_cells(model, stage);
            table.push([number, rate, latency, stage, node, layers, count, memory, of, compute, to, bytes, time]);
        }
    }
    table
}

fn stage_cells(model: &ModelProfile, stage: &Stage) -> [String; 10] {
    let send = stage.send.as_ref();
    [
        stage.index.to_string(),
        stage.node_id.clone(),
        layer_range(model, stage),
        stage.layer_ids.len().to_string(),
        bytes_text(stage.memory_bytes),
        bytes_text(stage.memory_capacity_bytes),
        seconds_text(stage.compute_s),
        send.map(|send| send.to_node_id.clone()).unwrap_or_default(),
        send.map(|send| bytes_text(send.bytes)).unwrap_or_default(),
        send.map(|send| seconds_text(send.transfer_s)).unwrap_or_default(),
    ]
}

fn front_table(document: &PlacementDocument) -> Table {
    let sides = [("period", Side::Right), ("latency", Side::Right), ("stages", Side::Right), ("nodes", Side::Left)];
    let mut table = Table::new(&sides);
    for point in &document.front {
        let nodes: Vec<&str> = point.stages.iter().map(|stage| stage.node_id.as_str()).collect();
        let stages = point.stages.len().to_string();
        table.push([seconds_text(point.period_s), seconds_text(point.latency_s), stages, nodes.join(" → ")]);
    }
    table
}

/// Returns `a … d` for all layers from `a` to `d` in the model's order, and `a, …, d` if some between them are in
/// another stage.
fn layer_range(model: &ModelProfile, stage: &Stage) -> String {
    match stage.layer_ids.as_slice() {
        [] => String::new(),
        [only] => clipped(only),
        [first, .., last] => {
            let between = if is_whole(model, first, last, stage.layer_ids.len()) { " … " } else { ", …, " };
            format!("{}{between}{}", clipped(first), clipped(last))
        }
    }
}

/// Returns `true` if `count` layers are all those from `first` to `last` in the model's order, without constants.
fn is_whole(model: &ModelProfile, first: &str, last: &str, count: usize) -> bool {
    let places = model.layer_index(first).zip(model.layer_index(last));
    places.is_some_and(|(first, last)| (first..=last).filter(|&layer| !model.is_constant(layer)).count() == count)
}

/// Shortens a long name. Nine in ten layer ids of real models fit without it.
fn clipped(name: &str) -> String {
    const LONGEST: usize = 28;
    if name.chars().count() <= LONGEST {
        return name.to_owned();
    }
    name.chars().take(LONGEST - 1).chain(['…']).collect()
}

fn algorithm_text(document: &PlacementDocument) -> String {
    format!("{:?}", document.algorithm).to_lowercase()
}

/// Returns the rate: `1.84 inferences a second`, with batches `14.7 inferences a second, 1.84 batches of 8`.
pub(super) fn pace(period_s: f64, batch_size: u64) -> String {
    let each_period = |count: u64| Some(count as f64 / period_s).filter(|rate| rate.is_finite()).map(short_text);
    let (Some(inferences), Some(batches)) = (each_period(batch_size), each_period(1)) else {
        return "no limit".to_owned();
    };
    let inferences = format!("{} a second", counted(inferences, "inference"));
    if batch_size == 1 { inferences } else { format!("{inferences}, {} of {batch_size}", counted(batches, "batch")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn inferences_are_counted_and_not_batches() {
        assert_eq!(pace(0.5421, 1), "1.84 inferences a second");
        assert_eq!(pace(0.5421, 8), "14.8 inferences a second, 1.84 batches of 8");
        assert_eq!(pace(1.0, 1), "1 inference a second");
        assert_eq!(pace(1.0, 8), "8 inferences a second, 1 batch of 8");
        assert_eq!(pace(0.0, 8), "no limit");
    }

    #[test]
    fn cuts_are_counted_where_some_are_left_out() {
        let said = |considered, count, more| left_out(CutsConsidered { considered, count, more });
        assert_eq!(said(3, 3, false), None);
        assert_eq!(said(1_000, 30_000, false).unwrap(), ", 1000 of 30000 cuts considered");
        assert_eq!(said(50_000, 50_000, true).unwrap(), ", 50000 of more than 50000 cuts considered");
    }

    #[test]
    fn layers_that_others_stand_between_are_no_range() {
        let layer = |id: &str| json!({"id": id, "param_bytes": 1, "output_bytes": 1, "flops": 1});
        let weight = json!({"id": "w", "param_bytes": 1, "output_bytes": 1});
        let model = ModelProfile::from_json(&json!({
            "name": "m", "layers": [layer("a"), weight, layer("b"), layer("c"), layer("d")],
            "edges": [{"from": "a", "to": "b"}, {"from": "w", "to": "b"}, {"from": "a", "to": "c"}, {"from": "b", "to": "d"},
                {"from": "c", "to": "d"}]
        }));
        let model = model.unwrap();
        assert!(is_whole(&model, "a", "b", 2) && is_whole(&model, "a", "d", 4));
        assert!(!is_whole(&model, "a", "c", 2));
    }

    #[test]
    fn long_names_are_clipped() {
        assert_eq!(clipped("conv1_relu"), "conv1_relu");
        assert_eq!(clipped(&"x".repeat(40)).chars().count(), 28);
    }
}
