//! Pipelines as drawings: the stages on their nodes in order, with what travels between them.

use cutpoint_planner::domain::placement::{Bottleneck, BottleneckKind, Stage};
use maud::{Markup, html};
use rustc_hash::FxHashMap;

use super::data::{Layer, Profile, Shown, ShownPipeline};
use crate::http::page::parts::{Measure, bar, name};
use crate::http::page::text::{amount_text, bytes_text, counted, percent_text, rate_text, seconds_text};

/// Above so many layers of all stages, the layers of a stage are on a page of their own.
const MOST_LISTED: usize = 400;
/// Operators of a stage that are named.
const MOST_OPERATORS: usize = 4;

/// Writes all pipelines.
pub(super) fn pipelines(shown: &Shown, pipelines: &[ShownPipeline<'_>]) -> Markup {
    let layers: usize = pipelines.iter().flat_map(|pipeline| pipeline.stages).map(|stage| stage.layer_ids.len()).sum();
    html! {
        section aria-labelledby="pipeline" {
            div.heading {
                h2 #pipeline { @if pipelines.len() > 1 { "Pipelines" } @else { "Pipeline" } }
                ul.legend aria-label="Legend" {
                    li.memory { "memory, of what is free" }
                    li.compute { "compute, of the period" }
                    li.transfer { "transfer, of the period" }
                }
            }
            // Short pipelines stand beside each other where there is room.
            div.pairs[pipelines.len() > 1 && pipelines.iter().all(|pipeline| pipeline.stages.len() <= 2)] {
              @for (p, pipeline) in pipelines.iter().enumerate() {
                div {
                @if pipelines.len() > 1 {
                    h3.after {
                        "Pipeline " (p + 1)
                        @if let Some(rate) = pipeline.rate_per_s { span.muted { " · " (rate_text(rate)) " passes a second" } }
                        span.muted { " · latency " (seconds_text(pipeline.latency_s)) }
                    }
                }
                ol.pipeline {
                    (source(pipeline))
                    @for stage in pipeline.stages {
                        (card(shown, (p, pipeline), stage, layers <= MOST_LISTED))
                    }
                    (sink(pipeline))
                }
                }
              }
            }
        }
    }
}

fn share_of(seconds: f64, period_s: f64) -> f64 {
    if period_s > 0.0 { seconds / period_s } else { 0.0 }
}

fn source(pipeline: &ShownPipeline<'_>) -> Markup {
    let Some(receive) = pipeline.stages.first().and_then(|stage| stage.receive.as_ref()) else { return html! {} };
    let is_bottleneck = binds(pipeline.bottleneck, BottleneckKind::Source, 0);
    html! {
        li.end {
            p.title { span.number { "source" } (name(&receive.from_node_id)) }
            (hop(receive.bytes, receive.transfer_s, pipeline.period_s, is_bottleneck, &receive.route))
        }
    }
}

fn sink(pipeline: &ShownPipeline<'_>) -> Markup {
    let Some(send) = pipeline.stages.last().and_then(|stage| stage.send.as_ref()) else { return html! {} };
    html! { li.end { p.title { span.number { "sink" } (name(&send.to_node_id)) } } }
}

fn binds(bottleneck: Option<&Bottleneck>, kind: BottleneckKind, index: u64) -> bool {
    bottleneck.is_some_and(|bottleneck| bottleneck.kind == kind && bottleneck.stage_index == index)
}

fn card(shown: &Shown, (p, pipeline): (usize, &ShownPipeline<'_>), stage: &Stage, is_listed: bool) -> Markup {
    let index = stage.index;
    let computes = binds(pipeline.bottleneck, BottleneckKind::Stage, index)
        || binds(pipeline.bottleneck, BottleneckKind::Node, index);
    let sends = binds(pipeline.bottleneck, BottleneckKind::Hop, index)
        || binds(pipeline.bottleneck, BottleneckKind::Sink, index);
    let compute = share_of(stage.compute_s, pipeline.period_s);
    let free = stage.memory_capacity_bytes;
    html! {
        li.stage.bottleneck[computes] {
            p.title { span.number { (index) } (name(&stage.node_id)) @if computes { span.mark { "bottleneck" } } }
            @if let Some(class) = shown.device_classes.get(&stage.node_id) { p.class { (name(class)) } }
            dl.bars {
                div {
                    dt { "memory" }
                    dd { (bytes_text(stage.memory_bytes)) @if free > 0 { span.muted { " of " (bytes_text(free)) } } }
                    @if free > 0 { dd.drawn { (bar(stage.memory_bytes as f64 / free as f64, Measure::Memory)) } }
                }
                div {
                    dt { "compute" }
                    dd { (seconds_text(stage.compute_s)) @if pipeline.period_s > 0.0 { span.muted { ", " (percent_text(compute)) } } }
                    dd.drawn { (bar(compute, Measure::Compute)) }
                }
            }
            (layers(shown, p, stage, is_listed))
            @if let Some(send) = &stage.send {
                (hop(send.bytes, send.transfer_s, pipeline.period_s, sends, &send.route))
            }
        }
    }
}

fn hop(bytes: u64, transfer_s: f64, period_s: f64, is_bottleneck: bool, route: &[String]) -> Markup {
    let share = share_of(transfer_s, period_s);
    html! {
        div.hop.bottleneck[is_bottleneck] {
            p {
                span.arrow aria-hidden="true" { "→" } " " (bytes_text(bytes)) " in " (seconds_text(transfer_s))
                @if period_s > 0.0 { span.muted { ", " (percent_text(share)) } }
                @if is_bottleneck { span.mark { "bottleneck" } }
            }
            (bar(share, Measure::Transfer))
            @if let [_, between @ .., _] = route && !between.is_empty() {
                p.route { "by " @for (i, node) in between.iter().enumerate() { @if i > 0 { ", " } (name(node)) } }
            }
        }
    }
}

/// The operators of layers with their numbers, the most frequent first.
fn operators<'l>(layers: &[&'l Layer]) -> Vec<(&'l str, usize)> {
    let mut counts: FxHashMap<&str, usize> = FxHashMap::default();
    for layer in layers {
        *counts.entry(if layer.op.is_empty() { "layer" } else { &layer.op }).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    counts
}

fn layers(shown: &Shown, p: usize, stage: &Stage, is_listed: bool) -> Markup {
    let known: Vec<&Layer> = known_layers(shown.model.as_ref(), stage);
    let operators = operators(&known);
    let flops: f64 = known.iter().map(|layer| layer.flops).sum();
    let total = html! {
        span.count { (counted(stage.layer_ids.len(), "layer")) }
        span.muted { " · " (bytes_text(stage.param_bytes)) " · " (amount_text(flops)) "FLOP" }
    };
    html! {
        @if is_listed {
            details.layers {
                summary { (total) }
                (list(&known, stage))
            }
        } @else {
            p.layers { a href={ "/ui/placements/" (shown.stored.id) "/stages/" (p) "/" (stage.index) } { (total) } }
        }
        @if !operators.is_empty() {
            p.operators {
                @for (i, (op, count)) in operators.iter().take(MOST_OPERATORS).enumerate() {
                    @if i > 0 { ", " } (name(op)) @if *count > 1 { " × " (count) }
                }
                @if operators.len() > MOST_OPERATORS { " and " (operators.len() - MOST_OPERATORS) " more" }
            }
        }
    }
}

pub(super) fn known_layers<'m>(model: Option<&'m Profile>, stage: &Stage) -> Vec<&'m Layer> {
    let Some(model) = model else { return Vec::new() };
    stage.layer_ids.iter().filter_map(|id| model.layer(id)).collect()
}

fn list(known: &[&Layer], stage: &Stage) -> Markup {
    html! {
        ol tabindex="0" aria-label="Layers" {
            @if known.len() == stage.layer_ids.len() {
                @for layer in known { li { (name(&layer.id)) " " span.muted { (name(&layer.op)) } } }
            } @else {
                @for id in &stage.layer_ids { li { (name(id)) } }
            }
        }
    }
}
