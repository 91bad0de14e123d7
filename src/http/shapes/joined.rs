//! Schemas of answers that extend a stored summary with more members.

use std::borrow::Cow;

use cutpoint_import::calibration::Measurements;
use cutpoint_planner::domain::cluster::ClusterInventory;
use cutpoint_planner::domain::explanation::Explanation;
use cutpoint_planner::domain::model::ModelProfile;
use cutpoint_planner::domain::placement::PlacementDocument;
use serde::Serialize;
use utoipa::openapi::schema::{Object, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::figures::PlacementFigures;
use crate::http::shapes::import::ImportReport;
use crate::store::{self, ClusterSummary, MeasurementSummary, ModelSummary};

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

    /// Measurements of a placement beside what was planned, and all that was kept of them.
    Measurement = MeasurementSummary {
        /// What the runners measured.
        measured: Measurements
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

/// An explanation with the newest measurements of the placement.
#[derive(Debug, Serialize)]
pub struct MeasuredExplanation {
    /// The explanation.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// The newest measurements; absent where nobody has measured the placement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<MeasurementSummary>,
}

impl PartialSchema for MeasuredExplanation {
    fn schema() -> RefOr<Schema> {
        let mut member = Object::new();
        let meaning =
            "The newest measurements beside what was planned; absent where nobody has measured the placement.";
        member.properties.insert("measured".to_owned(), described::<MeasurementSummary>(meaning));
        joined("Why an answer is as it is, and what would help.", [Explanation::schema(), member.into()])
    }
}

impl ToSchema for MeasuredExplanation {
    // The planner's explanation is no component of its own.
    fn name() -> Cow<'static, str> {
        Explanation::name()
    }

    fn schemas(components: &mut Vec<Component>) {
        Explanation::schemas(components);
        components.push((MeasurementSummary::name().into_owned(), MeasurementSummary::schema()));
        MeasurementSummary::schemas(components);
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
