//! Cluster inventories from node lists and measurements of other tools.

mod address;
mod batman;
mod candidate;
mod duplex;
mod iperf3;
mod kubernetes;
mod links;
mod measurement;
mod media;
mod mesh;
mod node_list;
mod nodes;
mod nomad;
mod quantity;
mod warnings;

use crate::cursor::is_id;
use crate::document::Cluster;
use crate::fault::{Faults, ImportError};
use crate::input::InputFile;
use crate::report::{Imported, Report};
use crate::source::description;

use links::Links;
use nodes::Nodes;

/// What an inventory is made of.
#[derive(Debug, Clone, Default)]
pub struct InventoryInput<'a> {
    /// The name of the cluster.
    pub name: &'a str,
    /// Results of `kubectl get nodes --output json`.
    pub kubernetes: Vec<InputFile<'a>>,
    /// Answers of `/v1/nodes?resources=true` of Nomad.
    pub nomad: Vec<InputFile<'a>>,
    /// Cluster inventories of Cutpoint whose nodes are taken as they are, for sites without an
    /// orchestrator.
    pub nodes: Vec<InputFile<'a>>,
    /// Results of `iperf3 --json`.
    pub iperf3: Vec<InputFile<'a>>,
    /// Originator tables of batman-adv.
    pub batman: Vec<OriginatorTable<'a>>,
    /// Addresses of nodes beside those in the node lists: an IP or MAC address, and the node's id.
    pub addresses: Vec<(&'a str, &'a str)>,
    /// Which nodes share a channel.
    pub media: Vec<SharedMedium<'a>>,
}

/// The originator table of one node.
#[derive(Debug, Clone, Copy)]
pub struct OriginatorTable<'a> {
    /// The node on which it was printed. Where it is not given it must be the only node that the
    /// table does not name.
    pub node_id: Option<&'a str>,
    /// What `batctl meshif bat0 originators_json` prints.
    pub file: InputFile<'a>,
}

/// A channel, and the nodes whose links among one another it carries.
#[derive(Debug, Clone)]
pub struct SharedMedium<'a> {
    /// The name of the medium.
    pub name: &'a str,
    /// At least two nodes.
    pub node_ids: Vec<&'a str>,
}

/// Joins node lists and measurements to a cluster inventory.
///
/// Nodes are in the order of the lists: those of Kubernetes, of Nomad, and of Cutpoint. Listed links
/// are what was measured, each direction for itself. What nobody measured is absent, and the report
/// warns of it.
///
/// # Errors
/// Returns every fault of the files and options.
pub fn inventory(input: &InventoryInput<'_>) -> Result<Imported, ImportError> {
    let mut faults = Faults::default();
    let mut warnings = Vec::new();
    if !is_id(input.name) {
        faults.record("--name", "", "the name of the cluster is empty or too long", "Give 1 to 256 characters");
    }
    let mut nodes = Nodes::read(input, &mut warnings, &mut faults);
    let mut links = Links::default();
    let mut tests = 0;
    for file in &input.iperf3 {
        for measurement in iperf3::read(file, &mut tests, &mut warnings, &mut faults) {
            links.measured(measurement, &nodes);
        }
    }
    mesh::read(&input.batman, &mut nodes, &mut links, &mut warnings, &mut faults);
    let media = media::read(&input.media, &nodes, &mut faults);
    faults.finish()?;
    let halves = duplex::find(&links);
    nodes.take_ports(&links, &halves, &mut warnings);
    let (listed, sources) = links.list(&nodes, &halves, &media);
    warnings::of_nodes(&nodes, &mut warnings);
    warnings::of_links(&nodes, &links, &media, &mut warnings);
    let mut all = nodes.sources();
    all.extend(sources);
    let document = Cluster {
        name: input.name.to_owned(),
        description: description(&all),
        nodes: nodes.into_documents(),
        links: listed,
        network: None,
    };
    let report = Report { sources: all, warnings, ..Report::default() };
    Ok(Imported { document: document.into_value(), report })
}
