//! Measurements: what the runners of a placement measured, beside what was planned. They go with their placement.

use cutpoint_import::calibration::{Comparison, Measurements};
use cutpoint_planner::domain::hash::json_text;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::deployments::counters;
use super::idempotency::{forget_resource, recall, remember};
use super::page::Keyed;
use super::row::Reading;
use super::sql::{self, QueryBuilder};
use super::{Connection, Idempotency, Listed, Page, PageKey, Registered, Store, StoreError};
use crate::domain::id::{Id, IdKind};
use crate::domain::tenant::Tenant;

/// Measurements of a placement beside what was planned, without what was measured beyond that.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct MeasurementSummary {
    /// Its id.
    #[schema(value_type = String)]
    pub id: Id,
    /// Its position in the order of inserts.
    #[serde(skip)]
    pub sequence: u64,
    /// The placement that ran.
    #[schema(value_type = String)]
    pub placement_id: Id,
    /// When it was stored.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// What was planned beside what was measured.
    pub comparison: Comparison,
}

/// Measurements in their stored form.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMeasurement {
    comparison: String,
    document: String,
}

impl NewMeasurement {
    /// Serialises measurements, outside of transactions.
    pub fn new(measurements: &Measurements, comparison: &Comparison) -> Self {
        Self { comparison: json_text(comparison), document: json_text(measurements) }
    }
}

/// Every column but the document.
macro_rules! columns {
    () => {
        "id, sequence, placement_id, created_at, comparison"
    };
}

#[derive(sqlx::FromRow)]
struct SummaryRow {
    id: String,
    sequence: i64,
    placement_id: String,
    created_at: i64,
    comparison: String,
}

#[derive(sqlx::FromRow)]
struct MeasurementRow {
    #[sqlx(flatten)]
    summary: SummaryRow,
    document: String,
}

#[derive(sqlx::FromRow)]
struct OfDeploymentRow {
    deployment_id: String,
    #[sqlx(flatten)]
    summary: SummaryRow,
}

impl TryFrom<SummaryRow> for MeasurementSummary {
    type Error = StoreError;

    fn try_from(row: SummaryRow) -> Result<Self, StoreError> {
        let reading = Reading { id: &row.id };
        let comparison = serde_json::from_str(&row.comparison);
        Ok(Self {
            id: reading.id("id", IdKind::Measurement, &row.id)?,
            sequence: reading.count("sequence", row.sequence)?,
            placement_id: reading.id("placement_id", IdKind::Placement, &row.placement_id)?,
            created_at: reading.time("created_at", row.created_at)?,
            comparison: comparison.map_err(|_| reading.unreadable("comparison", &row.comparison))?,
        })
    }
}

impl Keyed for MeasurementSummary {
    fn page_key(&self) -> PageKey {
        PageKey { kind: IdKind::Measurement, sequence: self.sequence }
    }
}

impl Store {
    /// Stores measurements of a placement.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the placement, [`StoreError::KeyReused`], or the database failed.
    pub async fn add_measurement(
        &self,
        tenant: &Tenant,
        placement_id: &Id,
        measurement: NewMeasurement,
        idempotency: Option<Idempotency>,
    ) -> Result<Registered<MeasurementSummary>, StoreError> {
        let (store, tenant, placement_id) = (self.clone(), tenant.clone(), placement_id.clone());
        self.write(move |connection| {
            Box::pin(async move {
                placement_exists(connection, &tenant, &placement_id).await?;
                if let Some(known) = recall(connection, &tenant, idempotency.as_ref(), store.keys_since()).await? {
                    let row = summary(connection, &placement_id, &known.resource_id).await?;
                    return Ok(Registered { row, created: known.created, replayed: true });
                }
                let insert = concat!(
                    "INSERT INTO measurements (",
                    columns!(),
                    ", document) VALUES ($1, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM measurements), $2, $3, $4, $5)
                     RETURNING ",
                    columns!()
                );
                let row: SummaryRow = sql::query_as(insert)
                    .bind(store.ids.id(IdKind::Measurement).as_str())
                    .bind(placement_id.as_str())
                    .bind(store.clock.now().as_microsecond())
                    .bind(measurement.comparison)
                    .bind(measurement.document)
                    .fetch_one(&mut *connection)
                    .await?;
                let row = MeasurementSummary::try_from(row)?;
                remember(connection, &tenant, idempotency, &row.id, true, store.steady.now()).await?;
                counters::measured(connection, &placement_id).await?;
                Ok(Registered { row, created: true, replayed: false })
            })
        })
        .await
    }

    /// Returns measurements and their document, JSON text.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the placement or the measurements, or the database failed.
    pub async fn measurement(
        &self,
        tenant: &Tenant,
        placement_id: &Id,
        id: &Id,
    ) -> Result<(MeasurementSummary, String), StoreError> {
        let mut connection = self.read().await?;
        placement_exists(&mut connection, tenant, placement_id).await?;
        let select = sql::query_as("SELECT * FROM measurements WHERE id = $1 AND placement_id = $2");
        let select = select.bind(id.as_str()).bind(placement_id.as_str());
        let row: Option<MeasurementRow> = select.fetch_optional(&mut connection).await?;
        let MeasurementRow { summary, document } = row.ok_or_else(|| missing(id.as_str()))?;
        let document = Reading { id: &summary.id }.document("document", document)?;
        Ok((summary.try_into()?, document))
    }

