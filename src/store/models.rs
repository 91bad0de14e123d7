//! Models: immutable profiles, identified by the hash of their content.

use std::sync::LazyLock;

use cutpoint_planner::domain::chain::Chain;
use cutpoint_planner::domain::hash::{json_text, text_hash};
use cutpoint_planner::domain::model::{Layer, ModelProfile};
use cutpoint_planner::domain::options::CutPolicy;
use cutpoint_planner::{CutCount, cut_count};
use jiff::Timestamp;
use quick_cache::sync::Cache;
use serde::Serialize;
use utoipa::ToSchema;

use super::idempotency::{forget_resource, recall, remember};
use super::jobs::push_name;
use super::page::Keyed;
use super::row::{Reading, integer};
use super::sql::{self, QueryBuilder};
use super::{Connection, Idempotency, Listed, Page, PageKey, Registered, Store, StoreError};
use crate::domain::id::{Id, IdKind};
use crate::domain::tenant::Tenant;

/// A profile in its stored form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelDocument {
    /// Its name.
    pub name: String,
    /// SHA-256 of the document.
    pub content_hash: String,
    /// The JSON text.
    pub document: String,
    /// Figures for lists.
    pub statistics: ModelStatistics,
}

impl ModelDocument {
    /// Serialises a profile, outside of transactions. Counts its cuts unless the cache has them.
    pub fn new(profile: &ModelProfile) -> Self {
        Self::counted(profile).unwrap_or_else(|| {
            let (document, content_hash) = written(profile);
            let statistics = ModelStatistics::of(profile);
            COUNTED.insert(content_hash.clone(), statistics);
            Self { name: profile.name.clone(), content_hash, document, statistics }
        })
    }

    /// Serialises a profile if its cuts are cached, which is fast enough for a thread that answers requests.
    pub fn counted(profile: &ModelProfile) -> Option<Self> {
        let (document, content_hash) = written(profile);
        let statistics = COUNTED.get(&content_hash)?;
        Some(Self { name: profile.name.clone(), content_hash, document, statistics })
    }
}

/// Returns the text of a profile and its hash.
fn written(profile: &ModelProfile) -> (String, String) {
    let document = json_text(profile);
    let content_hash = text_hash(&document);
    (document, content_hash)
}

/// The most models with cached statistics.
const MOST_COUNTED: usize = 1_024;

/// A cache of the statistics of recent models, by the hash of their content.
static COUNTED: LazyLock<Cache<String, ModelStatistics>> = LazyLock::new(|| Cache::new(MOST_COUNTED));

/// Figures of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModelStatistics {
    /// Layers.
    pub layers: u64,
    /// Edges between layers.
    pub edges: u64,
    /// Constant layers: weights, shapes, and layers computed from them alone. Each stage that needs one has a copy.
    pub constant_layers: u64,
    /// Cuts under the policy `any`, without the two ends.
    pub cut_points: u64,
    /// Whether the model has more cuts than `cut_points`, where counting stopped.
    pub more_cut_points: bool,
    /// Cuts under the policy `single_tensor`, without the two ends. If a model has more cuts than are counted and has
    /// roots that are not inputs, only those in the profile's order.
    pub single_tensor_cut_points: u64,
    /// Bytes of all parameters.
    pub param_bytes: u64,
    /// Operations of all layers for one pass.
    pub flops: u64,
    /// Bytes of the model's inputs.
    pub input_bytes: u64,
    /// Bytes of the model's outputs.
    pub output_bytes: u64,
}

impl ModelStatistics {
    /// Computes the statistics of a model in O(L + E), plus the time to count at most 50,000 cuts.
    fn of(profile: &ModelProfile) -> Self {
        let (cut_points, more_cut_points) = match cut_count(profile, CutPolicy::Any) {
            CutCount::Exactly(count) => (count, false),
            CutCount::MoreThan(count) => (count, true),
        };
        let single_tensor_cut_points = match cut_count(profile, CutPolicy::SingleTensor) {
            CutCount::Exactly(count) => count,
            // The first and the last position are not cuts.
            CutCount::MoreThan(_) => Chain::new(profile, CutPolicy::SingleTensor, &[]).blocks().saturating_sub(1),
        };
        let sum = |size: fn(&Layer) -> u64| profile.layers.iter().map(size).fold(0, u64::saturating_add);
        Self {
            layers: profile.layers.len() as u64,
            edges: profile.edges.len() as u64,
            constant_layers: (0..profile.layers.len()).filter(|&layer| profile.is_constant(layer)).count() as u64,
            cut_points: cut_points as u64,
            more_cut_points,
            single_tensor_cut_points: single_tensor_cut_points as u64,
            param_bytes: sum(|layer| layer.param_bytes),
            flops: sum(|layer| layer.flops),
            input_bytes: profile.input_bytes(),
            output_bytes: profile.output_bytes(),
        }
    }
}

