//! A drawing of the pipeline in text: nodes as boxes, hops as arrows between them, the bottleneck marked.

use std::fmt::{self, Display, Formatter};

use cutpoint_planner::domain::placement::{Bottleneck, BottleneckKind, MediumUse, PlacementDocument, Stage};
use cutpoint_planner::domain::unit::{bytes_text, counted, seconds_text};

use crate::cli::table::one_line;

const BOTTLENECK: &str = "  ◀ bottleneck";
const BAR_WIDTH: f64 = 20.0;
/// The width that a hop's bytes and time need between its arrow and the bars.
const LEAST_INNER_WIDTH: usize = 38;

/// Draws a placement that has stages.
pub(super) struct Drawing<'a> {
    /// The placement to draw.
    pub placement: &'a PlacementDocument,
    /// How many inputs one pass takes at once.
    pub batch_size: u64,
}

impl Display for Drawing<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let texts: Vec<[String; 2]> = self.placement.stages().iter().map(|stage| self.box_text(stage)).collect();
        if self.batch_size > 1 {
            writeln!(f, "  Each box and arrow: one batch of {} inputs", self.batch_size)?;
        }
        let inner = texts.iter().flatten().map(|line| line.chars().count()).max().unwrap_or(0).max(LEAST_INNER_WIDTH);
        if let Some(receive) = self.placement.stages().first().and_then(|stage| stage.receive.as_ref()) {
            draw_end(f, inner, &format!("source {}", one_line(&receive.from_node_id)))?;
            self.draw_hop(f, inner, BottleneckKind::Source, 0, receive.bytes, receive.transfer_s)?;
        }
        for (stage, text) in self.placement.stages().iter().zip(&texts) {
            self.draw_box(f, inner, stage, text)?;
            let is_last = stage.index + 1 == self.placement.stages().len() as u64;
            if let Some(send) = &stage.send {
                let kind = if is_last { BottleneckKind::Sink } else { BottleneckKind::Hop };
                self.draw_hop(f, inner, kind, stage.index, send.bytes, send.transfer_s)?;
                if is_last {
                    draw_end(f, inner, &format!("sink {}", one_line(&send.to_node_id)))?;
                }
            }
        }
        self.draw_media(f, inner)
    }
}

impl Drawing<'_> {
    fn box_text(&self, stage: &Stage) -> [String; 2] {
        let layers = counted(stage.layer_ids.len(), "layer");
        let memory = bytes_text(stage.memory_bytes);
        [
            format!("{}  {}", stage.index, one_line(&stage.node_id)),
            format!("{layers}, {memory}, {}", seconds_text(stage.compute_s)),
        ]
    }

    fn draw_box(&self, f: &mut Formatter<'_>, inner: usize, stage: &Stage, text: &[String; 2]) -> fmt::Result {
        let marked = [BottleneckKind::Stage, BottleneckKind::Node].map(|kind| self.mark(kind, stage.index));
        let mark = if marked.contains(&BOTTLENECK) { BOTTLENECK } else { "" };
        writeln!(f, "  ┌{}┐", "─".repeat(inner + 2))?;
        writeln!(f, "  │ {:<inner$} │", text[0])?;
        writeln!(f, "  │ {:<inner$} │  {}{mark}", text[1], self.bar(stage.compute_s))?;
        writeln!(f, "  └{}┘", "─".repeat(inner + 2))
    }

    fn draw_hop(
        &self,
        f: &mut Formatter<'_>,
        inner: usize,
        kind: BottleneckKind,
        stage_index: u64,
        bytes: u64,
        transfer_s: f64,
    ) -> fmt::Result {
        let middle = inner / 2 + 3;
        let label = format!("{} in {}", bytes_text(bytes), seconds_text(transfer_s));
        let room = inner + 6 - middle;
        let (bar, mark) = (self.bar(transfer_s), self.mark(kind, stage_index));
        writeln!(f, "{:middle$}│ {label:<room$}{bar}{mark}", "")?;
        writeln!(f, "{:middle$}▼", "")
    }

    fn mark(&self, kind: BottleneckKind, stage_index: u64) -> &'static str {
        let bottleneck = self.bottleneck();
        let marked = bottleneck.is_some_and(|it| it.kind == kind && it.stage_index == stage_index);
        if marked { BOTTLENECK } else { "" }
    }

    fn bottleneck(&self) -> Option<&Bottleneck> {
        self.placement.pipeline().map(|pipeline| &pipeline.bottleneck)
    }

    /// A line for each medium that several transfers share.
    fn draw_media(&self, f: &mut Formatter<'_>, inner: usize) -> fmt::Result {
        for MediumUse { id, occupied_s } in &self.placement.media {
            let marked = self.bottleneck().is_some_and(|it| it.medium_id.as_ref() == Some(id));
            let text = format!("shared: {}, {}", one_line(id), seconds_text(*occupied_s));
            let mark = if marked { BOTTLENECK } else { "" };
            writeln!(f, "  {text:<width$}  {}{mark}", self.bar(*occupied_s), width = inner + 4)?;
        }
        Ok(())
    }

    /// Returns a bar for the share of each period in which a node or link is busy.
    fn bar(&self, seconds: f64) -> String {
        let share = match self.placement.period_s {
            Some(period_s) if period_s > 0.0 => (seconds / period_s).min(1.0),
            _ => 0.0,
        };
        let full = (share * BAR_WIDTH).round() as usize;
        let text = format!("{}{}", "█".repeat(full), "·".repeat(BAR_WIDTH as usize - full));
        format!("{text} {:>3.0} %", share * 100.0)
    }
}

