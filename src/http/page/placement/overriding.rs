//! `/ui/placements/{id}/override`: moves cuts and swaps nodes by hand, and shows costs and violations at once. The address
//! holds the whole override, so that it can be kept and shared.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use cutpoint_planner::domain::placement::{Bottleneck, Stage};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::data::{Shown, ShownPipeline};
use super::{pipeline, request_of, times};
use crate::domain::id::IdKind;
use crate::http::page::layout::View;
use crate::http::page::parts::{items, name, str_of};
use crate::http::page::text::{change_text, counted, rate_text, seconds_text};
use crate::http::page::visitor::{Visitor, id_of};
use crate::http::problem::Problem;

/// What was changed by hand: the node of each stage, and how many layers move at each cut, to the stage before it if
/// positive.
struct Changes {
    nodes: Vec<String>,
    moves: Vec<i64>,
}

/// What is shown of an evaluation.
#[derive(Deserialize)]
struct Evaluated {
    period_s: Option<f64>,
    inferences_per_s: Option<f64>,
    latency_s: Option<f64>,
    stages: Vec<Stage>,
    bottleneck: Option<Bottleneck>,
    violations: Vec<Value>,
}

/// Writes the link to the override, for a placement with one pipeline.
pub(super) fn link(shown: &Shown) -> Markup {
    html! {
        @if shown.placement.pipelines.len() == 1 {
            section aria-labelledby="by-hand" {
                h2 #by-hand { "By hand" }
                p { "Move a cut or swap a node, and see at once what it costs and what it breaks." }
                p { a.button href={ "/ui/placements/" (shown.stored.id) "/override" } { "Change it by hand" } }
            }
        }
    }
}

pub(super) async fn show(
    visitor: Visitor,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let shown = Shown::load(&visitor, &id).await?;
    let [only] = shown.placement.pipelines.as_slice() else {
        return Err(Problem::not_found("placement with one pipeline", &id));
    };
    let changes = Changes::read(query.as_deref(), &only.stages);
    let mut request = request_of(&visitor, &id_of(IdKind::Placement, &id)?).await?;
    request.remove("solver");
    let proposed: Vec<Value> = changes
        .stages(&only.stages)
        .into_iter()
        .map(|(node_id, layer_ids)| json!({"node_id": node_id, "layer_ids": layer_ids}))
        .collect();
    request.insert("stages".to_owned(), json!(proposed));
    let evaluated = visitor.post("/v1/evaluations", &Value::Object(request)).await?;
    let evaluated: Evaluated = serde_json::from_value(evaluated).map_err(Problem::internal)?;
    let cluster = format!("/v1/clusters/{}?revision={}", shown.stored.cluster_id, shown.stored.cluster_revision);
    let cluster = visitor.get(&cluster).await?;
    let nodes: Vec<&str> = items(&cluster["inventory"], "nodes").iter().map(|node| str_of(node, "id")).collect();
    let body = html! {
        p.crumbs { a href={ "/ui/placements/" (shown.stored.id) } { (name(&shown.title())) } }
        h1 { "By hand" }
        (verdict(&evaluated))
        (figures(&shown, &evaluated))
        (form(&shown, &only.stages, &changes, &nodes))
        @if !evaluated.stages.is_empty() {
            @let pipeline = [ShownPipeline {
                period_s: evaluated.period_s.unwrap_or(0.0),
                rate_per_s: None,
                latency_s: evaluated.latency_s.unwrap_or(0.0),
                bottleneck: evaluated.bottleneck.as_ref(),
                stages: &evaluated.stages,
            }];
            (pipeline::pipelines(&shown, &pipeline))
            (times::times(&pipeline))
        }
    };
    Ok(View::new("By hand", body).page(&visitor))
}

impl Changes {
    fn read(query: Option<&str>, stages: &[Stage]) -> Self {
        let (mut nodes, mut moves) = (Vec::new(), Vec::new());
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                "node" => nodes.push(value.into_owned()),
                "move" => moves.push(value.trim().parse().unwrap_or(0)),
                _ => {}
            }
        }
        let of_stages = stages.iter().skip(nodes.len()).map(|stage| stage.node_id.clone());
        nodes.extend(of_stages.collect::<Vec<_>>());
        nodes.truncate(stages.len());
        moves.resize(stages.len().saturating_sub(1), 0);
        Self { nodes, moves }
    }

    /// Returns the stages after the changes. A stage that is left without layers is gone. Layers stand in topological
    /// order, so that the first of a stage can join the one before it, and the last the one after it.
    fn stages(&self, stages: &[Stage]) -> Vec<(String, Vec<String>)> {
        let mut layers: Vec<Vec<String>> = stages.iter().map(|stage| stage.layer_ids.clone()).collect();
        for (cut, count) in self.moves.iter().enumerate() {
            let many = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
            if *count > 0 {
                let many = many.min(layers[cut + 1].len());
                let moved: Vec<String> = layers[cut + 1].drain(..many).collect();
                layers[cut].extend(moved);
            } else {
                let keep = layers[cut].len().saturating_sub(many);
                let mut moved = layers[cut].split_off(keep);
                moved.append(&mut layers[cut + 1]);
                layers[cut + 1] = moved;
            }
        }
        self.nodes.iter().cloned().zip(layers).filter(|(_, layers)| !layers.is_empty()).collect()
    }
}