    /// Returns the measurements of a placement in the order of inserts, without their documents.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the placement, or the database failed.
    pub async fn measurements(
        &self,
        tenant: &Tenant,
        placement_id: &Id,
        page: Page,
    ) -> Result<Listed<MeasurementSummary>, StoreError> {
        let mut connection = self.read().await?;
        placement_exists(&mut connection, tenant, placement_id).await?;
        let mut query = QueryBuilder::new(concat!("SELECT ", columns!(), " FROM measurements WHERE placement_id = "));
        query.push_bind(placement_id.as_str().to_owned());
        page.read::<SummaryRow, MeasurementSummary>(&mut connection, "measurements", query).await
    }

    /// Returns the newest measurements of a placement.
    ///
    /// # Errors
    /// The database failed.
    pub async fn newest_measurement(&self, placement_id: &Id) -> Result<Option<MeasurementSummary>, StoreError> {
        let select =
            concat!("SELECT ", columns!(), " FROM measurements WHERE placement_id = $1 ORDER BY sequence DESC LIMIT 1");
        let select = sql::query_as(select).bind(placement_id.as_str());
        let row: Option<SummaryRow> = select.fetch_optional(&mut self.read().await?).await?;
        row.map(MeasurementSummary::try_from).transpose()
    }

    /// Deletes measurements.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the placement or the measurements, or the database failed.
    pub async fn delete_measurement(&self, tenant: &Tenant, placement_id: &Id, id: &Id) -> Result<(), StoreError> {
        let (tenant, placement_id, id) = (tenant.clone(), placement_id.clone(), id.clone());
        self.write(move |connection| {
            Box::pin(async move {
                placement_exists(connection, &tenant, &placement_id).await?;
                let delete = sql::query("DELETE FROM measurements WHERE id = $1 AND placement_id = $2");
                let delete = delete.bind(id.as_str()).bind(placement_id.as_str());
                if delete.execute(&mut *connection).await? == 0 {
                    return Err(missing(id.as_str()));
                }
                counters::measured(connection, &placement_id).await?;
                forget_resource(connection, &id).await
            })
        })
        .await
    }
}

/// Reads the newest measurements of each placement that a deployment of a cluster has applied, with the deployment, where they
/// are newer than a time. The newest come first.
pub(super) async fn of_deployments(
    connection: &mut Connection,
    cluster_id: &Id,
    since: Timestamp,
) -> Result<Vec<(Id, MeasurementSummary)>, StoreError> {
    let select = sql::query_as(
        "SELECT ran.deployment_id AS deployment_id, measurements.id AS id, measurements.sequence AS sequence,
                measurements.placement_id AS placement_id, measurements.created_at AS created_at,
                measurements.comparison AS comparison
         FROM (SELECT DISTINCT deployment_id, placement_id FROM deployment_history
               WHERE kind = 'applied' AND deployment_id IN (SELECT id FROM deployments WHERE cluster_id = $1)) AS ran
              JOIN measurements ON measurements.placement_id = ran.placement_id
         WHERE measurements.created_at > $2 AND measurements.sequence = (
             SELECT MAX(sequence) FROM measurements AS newer WHERE newer.placement_id = ran.placement_id)
         ORDER BY measurements.sequence DESC",
    );
    let select = select.bind(cluster_id.as_str()).bind(since.as_microsecond());
    let rows: Vec<OfDeploymentRow> = select.fetch_all(connection).await?;
    let read = |row: OfDeploymentRow| {
        let deployment_id =
            Reading { id: &row.deployment_id }.id("deployment_id", IdKind::Deployment, &row.deployment_id)?;
        Ok((deployment_id, row.summary.try_into()?))
    };
    rows.into_iter().map(read).collect()
}

/// Reads measurements of a placement by their id.
async fn summary(connection: &mut Connection, placement_id: &Id, id: &str) -> Result<MeasurementSummary, StoreError> {
    let select = concat!("SELECT ", columns!(), " FROM measurements WHERE id = $1 AND placement_id = $2");
    let select = sql::query_as(select).bind(id).bind(placement_id.as_str());
    let row: Option<SummaryRow> = select.fetch_optional(connection).await?;
    row.ok_or_else(|| missing(id))?.try_into()
}

/// Refuses a placement that the tenant does not have.
async fn placement_exists(connection: &mut Connection, tenant: &Tenant, id: &Id) -> Result<(), StoreError> {
    let select = sql::query_scalar("SELECT EXISTS (SELECT 1 FROM placements WHERE id = $1 AND tenant = $2)");
    let exists: bool = select.bind(id.as_str()).bind(tenant.as_str()).fetch_one(connection).await?;
    let missing = || StoreError::NotFound { kind: IdKind::Placement, id: id.as_str().to_owned() };
    if exists { Ok(()) } else { Err(missing()) }
}

fn missing(id: &str) -> StoreError {
    StoreError::NotFound { kind: IdKind::Measurement, id: id.to_owned() }
}