/// The source or the sink, centred above or below the arrow.
fn draw_end(f: &mut Formatter<'_>, inner: usize, text: &str) -> fmt::Result {
    let left = (inner / 2 + 3).saturating_sub(text.chars().count() / 2);
    writeln!(f, "{:left$}{text}", "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use cutpoint_planner::domain::options::Algorithm;
    use cutpoint_planner::domain::placement::{Pipeline, Receive, Send, Status, Termination};

    fn stage(index: u64, node_id: &str, layers: usize, compute_s: f64) -> Stage {
        Stage {
            index,
            node_id: node_id.to_owned(),
            layer_ids: (0..layers).map(|layer| format!("layer-{layer}")).collect(),
            constant_layer_ids: Vec::new(),
            param_bytes: 0,
            memory_bytes: 3 << 20,
            memory_capacity_bytes: 4 << 20,
            compute_s,
            compute_share: None,
            receive: None,
            send: None,
        }
    }

    fn send(to: &str, bytes: u64, transfer_s: f64) -> Option<Send> {
        Some(Send {
            route: Vec::new(),
            to_node_id: to.to_owned(),
            tensor_layer_ids: vec!["layer-0".to_owned()],
            bytes,
            transfer_s,
            bandwidth_share: None,
        })
    }

    #[test]
    fn every_node_and_hop_is_drawn_and_the_bottleneck_marked() {
        let receive = Receive {
            route: Vec::new(),
            from_node_id: "camera".to_owned(),
            tensor_layer_ids: vec!["image".to_owned()],
            bytes: 1024,
            transfer_s: 0.25,
            bandwidth_share: None,
        };
        let first = Stage { receive: Some(receive), send: send("n2", 2048, 1.0), ..stage(0, "n1", 1, 0.5) };
        let second = Stage { send: send("gateway", 10, 0.001), ..stage(1, "n2", 12, 0.0) };
        let placement = PlacementDocument {
            media: Vec::new(),
            status: Status::Feasible,
            termination: Termination::Exhausted,
            algorithm: Algorithm::Greedy,
            seed: 0,
            period_s: Some(1.0),
            throughput_per_s: Some(1.0),
            throughput_upper_bound_per_s: None,
            inferences_per_s: Some(1.0),
            latency_s: Some(1.751),
            latency_is_least: None,
            least_period_s: None,
            fastest: None,
            lower_bound_s: Some(0.5),
            lower_bound_nodes: None,
            gap: Some(0.5),
            cuts: None,
            pipelines: vec![Pipeline {
                period_s: 1.0,
                rate_per_s: Some(1.0),
                latency_s: 1.751,
                bottleneck: Bottleneck { kind: BottleneckKind::Hop, stage_index: 0, medium_id: None },
                stages: vec![first, second],
            }],
            front: Vec::new(),
            migration: None,
            occupants: Vec::new(),
            warnings: Vec::new(),
            reasons: Vec::new(),
            solve_s: 0.0,
            solver_version: String::new(),
        };
        let drawn = Drawing { placement: &placement, batch_size: 1 }.to_string();
        let wanted = "
                source camera
                      │ 1 KiB in 250 ms       █████···············  25 %
                      ▼
  ┌────────────────────────────────────────┐
  │ 0  n1                                  │
  │ 1 layer, 3 MiB, 500 ms                 │  ██████████··········  50 %
  └────────────────────────────────────────┘
                      │ 2 KiB in 1 s          ████████████████████ 100 %  ◀ bottleneck
                      ▼
  ┌────────────────────────────────────────┐
  │ 1  n2                                  │
  │ 12 layers, 3 MiB, 0 s                  │  ····················   0 %
  └────────────────────────────────────────┘
                      │ 10 B in 1 ms          ····················   0 %
                      ▼
                sink gateway
";
        assert_eq!(format!("\n{drawn}"), wanted);
        let of_batches = Drawing { placement: &placement, batch_size: 8 }.to_string();
        assert_eq!(of_batches, format!("  Each box and arrow: one batch of 8 inputs\n{drawn}"));
    }
}
