//! `/v1/clusters/import`: inventories from node lists and measurements of other programs.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use cutpoint_import::inventory::{InventoryInput, OriginatorTable, SharedMedium, inventory};
use cutpoint_import::{Imported, InputFile, dnn_partitioning, pipeedge};
use cutpoint_planner::domain::read::Reader;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::named::named;
use crate::http::api::{Api, Limits};
use crate::http::compute::compute_apart;
use crate::http::gate::caller::MayPlan;
use crate::http::headers::etag::ETag;
use crate::http::json;
use crate::http::problem::Problem;
use crate::http::problem::import::{of_import, part_missing, unknown_part};
use crate::http::problem::responses::{
    BadBody, Internal, InvalidOrReused, Refused, Slow, StorageFull, TooLarge, Unavailable, WrongMedia,
};
use crate::http::request::query::Parameters;
use crate::http::request::upload::{File, Upload};
use crate::http::shapes::import::ImportReport;
use crate::http::shapes::joined::ImportedCluster;
use crate::store::ClusterDocument;

/// The name of a cluster that the caller does not name.
const NAME: &str = "site";

pub(crate) fn routes() -> OpenApiRouter<Api> {
    // Uploads have limits of their own.
    OpenApiRouter::new().routes(routes!(import_cluster)).layer(DefaultBodyLimit::disable())
}

named! {
    /// What a cluster is imported from.
    pub enum ClusterFormat {
        /// `kubectl get nodes --output json`.
        Kubernetes = "kubernetes",
        /// `/v1/nodes?resources=true` of Nomad.
        Nomad = "nomad",
        /// An inventory of Cutpoint, whose nodes are taken.
        Cutpoint = "cutpoint",
        /// devices.yml of PipeEdge.
        Pipeedge = "pipeedge",
        /// A graph of dnn-partitioning, whose devices are taken.
        DnnPartitioning = "dnn-partitioning",
    }
}

impl ClusterFormat {
    /// Returns the names that the parts of a body may have.
    fn parts(self) -> &'static [&'static str] {
        match self {
            Self::Kubernetes | Self::Nomad | Self::Cutpoint => &["nodes", "iperf3", "batman"],
            Self::Pipeedge => &["devices", "device_types"],
            Self::DnnPartitioning => &["graph"],
        }
    }
}

/// The parameters of an import.
struct Options {
    format: ClusterFormat,
    name: String,
    media: Vec<(String, Vec<String>)>,
    addresses: Vec<(String, Vec<String>)>,
}

/// The files of a site.
#[derive(utoipa::ToSchema)]
#[allow(dead_code)]
struct SiteFiles {
    /// Node lists in the format of the request.
    #[schema(value_type = Option<Vec<String>>, nullable = false)]
    nodes: Option<Vec<String>>,
    /// Results of `iperf3 --json` between the nodes.
    #[schema(value_type = Option<Vec<String>>, nullable = false)]
    iperf3: Option<Vec<String>>,
    /// Originator tables of batman-adv (`batctl meshif bat0 originators_json`), with the node on which each was printed
    /// as the name of the file.
    #[schema(value_type = Option<Vec<String>>, nullable = false)]
    batman: Option<Vec<String>>,
    /// devices.yml of PipeEdge.
    #[schema(nullable = false)]
    devices: Option<String>,
    /// device_types.yml of PipeEdge.
    #[schema(nullable = false)]
    device_types: Option<String>,
    /// A graph of dnn-partitioning.
    #[schema(nullable = false)]
    graph: Option<String>,
}

/// Import a cluster
///
/// The body is a node list of Kubernetes or Nomad, or multipart/form-data with it as the part `nodes` and with what was
/// measured beside it. Nodes and measurements are joined by addresses. A link that nobody measured is absent, and a
/// warning names it. Every import creates a new cluster at revision 1.
#[utoipa::path(
    post, path = "/v1/clusters/import", tag = "clusters", security(("key" = ["plan"])),
    params(
        ("format" = String, Query, description = "What the node list is: kubernetes, nomad, cutpoint (an inventory, whose nodes are taken), pipeedge or dnn-partitioning.", pattern = "^(kubernetes|nomad|cutpoint|pipeedge|dnn-partitioning)$"),
        ("name" = Option<String>, Query, nullable = false, description = "The name of the cluster, `site` by default.", min_length = 1, max_length = 256),
        ("medium" = Option<Vec<String>>, Query, nullable = false, description = "Nodes whose links with one another share a channel, as `channel-36=pi-1,pi-2`."),
        ("address" = Option<Vec<String>>, Query, nullable = false, description = "More IP or MAC addresses of a node, as `pi-1=10.0.0.7,02:00:00:00:00:07`."),
        ("Idempotency-Key" = Option<String>, Header, nullable = false, description = "A retry with the same key gets the same answer."),
    ),
    request_body(content((Vec<u8> = "application/octet-stream"), (SiteFiles = "multipart/form-data"))),
    responses(
        (status = 201, description = "Imported.", body = ImportedCluster, headers(("Location" = String), ("ETag" = String))),
        BadBody, Slow, TooLarge, WrongMedia, InvalidOrReused, Refused, Internal, Unavailable, StorageFull,
    )
)]
async fn import_cluster(
    State(api): State<Api>,
    MayPlan(caller): MayPlan,
    query: Parameters,
    upload: Upload,
) -> Result<Response, Problem> {
    let options = options(query)?;
    let limits = api.limits;
    let read = move |files: &[File]| -> Result<_, Problem> {
        let Imported { document, report } = import(&options, files)?;
        Ok((read_inventory(&limits, &document)?, report))
    };
    let ((cluster, report), idempotency) = upload.files(read).await?;
    let registered = api.store.register_cluster(&caller.tenant, cluster, idempotency).await?;
    let location = format!("/v1/clusters/{}", registered.row.id);
    let etag = ETag::new(registered.row.revision);
    let report = compute_apart(move || serde_json::to_string(&ImportReport::from(report))).await;
    let body = json::with_member(&registered.row, "report", &report.map_err(Problem::internal)?)?;
    Ok(([(header::LOCATION, location)], etag.on(json::text(StatusCode::CREATED, body))).into_response())
}