fn verdict(evaluated: &Evaluated) -> Markup {
    html! {
        @if evaluated.violations.is_empty() {
            p.note.good role="status" { "It keeps to every rule: memory, links and constraints." }
        } @else {
            div.faults role="status" {
                p { "It breaks " (counted(evaluated.violations.len(), "rule")) ":" }
                @for violation in &evaluated.violations { p { (name(str_of(violation, "detail"))) } }
            }
        }
    }
}

/// The figures, each beside that of the placement, which may be the proven optimum.
fn figures(shown: &Shown, evaluated: &Evaluated) -> Markup {
    let document = &shown.placement;
    let change = |by_hand: Option<f64>, planned: Option<f64>| match (by_hand, planned) {
        (Some(by_hand), Some(planned)) if (by_hand - planned).abs() > 1e-12 * planned => change_text(by_hand - planned),
        (Some(_), Some(_)) => "as planned".to_owned(),
        _ => String::new(),
    };
    html! {
        dl.figures {
            @if let Some(rate) = evaluated.inferences_per_s {
                div.main { dt { "inferences a second" } dd { (rate_text(rate)) } @if let Some(planned) = document.inferences_per_s { dd.change { "planned " (rate_text(planned)) } } }
            }
            @if let Some(period) = evaluated.period_s { div { dt { "period" } dd { (seconds_text(period)) } dd.change { (change(Some(period), document.period_s)) } } }
            @if let Some(latency) = evaluated.latency_s { div { dt { "latency" } dd { (seconds_text(latency)) } dd.change { (change(Some(latency), document.latency_s)) } } }
            @if let Some(bound) = document.lower_bound_s { div { dt { "proven bound" } dd { (seconds_text(bound)) } } }
        }
    }
}

fn form(shown: &Shown, stages: &[Stage], changes: &Changes, nodes: &[&str]) -> Markup {
    let path = format!("/ui/placements/{}/override", shown.stored.id);
    html! {
        form.stack method="get" action=(path) {
            fieldset {
                legend { "Stages and cuts" }
                ol.by-hand {
                    @for (i, stage) in stages.iter().enumerate() {
                        li {
                            div.field {
                                label for={ "node-" (i) } { "Node of stage " (i) }
                                select id={ "node-" (i) } name="node" {
                                    @for node in nodes { option value=(node) selected[*node == changes.nodes[i]] { (node) } }
                                }
                            }
                            @if let Some(count) = changes.moves.get(i) {
                                div.field {
                                    label for={ "move-" (i) } { "Layers to take from stage " (i + 1) }
                                    input id={ "move-" (i) } name="move" type="number" value=(count)
                                        min=(-(stage.layer_ids.len() as i64)) max=(stages[i + 1].layer_ids.len()) aria-describedby="moving";
                                }
                            }
                        }
                    }
                }
                p.help #moving { "A negative number gives the last layers of a stage to the next one." }
            }
            ul.buttons {
                li { button.primary { "Evaluate" } }
                li { a.button href=(path) { "Back to the placement" } }
            }
            p.muted { "The address of this page holds the change: keep or share it. Nothing is stored." }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(node: &str, layers: &[&str]) -> Stage {
        let stage = json!({
            "index": 0, "node_id": node, "layer_ids": layers, "constant_layer_ids": [], "param_bytes": 0,
            "memory_bytes": 0, "memory_capacity_bytes": 0, "compute_s": 0.0
        });
        serde_json::from_value(stage).unwrap()
    }

    #[test]
    fn cuts_move_both_ways_and_empty_stages_go() {
        let stages = [stage("a", &["1", "2"]), stage("b", &["3", "4"]), stage("c", &["5"])];
        let after = |query: &str| {
            let stages = Changes::read(Some(query), &stages).stages(&stages);
            stages.into_iter().map(|(node, layers)| format!("{node}:{}", layers.concat())).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(after(""), "a:12 b:34 c:5");
        assert_eq!(after("move=1&move=-1"), "a:123 c:45");
        assert_eq!(after("move=-1&move=1"), "a:1 b:2345");
        assert_eq!(after("node=x&node=b&node=z&move=9&move=x"), "x:1234 z:5");
    }
}