/// A registered model without its profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModelSummary {
    /// Its id.
    #[schema(value_type = String)]
    pub id: Id,
    /// Its name.
    pub name: String,
    /// SHA-256 of the profile, hexadecimal: the same content is the same model.
    pub content_hash: String,
    /// Its figures.
    pub statistics: ModelStatistics,
    /// When it was registered.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The tenant that owns it.
    #[serde(skip)]
    pub tenant: Tenant,
    /// Its position in the order of inserts.
    #[serde(skip)]
    pub sequence: u64,
}

/// Every column but the document.
macro_rules! columns {
    () => {
        "id, tenant, sequence, name, content_hash, layers, edges, constant_layers, cut_points, more_cut_points,
         single_tensor_cut_points, param_bytes, flops, input_bytes, output_bytes, created_at"
    };
}

#[derive(sqlx::FromRow)]
struct ModelRow {
    id: String,
    tenant: String,
    sequence: i64,
    name: String,
    content_hash: String,
    layers: i64,
    edges: i64,
    constant_layers: i64,
    cut_points: i64,
    /// `None` if a profile that an older version stored cannot be read.
    more_cut_points: Option<bool>,
    single_tensor_cut_points: i64,
    param_bytes: i64,
    flops: i64,
    input_bytes: i64,
    output_bytes: i64,
    created_at: i64,
}

impl TryFrom<ModelRow> for ModelSummary {
    type Error = StoreError;

    fn try_from(row: ModelRow) -> Result<Self, StoreError> {
        let reading = Reading { id: &row.id };
        Ok(Self {
            id: reading.id("id", IdKind::Model, &row.id)?,
            tenant: reading.tenant(&row.tenant)?,
            statistics: ModelStatistics {
                layers: reading.count("layers", row.layers)?,
                edges: reading.count("edges", row.edges)?,
                constant_layers: reading.count("constant_layers", row.constant_layers)?,
                cut_points: reading.count("cut_points", row.cut_points)?,
                more_cut_points: row.more_cut_points.unwrap_or_default(),
                single_tensor_cut_points: reading.count("single_tensor_cut_points", row.single_tensor_cut_points)?,
                param_bytes: reading.count("param_bytes", row.param_bytes)?,
                flops: reading.count("flops", row.flops)?,
                input_bytes: reading.count("input_bytes", row.input_bytes)?,
                output_bytes: reading.count("output_bytes", row.output_bytes)?,
            },
            created_at: reading.time("created_at", row.created_at)?,
            sequence: reading.count("sequence", row.sequence)?,
            name: row.name,
            content_hash: row.content_hash,
        })
    }
}

impl Keyed for ModelSummary {
    fn page_key(&self) -> PageKey {
        PageKey { kind: IdKind::Model, sequence: self.sequence }
    }
}

impl Store {
    /// Registers a model, or returns the existing row with the same content.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`], or the database failed.
    pub async fn register_model(
        &self,
        tenant: &Tenant,
        model: ModelDocument,
        idempotency: Option<Idempotency>,
    ) -> Result<Registered<ModelSummary>, StoreError> {
        let (store, tenant) = (self.clone(), tenant.clone());
        self.write(move |connection| {
            Box::pin(async move {
                let now = store.clock.now();
                let since = store.keys_since();
                if let Some(known) = recall(connection, &tenant, idempotency.as_ref(), since).await? {
                    let row = find(connection, &tenant, &known.resource_id).await?;
                    return Ok(Registered { row, created: known.created, replayed: true });
                }
                let (row, created) = store.put_model(connection, &tenant, model, now).await?;
                remember(connection, &tenant, idempotency, &row.id, created, store.steady.now()).await?;
                Ok(Registered { row, created, replayed: false })
            })
        })
        .await
    }

