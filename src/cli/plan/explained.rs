//! An explanation for people: the slack of every stage and transfer, what binds, and the gain of upgrades or the
//! repairs.

use std::fmt::{self, Display, Formatter};

use cutpoint_planner::domain::explanation::{
    Explanation, PipelineSlack, Repair, StageSlack, TransferSlack, Upgrade, Worth,
};
use cutpoint_planner::domain::placement::{Bottleneck, BottleneckKind, Status};
use cutpoint_planner::domain::unit::{bytes_text, counted, seconds_text, short_text};

use super::report::pace;
use crate::cli::table::{Side, Table, one_line};

/// Writes a whole explanation.
pub(super) struct ExplanationReport<'a> {
    /// The explanation to write.
    pub explanation: &'a Explanation,
    /// How many inputs of the model one pass takes.
    pub batch_size: u64,
}

impl Display for ExplanationReport<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let explanation = self.explanation;
        if !explanation.stages.is_empty() {
            let steps = Steps { stages: &explanation.stages, transfers: &explanation.transfers };
            write!(f, "{}", steps.table())?;
            writeln!(f, "  binding: {}", steps.names(&explanation.binding))?;
            if let Some(next) = &explanation.next_bottleneck {
                writeln!(f, "  next: {} with {}", steps.names(&next.binding), seconds_text(next.time_s))?;
            }
            if let Some(alternative) = &explanation.alternative {
                writeln!(f, "  not taken: {}", alternative.detail)?;
            }
        }
        for (index, pipeline) in explanation.pipelines.iter().enumerate() {
            write_pipeline(f, index, pipeline, self.batch_size)?;
        }
        for worth in &explanation.worth {
            write_worth(f, worth, self.batch_size)?;
        }
        for warning in &explanation.warnings {
            writeln!(f, "  warning: {}", warning.detail)?;
        }
        if !explanation.upgrades.is_empty() {
            write!(f, "\n{}", upgrade_table(&explanation.upgrades, self.batch_size))?;
            let of = if explanation.pipelines.is_empty() { "one pipeline" } else { "as many pipelines as asked for" };
            writeln!(f, "  all of {of} with one stage a node")?;
        }
        if explanation.status == Status::Infeasible {
            write_repairs(f, &explanation.repairs, self.batch_size)?;
        }
        if explanation.undecided > 0 {
            let (what, state) =
                if explanation.upgrades.is_empty() { ("change", "undecided") } else { ("upgrade", "not proven") };
            let count = counted(explanation.undecided, what);
            writeln!(f, "  {state}: {count}; --explain=SECONDS gives more time")?;
        }
        Ok(())
    }
}

/// The steps of one pipeline.
struct Steps<'a> {
    stages: &'a [StageSlack],
    transfers: &'a [TransferSlack],
}

impl Steps<'_> {
    fn table(&self) -> Table {
        let mut table = Table::new(&[
            ("step", Side::Left),
            ("time", Side::Right),
            ("slack", Side::Right),
            ("memory free", Side::Right),
            ("of", Side::Right),
        ]);
        let (input, outputs): (Vec<_>, Vec<_>) =
            self.transfers.iter().partition(|transfer| transfer.kind == BottleneckKind::Source);
        let ends = |from: &str, to: &str| format!("{from} → {to}");
        let mut push = |name: String, time_s: f64, slack_s: f64, memory: [String; 2]| {
            let [free, of] = memory;
            table.push([name, seconds_text(time_s), seconds_text(slack_s), free, of]);
        };
        for it in input {
            push(ends(&it.from_node_id, &it.to_node_id), it.time_s, it.slack_s, Default::default());
        }
        for stage in self.stages {
            let memory = [stage.free_bytes, stage.memory_capacity_bytes].map(bytes_text);
            push(format!("{}  {}", stage.index, stage.node_id), stage.time_s, stage.slack_s, memory);
            for it in outputs.iter().filter(|it| it.stage_index == stage.index) {
                push(ends(&it.from_node_id, &it.to_node_id), it.time_s, it.slack_s, Default::default());
            }
        }
        table
    }

    fn names(&self, steps: &[Bottleneck]) -> String {
        steps.iter().map(|step| self.name(step)).collect::<Vec<String>>().join(", ")
    }

    fn name(&self, step: &Bottleneck) -> String {
        if let Some(medium) = &step.medium_id {
            return medium.clone();
        }
        let transfer = self.transfers.iter().find(|it| it.kind == step.kind && it.stage_index == step.stage_index);
        match transfer {
            Some(it) => format!("{} → {}", it.from_node_id, it.to_node_id),
            None => {
                let stage = self.stages.iter().find(|it| it.index == step.stage_index);
                stage.map_or_else(String::new, |stage| stage.node_id.clone())
            }
        }
    }
}

/// Writes what of one of several pipelines is to spare at its rate.
fn write_pipeline(f: &mut Formatter<'_>, index: usize, pipeline: &PipelineSlack, batch_size: u64) -> fmt::Result {
    let rate = pipeline.rate_per_s.map(|rate| format!(", {}", pace(1.0 / rate, batch_size))).unwrap_or_default();
    writeln!(f, "  pipeline {index}, period {}{rate}", seconds_text(pipeline.period_s))?;
    let steps = Steps { stages: &pipeline.stages, transfers: &pipeline.transfers };
    write!(f, "{}", steps.table())?;
    writeln!(f, "  binding: {}", one_line(&steps.names(&pipeline.binding)))
}

fn write_worth(f: &mut Formatter<'_>, worth: &Worth, batch_size: u64) -> fmt::Result {
    let name = worth.medium_id.as_ref().or(worth.node_id.as_ref()).map_or("", String::as_str);
    let inferences = counted(short_text(worth.worth_per_s * batch_size as f64), "inference");
    writeln!(f, "  twice as much of {}: at most {inferences} a second more of these pipelines", one_line(name))
}

fn upgrade_table(upgrades: &[Upgrade], batch_size: u64) -> Table {
    let mut table = Table::new(&[
        ("upgrade", Side::Left),
        ("period", Side::Right),
        ("which is", Side::Left),
        ("better by", Side::Right),
        ("proven at least", Side::Right),
        ("at most", Side::Right),
    ]);
    let mut by_gain: Vec<&Upgrade> = upgrades.iter().collect();
    by_gain.sort_by(|a, b| b.gain.unwrap_or(f64::INFINITY).total_cmp(&a.gain.unwrap_or(f64::INFINITY)));
    let factor = |factor: Option<f64>| factor.map_or("–".to_owned(), |factor| format!("{} ×", short_text(factor)));
    for upgrade in by_gain {
        table.push([
            upgrade.detail.clone(),
            seconds_text(upgrade.period_s),
            pace(upgrade.period_s, batch_size),
            factor(upgrade.gain),
            factor(upgrade.gain_at_least),
            factor(upgrade.gain_at_most),
        ]);
    }
    table
}

fn write_repairs(f: &mut Formatter<'_>, repairs: &[Repair], batch_size: u64) -> fmt::Result {
    if repairs.is_empty() {
        writeln!(f, "  no single change was found that would repair it")?;
    }
    for repair in repairs {
        let least = if repair.is_least == Some(true) { " (the least that is enough)" } else { "" };
        let (period, pace) = (seconds_text(repair.period_s), pace(repair.period_s, batch_size));
        writeln!(f, "  would repair it: {}{least}; verified with a period of {period} ({pace})", repair.detail)?;
    }
    Ok(())
}
