//! Pages of lists.

use serde::Serialize;
use utoipa::ToSchema;

use crate::http::request::paging;
use crate::http::shapes::joined::PlacementSummary;
use crate::http::shapes::webhook::Webhook;
use crate::store::deployments::history::HistoryEntry;
use crate::store::{ClusterSummary, Delivery, Deployment, Job, Listed, MeasurementSummary, ModelSummary};

/// Defines the page of each list, with its name, its items and their descriptions.
macro_rules! pages {
    ($($(#[doc = $about:literal])+ $page:ident { $(#[doc = $those:literal])+ items: $item:ty })+) => {$(
        $(#[doc = $about])+
        #[derive(Debug, Serialize, ToSchema)]
        pub struct $page {
            $(#[doc = $those])+
            pub items: Vec<$item>,
            /// The `cursor` of the next page; absent on the last page.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schema(nullable = false)]
            pub next_cursor: Option<String>,
            /// The ids of damaged rows in this part of the list. Reading one reports the damage. Absent if there is
            /// none.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            #[schema(required = false)]
            pub unreadable: Vec<String>,
        }

        impl<T: Into<$item>> From<Listed<T>> for $page {
            fn from(listed: Listed<T>) -> Self {
                let items = listed.items.into_iter().map(Into::into).collect();
                let next_cursor = listed.next.as_ref().map(paging::cursor);
                Self { items, next_cursor, unreadable: listed.unreadable }
            }
        }
    )+};
}

pages! {
    /// A page of jobs, newest first.
    JobPage {
        /// The jobs.
        items: Job
    }

    /// A page of models, newest first.
    ModelPage {
        /// The models.
        items: ModelSummary
    }

    /// A page of clusters at their newest revisions, newest cluster first.
    ClusterPage {
        /// The clusters.
        items: ClusterSummary
    }

    /// A page of placements, newest first.
    PlacementPage {
        /// The placements, without their stages.
        items: PlacementSummary
    }

    /// A page of measurements, newest first.
    MeasurementPage {
        /// The measurements.
        items: MeasurementSummary
    }

    /// A page of deployments, newest first.
    DeploymentPage {
        /// The deployments.
        items: Deployment
    }

    /// A page of what has happened to a deployment, newest first.
    HistoryPage {
        /// The entries.
        items: HistoryEntry
    }

    /// A page of webhooks, newest first.
    WebhookPage {
        /// The webhooks.
        items: Webhook
    }

    /// A page of deliveries, newest first.
    DeliveryPage {
        /// The deliveries.
        items: Delivery
    }
}
