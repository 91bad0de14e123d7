//! Every step of a pipeline against the period, with its slack.

use cutpoint_planner::domain::placement::BottleneckKind;
use maud::{Markup, html};

use super::data::ShownPipeline;
use crate::http::page::parts::{Measure, bar, name, table};
use crate::http::page::text::seconds_text;

/// A step of a pipeline.
struct Step<'p> {
    what: &'static str,
    from: &'p str,
    to: Option<&'p str>,
    seconds: f64,
    measure: Measure,
    is_bottleneck: bool,
}

/// Writes the steps of all pipelines.
pub(super) fn times(pipelines: &[ShownPipeline<'_>]) -> Markup {
    html! {
        section aria-labelledby="times" {
            h2 #times { "Against the period" }
            p.muted { "One inference comes out in each period. A step that takes all of it is the bottleneck; the others have slack. The time of a transfer includes latencies, which delay it and, where transfers are streamed, do not occupy its links: its slack is then larger than shown." }
            div.pairs[pipelines.len() > 1 && pipelines.iter().all(|pipeline| pipeline.stages.len() <= 2)] {
                @for (p, pipeline) in pipelines.iter().enumerate() {
                    div {
                        @if pipelines.len() > 1 { h3.after { "Pipeline " (p + 1) } }
                        (table("Steps against the period", &rows(pipeline)))
                    }
                }
            }
        }
    }
}

fn rows(pipeline: &ShownPipeline<'_>) -> Markup {
    let period_s = pipeline.period_s;
    html! {
        thead {
            tr {
                th scope="col" { "step" }
                th.wide scope="col" { "of a period of " (seconds_text(period_s)) }
                th.number scope="col" { "time" }
                th.number scope="col" { "slack" }
            }
        }
        tbody {
            @for step in steps(pipeline) {
                tr.step.bottleneck[step.is_bottleneck] {
                    th scope="row" {
                        span.muted { (step.what) " " } (name(step.from))
                        @if let Some(to) = step.to { " → " (name(to)) }
                        @if step.is_bottleneck { span.mark { "bottleneck" } }
                    }
                    td { (bar(if period_s > 0.0 { step.seconds / period_s } else { 0.0 }, step.measure)) }
                    td.number data-label="time" { (seconds_text(step.seconds)) }
                    td.number data-label="slack" { (seconds_text((period_s - step.seconds).max(0.0))) }
                }
            }
        }
    }
}

fn steps<'p>(pipeline: &ShownPipeline<'p>) -> Vec<Step<'p>> {
    let binds = |kinds: &[BottleneckKind], index: u64| {
        pipeline.bottleneck.is_some_and(|it| kinds.contains(&it.kind) && it.stage_index == index)
    };
    let mut steps = Vec::with_capacity(2 * pipeline.stages.len() + 1);
    if let Some((first, receive)) = pipeline.stages.first().and_then(|stage| Some((stage, stage.receive.as_ref()?))) {
        steps.push(Step {
            what: "source",
            from: &receive.from_node_id,
            to: Some(&first.node_id),
            seconds: receive.transfer_s,
            measure: Measure::Transfer,
            is_bottleneck: binds(&[BottleneckKind::Source], 0),
        });
    }
    for stage in pipeline.stages {
        steps.push(Step {
            what: "compute",
            from: &stage.node_id,
            to: None,
            seconds: stage.compute_s,
            measure: Measure::Compute,
            is_bottleneck: binds(&[BottleneckKind::Stage, BottleneckKind::Node], stage.index),
        });
        if let Some(send) = &stage.send {
            steps.push(Step {
                what: "send",
                from: &stage.node_id,
                to: Some(&send.to_node_id),
                seconds: send.transfer_s,
                measure: Measure::Transfer,
                is_bottleneck: binds(&[BottleneckKind::Hop, BottleneckKind::Sink], stage.index),
            });
        }
    }
    steps
}
