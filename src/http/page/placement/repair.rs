//! `/ui/placements/{id}/repair`: plans anew with a verified change of a request that has no placement.

use axum::extract::{Form, Path};
use axum::response::Response;
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::fault::{Fault, FaultCode};
use cutpoint_planner::explain::{double_medium, wire};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::domain::id::IdKind;
use crate::http::page::home::planned;
use crate::http::page::parts::{items, str_of};
use crate::http::page::visitor::{Visitor, id_of};
use crate::http::problem::Problem;

/// The chosen repair, as the explanation wrote it.
#[derive(Deserialize)]
pub(super) struct Chosen {
    repair: String,
}

pub(super) async fn plan(
    visitor: Visitor,
    Path(id): Path<String>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Problem> {
    let id = id_of(IdKind::Placement, &id)?;
    let repair: Value = serde_json::from_str(&chosen.repair).map_err(|_| cannot("it is not a repair"))?;
    let stored = visitor.get(&format!("/v1/placements/{id}")).await?;
    let mut request = request_of(&visitor, &id).await?;
    apply(&visitor, &stored, &mut request, &repair).await?;
    if let Some(cluster) = request.get_mut("cluster") {
        // The changed cluster is stored as one of its own, whose name says what changed.
        cluster["name"] = derived_name(str_of(cluster, "name"), str_of(&repair, "detail")).into();
    }
    planned(&visitor, &Value::Object(request)).await
}

/// Returns the request that a placement answers, with the stored model and the revision of its cluster.
///
/// # Errors
/// The API's problem, or the options are not stored any more.
pub(in crate::http::page) async fn request_of(
    visitor: &Visitor,
    id: &crate::domain::id::Id,
) -> Result<Map<String, Value>, Problem> {
    // The API says whether the visitor may read it.
    let stored = visitor.get(&format!("/v1/placements/{id}")).await?;
    let placement = visitor.api.store.placement(&visitor.tenant(), id).await?;
    let options = placement.options.ok_or_else(|| cannot("its options are not stored any more"))?;
    let mut request: Map<String, Value> = serde_json::from_str(&options).map_err(Problem::internal)?;
    request.retain(|_, value| !value.is_null());
    for member in ["model_id", "cluster_id", "cluster_revision"] {
        request.insert(member.to_owned(), stored[member].clone());
    }
    Ok(request)
}

/// Changes a request as a repair says: a constraint of the request, or the inventory that comes with it.
async fn apply(
    visitor: &Visitor,
    stored: &Value,
    request: &mut Map<String, Value>,
    repair: &Value,
) -> Result<(), Problem> {
    let constraints = request.entry("constraints").or_insert_with(|| json!({}));
    let remove = |constraints: &mut Value, member: &str| {
        if let Some(map) = constraints.as_object_mut() {
            map.remove(member);
        }
    };
    match str_of(repair, "kind") {
        "drop_pin" => drop_item(constraints, "pins", repair),
        "drop_colocation" => drop_item(constraints, "colocate", repair),
        "drop_node_selector" => remove(constraints, "node_selector"),
        "drop_source" => remove(constraints, "source_node"),
        "drop_sink" => remove(constraints, "sink_node"),
        "raise_max_stages" => constraints["max_stages"] = repair["raise_to"].clone(),
        "raise_max_nodes" => constraints["max_nodes"] = repair["raise_to"].clone(),
        "raise_max_latency" => constraints["max_latency_s"] = repair["raise_to"].clone(),
        "raise_max_period" => constraints["max_period_s"] = repair["raise_to"].clone(),
        "raise_target_period" => {
            if let Some(objective) = request.get_mut("objective").and_then(Value::as_object_mut) {
                objective.insert("target_period_s".to_owned(), repair["raise_to"].clone());
            }
        }
        "admit_nodes" => remove(constraints, "exclude_nodes"),
        "admit_node" => {
            let admitted: Vec<&str> = items(repair, "node_ids").iter().filter_map(Value::as_str).collect();
            if let Some(excluded) = constraints.get_mut("exclude_nodes").and_then(Value::as_array_mut) {
                excluded.retain(|node| !node.as_str().is_some_and(|node| admitted.contains(&node)));
            }
            let admit = |node: &mut Value| {
                if admitted.iter().any(|id| node["id"] == **id) {
                    node["schedulable"] = true.into();
                }
            };
            change_nodes(visitor, stored, request, admit).await?;
        }
        "more_memory" => {
            let nodes: Vec<&str> = items(repair, "node_ids").iter().filter_map(Value::as_str).collect();
            let extra = repair["extra_bytes"].as_u64().unwrap_or(0);
            let grow = |node: &mut Value| {
                if nodes.iter().any(|id| node["id"] == **id) {
                    let memory = node["memory_bytes"].as_u64().unwrap_or(0);
                    node["memory_bytes"] = memory.saturating_add(extra).into();
                }
            };
            change_nodes(visitor, stored, request, grow).await?;
        }
        "add_link" => add_link(visitor, stored, request, repair).await?,
        "medium_twice_as_fast" => {
            let medium = str_of(repair, "medium_id");
            change_network(visitor, stored, request, |cluster| double_medium(cluster, medium)).await?;
            // Occupants take the medium for half as long.
            for occupied in request.get_mut("occupants").and_then(Value::as_array_mut).into_iter().flatten() {
                for medium in occupied.get_mut("media").and_then(Value::as_array_mut).into_iter().flatten() {
                    if medium["id"] == repair["medium_id"] {
                        medium["occupied_s"] = (medium["occupied_s"].as_f64().unwrap_or(0.0) / 2.0).into();
                    }
                }
            }
        }
        "node_wired" => {
            let node = repair["node_ids"][0].as_str().unwrap_or_default();
            change_network(visitor, stored, request, |cluster| wire(cluster, node)).await?;
        }
        _ => return Err(cannot("it is a change that the page does not know")),
    }
    Ok(())
}

/// Removes the item of a list of constraints that a repair points at.
fn drop_item(constraints: &mut Value, list: &str, repair: &Value) {
    let index = str_of(repair, "pointer").rsplit('/').next().and_then(|last| last.parse::<usize>().ok());
    if let Some(list) = constraints.get_mut(list).and_then(Value::as_array_mut)
        && let Some(index) = index.filter(|index| *index < list.len())
    {
        list.remove(index);
    }
}

/// Puts a changed copy of the stored inventory into the request.
async fn change_nodes(
    visitor: &Visitor,
    stored: &Value,
    request: &mut Map<String, Value>,
    change: impl Fn(&mut Value),
) -> Result<(), Problem> {
    let mut inventory = inventory_of(visitor, stored).await?;
    for node in inventory["nodes"].as_array_mut().into_iter().flatten() {
        change(node);
    }
    replace_cluster(request, inventory);
    Ok(())
}

async fn add_link(
    visitor: &Visitor,
    stored: &Value,
    request: &mut Map<String, Value>,
    repair: &Value,
) -> Result<(), Problem> {
    let mut inventory = inventory_of(visitor, stored).await?;
    let ends = &repair["node_ids"];
    let mut link =
        json!({"from": ends[0], "to": ends[1], "bandwidth_bps": repair["bandwidth_bps"], "bidirectional": true});
    if !repair["link_latency_s"].is_null() {
        link["latency_s"] = repair["link_latency_s"].clone();
    }
    if inventory["links"].is_null() {
        inventory["links"] = json!([]);
    }
    if let Some(links) = inventory["links"].as_array_mut() {
        links.push(link);
    }
    replace_cluster(request, inventory);
    Ok(())
}

/// Puts a copy of the stored inventory with a changed network into the request.
async fn change_network(
    visitor: &Visitor,
    stored: &Value,
    request: &mut Map<String, Value>,
    change: impl FnOnce(&mut ClusterInventory),
) -> Result<(), Problem> {
    let inventory = inventory_of(visitor, stored).await?;
    let mut cluster = ClusterInventory::from_json(&inventory).map_err(Problem::invalid_request)?;
    change(&mut cluster);
    replace_cluster(request, serde_json::to_value(&cluster).map_err(Problem::internal)?);
    Ok(())
}

async fn inventory_of(visitor: &Visitor, stored: &Value) -> Result<Value, Problem> {
    let revision = stored["cluster_revision"].as_u64().unwrap_or(1);
    let cluster = visitor.get(&format!("/v1/clusters/{}?revision={revision}", str_of(stored, "cluster_id"))).await?;
    Ok(cluster["inventory"].clone())
}

fn replace_cluster(request: &mut Map<String, Value>, inventory: Value) {
    request.remove("cluster_id");
    request.remove("cluster_revision");
    request.insert("cluster".to_owned(), inventory);
}

/// Returns a name with what was changed, as long as a name may be.
fn derived_name(name: &str, change: &str) -> String {
    const MOST: usize = 256;
    let change: String = change.chars().take(MOST / 2).collect();
    let name: String = name.chars().take(MOST - change.chars().count() - 3).collect();
    format!("{name} · {change}")
}

fn cannot(why: &str) -> Problem {
    let action = "Change the request or the inventory, and plan again";
    Problem::invalid_request(vec![Fault::new(
        "",
        FaultCode::Conflict,
        format!("the page cannot plan with it: {why}"),
        action,
    )])
}
