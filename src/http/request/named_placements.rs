//! The stored placements that a request refers to: its base and the occupants of the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cutpoint_planner::domain::base::BasePlacement;
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::fault::{Fault, FaultCode};
use cutpoint_planner::domain::occupant::Occupant;
use cutpoint_planner::domain::options::PlanOptions;
use cutpoint_planner::domain::placed::Placed;
use cutpoint_planner::domain::read::{Reader, Step};
use cutpoint_planner::occupant_of;
use serde_json::{Map, Value};

use crate::domain::id::{Id, IdKind};
use crate::domain::tenant::Tenant;
use crate::http::api::Api;
use crate::http::compute::compute;
use crate::http::problem::Problem;
use crate::http::request::limits::{MOST_OCCUPIED_BY, fits};
use crate::http::request::stored::{found, read_stored};

/// Ids of placements, and the rates of those that run below their own rate.
#[derive(Debug, Default)]
pub(crate) struct NamedPlacements {
    base: Option<String>,
    occupied_by: Vec<String>,
    rates_per_s: BTreeMap<String, f64>,
}

/// A stored placement and the cluster that it was made for.
struct Stored {
    placement: String,
    cluster: String,
}

impl NamedPlacements {
    /// Reads the ids and rates from a request's members.
    pub(crate) fn read(reader: &mut Reader, map: &Map<String, Value>) -> Self {
        let base = reader.optional(map, "base_placement_id", Reader::id);
        if map.contains_key("base") && map.contains_key("base_placement_id") {
            let detail = "base_placement_id and base are both given";
            reader.fault_at(&["base_placement_id".into()], FaultCode::Conflict, detail, "Give one of the two");
        }
        if !fits(reader, map.get("occupied_by"), "occupied_by", MOST_OCCUPIED_BY) {
            return Self { base, ..Self::default() };
        }
        let occupied_by = reader.optional(map, "occupied_by", |reader, value| reader.items(value, Reader::id));
        let occupied_by: Vec<Option<String>> = occupied_by.unwrap_or_default();
        let rates_per_s = reader.optional(map, "occupant_rates_per_s", read_rates).unwrap_or_default();
        for id in rates_per_s.keys().filter(|id| !occupied_by.contains(&Some((*id).clone()))) {
            let below = ["occupant_rates_per_s".into(), Step::Key(id.clone())];
            let detail = format!("{id:?} is not among occupied_by");
            reader.fault_at(&below, FaultCode::UnknownReference, detail, "Name a placement of occupied_by");
        }
        for (index, id) in occupied_by.iter().enumerate() {
            if id.is_some() && occupied_by[..index].contains(id) {
                let below = ["occupied_by".into(), index.into()];
                let detail = "this placement is already in the list";
                reader.fault_at(&below, FaultCode::Duplicate, detail, "Name each placement once");
            }
        }
        // An empty text stands for an id that could not be read, so that positions match those in the document.
        let occupied_by = occupied_by.into_iter().map(Option::unwrap_or_default).collect();
        Self { base, occupied_by, rates_per_s }
    }

    /// Returns the valid ids, each once. An invalid id gets its fault when it is looked up.
    pub(crate) fn ids(&self) -> Vec<Id> {
        let named = self.base.iter().chain(&self.occupied_by).collect::<BTreeSet<&String>>();
        named.into_iter().filter_map(|id| Id::parse(IdKind::Placement, id)).collect()
    }

    /// Fetches the placements and adds them to the options.
    ///
    /// # Errors
    /// The store failed, or a stored document cannot be read.
    pub(crate) async fn resolve(
        self,
        api: &Api,
        tenant: &Tenant,
        reader: &mut Reader,
        options: &mut PlanOptions,
    ) -> Result<(), Problem> {
        if let Some(id) = self.base {
            let below = ["base_placement_id".into()];
            if let Some(stored) = stored(api, tenant, reader, &below, &id).await?
                && let Some(placed) = read_placed(reader, &below, &stored.placement)?
                && options.base.is_none()
            {
                match placed.base() {
                    Ok(base) => options.base = Some(base),
                    Err(fault) => {
                        reader.fault_at(&below, fault.code, fault.detail.clone(), fault.action.clone());
                        options.base = Some(BasePlacement::default());
                    }
                }
            } else {
                // An id with a fault must not count as absent.
                options.base.get_or_insert_default();
            }
        }
        for (index, id) in self.occupied_by.iter().enumerate().filter(|(_, id)| !id.is_empty()) {
            let below = ["occupied_by".into(), index.into()];
            let Some(stored) = stored(api, tenant, reader, &below, id).await? else { continue };
            let Some(placed) = read_placed(reader, &below, &stored.placement)? else { continue };
            let (id, rate_per_s) = (id.clone(), self.rates_per_s.get(id).copied());
            let occupant = compute(stored.cluster.len(), move || occupant(&id, &placed, &stored.cluster, rate_per_s));
            options.occupants.push(occupant.await?);
        }
        Ok(())
    }
}

fn read_rates(reader: &mut Reader, value: &Value) -> Option<BTreeMap<String, f64>> {
    let map = reader.map(value)?;
    let mut rates = BTreeMap::new();
    for (id, rate) in map {
        if let Some(rate) = reader.within(Step::Key(id.clone()), |reader| reader.non_negative(rate)) {
            rates.insert(id.clone(), rate);
        }
    }
    Some(rates)
}

fn occupant(id: &str, placed: &Placed, cluster: &str, rate_per_s: Option<f64>) -> Result<Occupant, Problem> {
    let cluster = Arc::new(read_stored(cluster, ClusterInventory::from_json)?);
    Ok(occupant_of(id, placed, &cluster, rate_per_s))
}

async fn stored(
    api: &Api,
    tenant: &Tenant,
    reader: &mut Reader,
    below: &[Step],
    id: &str,
) -> Result<Option<Stored>, Problem> {
    let row = match Id::parse(IdKind::Placement, id) {
        Some(id) => found(api.store.placement(tenant, &id).await)?,
        None => None,
    };
    let Some(row) = row else {
        let detail = format!("there is no placement {id:?}");
        reader.fault_at(below, FaultCode::UnknownReference, detail, "Give the id of a stored placement");
        return Ok(None);
    };
    let revision = Some(row.summary.cluster_revision);
    let (_, cluster) = api.store.cluster_document(tenant, &row.summary.cluster_id, revision).await?;
    Ok(Some(Stored { placement: row.document, cluster }))
}

/// Reads a stored placement document. One that proves infeasibility has no stages and is refused.
fn read_placed(reader: &mut Reader, below: &[Step], document: &str) -> Result<Option<Placed>, Problem> {
    let value: Value = read_stored(document, |value| Ok::<Value, Vec<Fault>>(value.clone()))?;
    if value.get("pipelines").is_none() {
        let detail = "this stored document proves that there is no placement";
        reader.fault_at(below, FaultCode::Conflict, detail, "Name a placement with stages");
        return Ok(None);
    }
    read_stored(document, Placed::from_json).map(Some)
}