    /// Returns a model without its document.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn model(&self, tenant: &Tenant, id: &Id) -> Result<ModelSummary, StoreError> {
        let mut connection = self.read().await?;
        find(&mut connection, tenant, id.as_str()).await
    }

    /// Returns a model's document as JSON text.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or the database failed.
    pub async fn model_document(&self, tenant: &Tenant, id: &Id) -> Result<String, StoreError> {
        let select = sql::query_scalar("SELECT document FROM models WHERE id = $1 AND tenant = $2");
        let select = select.bind(id.as_str()).bind(tenant.as_str());
        let document: Option<String> = select.fetch_optional(&mut self.read().await?).await?;
        Reading { id: id.as_str() }.document("document", document.ok_or_else(|| missing(id.as_str()))?)
    }

    /// Returns a tenant's models in the order of inserts.
    ///
    /// # Errors
    /// The database failed.
    pub async fn models(&self, tenant: &Tenant, page: Page) -> Result<Listed<ModelSummary>, StoreError> {
        self.models_named(tenant, None, page).await
    }

    /// Returns those of a tenant's models whose names contain a text, in upper or lower case.
    ///
    /// # Errors
    /// The database failed.
    pub async fn models_named(
        &self,
        tenant: &Tenant,
        part: Option<&str>,
        page: Page,
    ) -> Result<Listed<ModelSummary>, StoreError> {
        let mut query = QueryBuilder::new(concat!("SELECT ", columns!(), " FROM models WHERE tenant = "));
        query.push_bind(tenant.as_str().to_owned());
        push_name(&mut query, part);
        let mut connection = self.read().await?;
        page.read::<ModelRow, ModelSummary>(&mut connection, "models", query).await
    }

    /// Deletes a model that no job and no placement refers to.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::NotFound`], or the database failed.
    pub async fn delete_model(&self, tenant: &Tenant, id: &Id) -> Result<(), StoreError> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.write(move |connection| {
            Box::pin(async move {
                find(connection, &tenant, id.as_str()).await?;
                if let Some(by) = user(connection, &id).await? {
                    return Err(StoreError::InUse { id, by });
                }
                let delete = sql::query("DELETE FROM models WHERE id = $1").bind(id.as_str());
                if delete.execute(&mut *connection).await? == 0 {
                    return Err(missing(id.as_str()));
                }
                forget_resource(connection, &id).await
            })
        })
        .await
    }

    /// Returns the row with this content, and whether it is new.
    pub(super) async fn put_model(
        &self,
        connection: &mut Connection,
        tenant: &Tenant,
        model: ModelDocument,
        now: Timestamp,
    ) -> Result<(ModelSummary, bool), StoreError> {
        let select = concat!("SELECT ", columns!(), " FROM models WHERE tenant = $1 AND content_hash = $2");
        let known: Option<ModelRow> = sql::query_as(select)
            .bind(tenant.as_str())
            .bind(&model.content_hash)
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(known) = known {
            return Ok((known.try_into()?, false));
        }
        let ModelDocument { name, content_hash, document, statistics } = model;
        let insert = concat!(
            "INSERT INTO models (",
            columns!(),
            ", document) VALUES ($1, $2, (SELECT COALESCE(MAX(sequence), 0) + 1 FROM models),
             $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) RETURNING ",
            columns!()
        );
        let row: ModelRow = sql::query_as(insert)
            .bind(self.ids.id(IdKind::Model).as_str())
            .bind(tenant.as_str())
            .bind(name)
            .bind(content_hash)
            .bind(integer("layers", statistics.layers)?)
            .bind(integer("edges", statistics.edges)?)
            .bind(integer("constant_layers", statistics.constant_layers)?)
            .bind(integer("cut_points", statistics.cut_points)?)
            .bind(statistics.more_cut_points)
            .bind(integer("single_tensor_cut_points", statistics.single_tensor_cut_points)?)
            .bind(integer("param_bytes", statistics.param_bytes)?)
            .bind(integer("flops", statistics.flops)?)
            .bind(integer("input_bytes", statistics.input_bytes)?)
            .bind(integer("output_bytes", statistics.output_bytes)?)
            .bind(now.as_microsecond())
            .bind(document)
            .fetch_one(connection)
            .await?;
        Ok((row.try_into()?, true))
    }
}

/// Returns the statistics of a stored profile, or `None` if it cannot be read.
pub(super) async fn statistics_of(document: String) -> Option<ModelStatistics> {
    let count = move || {
        let profile = ModelProfile::from_json(&serde_json::from_str(&document).ok()?).ok()?;
        Some(ModelStatistics::of(&profile))
    };
    tokio::task::spawn_blocking(count).await.ok().flatten()
}

/// Reads a model by its id.
pub(super) async fn find(connection: &mut Connection, tenant: &Tenant, id: &str) -> Result<ModelSummary, StoreError> {
    let select = concat!("SELECT ", columns!(), " FROM models WHERE id = $1 AND tenant = $2");
    let select = sql::query_as(select).bind(id).bind(tenant.as_str());
    let row: Option<ModelRow> = select.fetch_optional(connection).await?;
    row.ok_or_else(|| missing(id))?.try_into()
}

/// Returns a job, placement or deployment that refers to a model.
async fn user(connection: &mut Connection, id: &Id) -> Result<Option<Id>, StoreError> {
    let select = sql::query_scalar(
        "SELECT id FROM jobs WHERE model_id = $1 UNION ALL SELECT id FROM placements WHERE model_id = $1
         UNION ALL SELECT id FROM deployments WHERE model_id = $1 LIMIT 1",
    );
    let user: Option<String> = select.bind(id.as_str()).fetch_optional(connection).await?;
    user.map(|user| user_id(&user)).transpose()
}

/// Reads the id of a job, of a placement or of a deployment.
pub(super) fn user_id(text: &str) -> Result<Id, StoreError> {
    const KINDS: [IdKind; 3] = [IdKind::Job, IdKind::Placement, IdKind::Deployment];
    Id::parse_any(&KINDS, text).ok_or_else(|| Reading { id: text }.unreadable("id", text))
}

fn missing(id: &str) -> StoreError {
    StoreError::NotFound { kind: IdKind::Model, id: id.to_owned() }
}
