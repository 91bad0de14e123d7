//! Shared media as lanes, with what occupies them.

use cutpoint_planner::domain::placement::PlacementDocument;
use maud::{Markup, html};

use crate::http::page::parts::{Measure, bar, name};
use crate::http::page::text::{percent_text, seconds_text};

/// Writes a lane as long as the period for each shared medium.
pub(super) fn media(document: &PlacementDocument) -> Markup {
    if document.media.is_empty() {
        return html! {};
    }
    let period_s = document.pipelines.iter().map(|pipeline| pipeline.period_s).fold(0.0, f64::max);
    let binds = |id: &str| {
        let media = document.pipelines.iter().filter_map(|pipeline| pipeline.bottleneck.medium_id.as_deref());
        media.into_iter().any(|medium| medium == id)
    };
    html! {
        section aria-labelledby="media" {
            h2 #media { "Shared media" }
            p.muted { "Transfers that share a medium wait for one another. Each lane is one period of " (seconds_text(period_s)) " long." }
            ul.lanes {
                @for medium in &document.media {
                    @let share = if period_s > 0.0 { medium.occupied_s / period_s } else { 0.0 };
                    @let is_bottleneck = binds(&medium.id);
                    li.bottleneck[is_bottleneck] {
                        p {
                            span { (name(&medium.id)) @if is_bottleneck { span.mark { "bottleneck" } } }
                            span.figure { (seconds_text(medium.occupied_s)) ", " (percent_text(share)) }
                        }
                        (bar(share, Measure::Transfer))
                    }
                }
            }
        }
    }
}
