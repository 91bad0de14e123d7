//! `/ui/placements/{id}/stages/{pipeline}/{stage}`: the layers of a stage.

use axum::extract::Path;
use axum::response::Response;
use maud::html;

use super::data::Shown;
use super::pipeline::known_layers;
use crate::http::page::layout::View;
use crate::http::page::parts::{name, table};
use crate::http::page::text::{amount_text, bytes_text, counted, seconds_text};
use crate::http::page::visitor::Visitor;
use crate::http::problem::Problem;

pub(super) async fn show(
    visitor: Visitor,
    Path((id, pipeline, index)): Path<(String, usize, usize)>,
) -> Result<Response, Problem> {
    let shown = Shown::load(&visitor, &id).await?;
    let stage = shown.placement.pipelines.get(pipeline).and_then(|pipeline| pipeline.stages.get(index));
    let stage = stage.ok_or_else(|| Problem::not_found("stage", &index.to_string()))?;
    let layers = known_layers(shown.model.as_ref(), stage);
    let body = html! {
        p.crumbs { a href={ "/ui/placements/" (shown.stored.id) } { (name(&shown.title())) } }
        h1 { "Stage " (index) span.on { " on " } (name(&stage.node_id)) }
        p.lead {
            (counted(stage.layer_ids.len(), "layer")) ", " (bytes_text(stage.param_bytes)) " of parameters, "
            (bytes_text(stage.memory_bytes)) " of memory, " (seconds_text(stage.compute_s)) " of compute"
        }
        (table("Layers", &html! {
            thead { tr { th scope="col" { "layer" } th scope="col" { "operator" } th.number scope="col" { "parameters" } th.number scope="col" { "output" } th.number scope="col" { "operations" } } }
            tbody {
                @for layer in &layers {
                    tr {
                        th scope="row" { (name(&layer.id)) }
                        td { (name(&layer.op)) }
                        td.number { (bytes_text(layer.param_bytes)) }
                        td.number { (bytes_text(layer.output_bytes)) }
                        td.number { (amount_text(layer.flops)) }
                    }
                }
            }
        }))
    };
    Ok(View::new(format!("Stage {index}"), body).page(&visitor))
}
