//! `/v1/clusters/{id}/links`: updates measured links, in a new revision of their cluster.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use cutpoint_planner::domain::cluster::{ClusterInventory, Link};
use cutpoint_planner::domain::read::Reader;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::api::Api;
use crate::http::compute::compute;
use crate::http::gate::caller::MayPlan;
use crate::http::headers::etag::ETag;
use crate::http::problem::Problem;
use crate::http::problem::responses::{
    BadBody, Internal, Invalid, NotFound, Refused, Slow, Stale, StorageFull, TooLarge, Unavailable, VersionMissing,
    WrongMedia,
};
use crate::http::request::body::{Document, document};
use crate::http::request::limits::fits;
use crate::http::routes::clusters::{cluster_id, summary};
use crate::store::{ClusterDocument, ClusterSummary};

document! {
    /// Measured links. Each replaces the listed link of its pair in its directions; other pairs stay. One that names no
    /// medium stays on the medium of the link that it replaces. To remove a link, replace the inventory.
    #[derive(Debug, Serialize, ToSchema)]
    pub struct LinksPatch {
        /// The links.
        pub links: Vec<Link>,
    }
}

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(patch_links))
}

/// Change links of a cluster
///
/// This creates a new revision. `If-Match` names the ETag of the revision that it changes.
#[utoipa::path(
    patch, path = "/v1/clusters/{id}/links", tag = "clusters", security(("key" = ["plan"])),
    params(
        ("id" = String, Path, description = "The cluster."),
        ("If-Match" = Option<String>, Header, nullable = false, description = "The ETag of the revision to change. It must be given."),
    ),
    request_body = LinksPatch,
    responses(
        (status = 200, description = "The new revision.", body = ClusterSummary, headers(("ETag" = String))),
        BadBody, Slow, NotFound, Stale, TooLarge, WrongMedia, Invalid, VersionMissing, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn patch_links(
    State(api): State<Api>,
    MayPlan(caller): MayPlan,
    Path(id): Path<String>,
    headers: HeaderMap,
    document: Document,
) -> Result<Response, Problem> {
    let (present, inventory) = api.store.cluster_document(&caller.tenant, &cluster_id(&id)?, None).await?;
    ETag::new(present.revision).must_match(&headers)?;
    let bytes = inventory.len() + document.bytes;
    let most = api.limits.links;
    let patched = compute(bytes, move || patched(&inventory, &document.value, most)).await?;
    let revised = api.store.replace_cluster(&caller.tenant, &present.id, present.revision, patched).await?;
    Ok(summary(StatusCode::OK, revised))
}

fn patched(inventory: &str, patch: &Value, most: usize) -> Result<ClusterDocument, Problem> {
    let mut reader = Reader::new();
    let measured = read_patch(&mut reader, patch);
    let mut faults = reader.finish(Some(())).err().unwrap_or_default();
    let Some(measured) = measured else { return Err(Problem::invalid_request(faults)) };
    let stored = |faults| Problem::internal(format!("a stored cluster has faults: {faults:?}"));
    let mut cluster = Reader::parse(inventory.as_bytes()).map_err(stored)?;
    let listed = ClusterInventory::from_json(&cluster).map_err(stored)?.links;
    // The patched links come first, so that the pointer of a fault is that in the patch. Listed links are valid.
    let measured = on_their_media(measured, &listed);
    let links: Vec<Link> = measured.iter().cloned().chain(without(listed, &measured)).collect();
    cluster["links"] = json!(links);
    let mut reader = Reader::new();
    let fit = fits(&mut reader, cluster.get("links"), "links", most).then_some(());
    reader.finish(fit).map_err(Problem::invalid_request)?;
    match ClusterInventory::from_json(&cluster) {
        Ok(inventory) if faults.is_empty() => Ok(ClusterDocument::new(&inventory)),
        judged => {
            faults.extend(judged.err().unwrap_or_default());
            Err(Problem::invalid_request(faults))
        }
    }
}

fn read_patch(reader: &mut Reader, patch: &Value) -> Option<Vec<Link>> {
    let map = reader.object(patch, LinksPatch::FIELDS)?;
    let links = reader.required(map, "links", |reader, value| reader.items(value, Link::read));
    links?.into_iter().collect()
}

/// Returns measured links on the media of the listed links of their pairs, unless they name one themselves: a measurement
/// does not say what a link shares.
fn on_their_media(measured: Vec<Link>, listed: &[Link]) -> Vec<Link> {
    let mut medium_of: BTreeMap<(&str, &str), &String> = BTreeMap::new();
    for link in listed {
        if let Some(medium) = &link.medium {
            medium_of.insert((&link.from, &link.to), medium);
            if link.bidirectional {
                medium_of.insert((&link.to, &link.from), medium);
            }
        }
    }
    let on_its_medium = |link: Link| {
        let listed = medium_of.get(&(link.from.as_str(), link.to.as_str())).map(|&medium| medium.clone());
        Link { medium: link.medium.clone().or(listed), ..link }
    };
    measured.into_iter().map(on_its_medium).collect()
}

/// Returns the listed links without the directed pairs that were measured.
fn without(listed: Vec<Link>, measured: &[Link]) -> Vec<Link> {
    let there = measured.iter().map(|link| (link.from.as_str(), link.to.as_str()));
    let back = measured.iter().filter(|link| link.bidirectional).map(|link| (link.to.as_str(), link.from.as_str()));
    let pairs: BTreeSet<(&str, &str)> = there.chain(back).collect();
    let left = listed.into_iter().filter_map(|link| {
        let there = !pairs.contains(&(link.from.as_str(), link.to.as_str()));
        let back = link.bidirectional && !pairs.contains(&(link.to.as_str(), link.from.as_str()));
        match (there, back) {
            (true, back) => Some(Link { bidirectional: back, ..link }),
            (false, true) => Some(Link { from: link.to, to: link.from, bidirectional: false, ..link }),
            (false, false) => None,
        }
    });
    left.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: &str = r#"{"name":"lab","nodes":[{"id":"a","memory_bytes":1},{"id":"b","memory_bytes":1},
        {"id":"c","memory_bytes":1}],"links":[{"from":"a","to":"b","bandwidth_bps":1,"bidirectional":true},
        {"from":"b","to":"c","bandwidth_bps":1}]}"#;

    fn link(from: &str, to: &str, bandwidth_bps: f64) -> Value {
        json!({"from": from, "to": to, "bandwidth_bps": bandwidth_bps, "latency_s": 0.0, "bidirectional": false})
    }

    fn links(patch: &Value) -> Value {
        let document = patched(CLUSTER, patch, 4).unwrap().document;
        serde_json::from_str::<Value>(&document).unwrap()["links"].clone()
    }

    fn pointers(patch: &Value) -> Vec<String> {
        let problem = patched(CLUSTER, patch, 4).unwrap_err();
        problem.errors.into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn one_direction_is_measured_and_the_other_stays() {
        let one = links(&json!({"links": [link("a", "b", 5.0)]}));
        assert_eq!(one, json!([link("a", "b", 5.0), link("b", "a", 1.0), link("b", "c", 1.0)]));
        let other = links(&json!({"links": [link("b", "a", 5.0), link("b", "c", 6.0)]}));
        assert_eq!(other, json!([link("b", "a", 5.0), link("b", "c", 6.0), link("a", "b", 1.0)]));
    }

    #[test]
    fn both_directions_may_be_measured_at_once() {
        let mut both = link("b", "a", 5.0);
        both["bidirectional"] = json!(true);
        assert_eq!(links(&json!({"links": [both]})), json!([both, link("b", "c", 1.0)]));
    }

    #[test]
    fn a_measured_link_stays_on_its_medium() {
        let cluster = CLUSTER.replace(r#""bidirectional":true"#, r#""bidirectional":true,"medium":"air""#);
        let measured = |patch: Value| {
            let document = patched(&cluster, &json!({"links": [patch]}), 4).unwrap().document;
            serde_json::from_str::<Value>(&document).unwrap()["links"][0]["medium"].clone()
        };
        assert_eq!(measured(link("b", "a", 5.0)), "air");
        assert_eq!(measured(link("b", "c", 5.0)), Value::Null);
        let mut moved = link("a", "b", 5.0);
        moved["medium"] = json!("cable");
        assert_eq!(measured(moved), "cable");
    }

    #[test]
    fn faults_point_into_the_patch() {
        assert_eq!(pointers(&json!({})), ["/links"]);
        assert_eq!(pointers(&json!({"links": [{"from": "a", "to": "b"}]})), ["/links/0/bandwidth_bps"]);
        assert_eq!(pointers(&json!({"links": [link("a", "c", 1.0), link("a", "x", 1.0)]})), ["/links/1/to"]);
        assert_eq!(pointers(&json!({"links": [link("c", "c", 1.0)]})), ["/links/0"]);
        let all = json!({"links": [link("c", "c", 1.0), link("x", "a", -5.0)]});
        assert_eq!(pointers(&all), ["/links/1/bandwidth_bps", "/links/0", "/links/1/from"]);
        assert_eq!(pointers(&json!({"links": [link("a", "c", 1.0), link("a", "c", 2.0)]})), ["/links/1"]);
    }
}
