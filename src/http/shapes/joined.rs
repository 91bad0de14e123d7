//! Schemas of answers that extend a stored summary with more members.

use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::placement::PlacementDocument;
use serde::Serialize;
use utoipa::openapi::schema::{Object, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::figures::PlacementFigures;
use crate::http::shapes::import::ImportReport;
use crate::store::{self, ClusterSummary, ModelSummary};

/// A component of the OpenAPI document: its name and its schema.
pub(super) type Component = (String, RefOr<Schema>);

/// Defines the schema of an answer with the members of a summary and a stored document.
macro_rules! around {
    ($(#[doc = $about:literal] $whole:ident = $summary:ty { #[doc = $meaning:literal] $member:ident: $document:ty })+) => {$(
        #[doc = $about]
        #[derive(Debug)]
        pub struct $whole;

        impl PartialSchema for $whole {
            fn schema() -> RefOr<Schema> {
                let mut member = Object::new();
                member.required.push(stringify!($member).to_owned());
                member.properties.insert(stringify!($member).to_owned(), described::<$document>($meaning));
                joined($about, [<$summary>::schema(), member.into()])
            }
        }

        impl ToSchema for $whole {
            fn schemas(components: &mut Vec<Component>) {
                <$summary>::schemas(components);
                components.push((<$document>::name().into_owned(), <$document>::schema()));
                <$document>::schemas(components);
            }
        }
    )+};
}

around! {
    /// A registered model with its profile.
    Model = ModelSummary {
        /// The profile, its layers in topological order.
        profile: ModelProfile
    }

    /// A revision of a cluster with its inventory.
    Cluster = ClusterSummary {
        /// The inventory.
        inventory: ClusterInventory
    }

    /// An imported model, with what there is to say about it.
    ImportedModel = ModelSummary {
        /// Where the figures of the profile come from, and what may be wrong with it.
        report: ImportReport
    }

    /// An imported cluster, with what there is to say about it.
    ImportedCluster = ClusterSummary {
        /// Where the figures of the inventory come from, and what it lacks.
        report: ImportReport
    }

    /// A stored placement with its document.
    Placement = store::PlacementSummary {
        /// The placement, or the proof that there is none.
        placement: PlacementDocument
    }
}

/// A stored placement with its figures.
#[derive(Debug, Serialize)]
pub struct PlacementSummary {
    #[serde(flatten)]
    summary: store::PlacementSummary,
    #[serde(flatten)]
    figures: PlacementFigures,
}

impl From<store::PlacementSummary> for PlacementSummary {
    fn from(summary: store::PlacementSummary) -> Self {
        Self { figures: summary.figures.clone(), summary }
    }
}

impl PartialSchema for PlacementSummary {
    fn schema() -> RefOr<Schema> {
        joined(
            "A stored placement without its stages.",
            [store::PlacementSummary::schema(), PlacementFigures::schema()],
        )
    }
}

impl ToSchema for PlacementSummary {
    fn schemas(components: &mut Vec<Component>) {
        store::PlacementSummary::schemas(components);
        PlacementFigures::schemas(components);
    }
}

/// Returns the schema of an object with the members of several.
pub(super) fn joined(description: &str, parts: [RefOr<Schema>; 2]) -> RefOr<Schema> {
    let mut whole = Object::new();
    whole.description = Some(description.trim().to_owned());
    for part in parts {
        if let RefOr::T(Schema::Object(part)) = part {
            whole.required.extend(part.required);
            whole.properties.extend(part.properties);
        }
    }
    whole.into()
}

/// Returns a reference to a component with a description.
fn described<T: ToSchema>(meaning: &str) -> RefOr<Schema> {
    let mut component = Ref::from_schema_name(T::name());
    component.description = meaning.trim().to_owned();
    component.into()
}