fn options(mut query: Parameters) -> Result<Options, Problem> {
    let format = query.one_of::<ClusterFormat>("format");
    let name = query.chosen_id("name").unwrap_or_else(|| NAME.to_owned());
    let media = query.named_lists("medium");
    let addresses = query.named_lists("address");
    let is_site = format.is_none_or(|format| format.parts().contains(&"nodes"));
    if !is_site {
        query.refuse(&["medium", "address"], "this format");
    }
    query.finish()?;
    // A format that is missing is a fault, so the default is never used.
    Ok(Options { format: format.unwrap_or(ClusterFormat::Kubernetes), name, media, addresses })
}

fn import(options: &Options, files: &[File]) -> Result<Imported, Problem> {
    let known = options.format.parts();
    if let Some(other) = files.iter().find(|file| !file.part.is_empty() && !known.contains(&file.part.as_str())) {
        return Err(unknown_part(&other.part, known));
    }
    // A body that is a file itself is the first of the known parts.
    let of = |part: &'static str| {
        let is_it = move |file: &&File| file.part == part || (file.part.is_empty() && part == known[0]);
        files.iter().filter(is_it).map(File::input).collect::<Vec<_>>()
    };
    let one = |part: &'static str| match of(part).as_slice() {
        [file] => Ok(*file),
        files => Err(part_missing(part, files.len())),
    };
    let imported = match options.format {
        ClusterFormat::Pipeedge => pipeedge::cluster(&one("device_types")?, &one("devices")?, &options.name),
        ClusterFormat::DnnPartitioning => {
            dnn_partitioning::import(&one("graph")?, &options.name).map(|instance| instance.cluster)
        }
        _ => inventory(&site(options, of("nodes"), of("iperf3"), of("batman"))),
    };
    imported.map_err(|error| of_import(&error))
}

fn site<'a>(
    options: &'a Options,
    nodes: Vec<InputFile<'a>>,
    iperf3: Vec<InputFile<'a>>,
    batman: Vec<InputFile<'a>>,
) -> InventoryInput<'a> {
    let table =
        |file: InputFile<'a>| OriginatorTable { node_id: Some(file.name).filter(|name| *name != "batman"), file };
    let medium = |(name, ids): &'a (String, Vec<String>)| SharedMedium {
        name,
        node_ids: ids.iter().map(String::as_str).collect(),
    };
    let addresses = options.addresses.iter();
    let addresses =
        addresses.flat_map(|(node, addresses)| addresses.iter().map(|address| (address.as_str(), node.as_str())));
    let site = InventoryInput {
        name: &options.name,
        iperf3,
        batman: batman.into_iter().map(table).collect(),
        addresses: addresses.collect(),
        media: options.media.iter().map(medium).collect(),
        ..InventoryInput::default()
    };
    match options.format {
        ClusterFormat::Nomad => InventoryInput { nomad: nodes, ..site },
        ClusterFormat::Cutpoint => InventoryInput { nodes, ..site },
        _ => InventoryInput { kubernetes: nodes, ..site },
    }
}

/// Reads an imported inventory. Its faults are those of the files, whatever made it.
fn read_inventory(limits: &Limits, document: &serde_json::Value) -> Result<ClusterDocument, Problem> {
    let mut reader = Reader::new();
    let cluster = limits.read_cluster(&mut reader, document);
    let cluster = reader.finish(cluster).map_err(|faults| {
        let detail = "the inventory that the files make has faults; pointers lead into that inventory";
        Problem::invalid_request(faults).with_detail(detail)
    })?;
    Ok(ClusterDocument::new(&cluster))
}
