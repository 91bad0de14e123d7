//! `cutpoint inventory`: a cluster inventory from node lists and measurements of other tools.

use std::path::{Path, PathBuf};

use clap::Args;
use cutpoint_import::inventory::{InventoryInput, OriginatorTable, SharedMedium, inventory};
use cutpoint_import::{ImportError, Imported, InputFile, dnn_partitioning, pipeedge};

use super::complain;
use super::exit::Exit;
use super::files::{Content, FileReader, say, say_warnings, write_json};

/// The flags that describe a site by node lists and measurements.
const SITE: [&str; 7] = ["kubernetes", "nomad", "nodes", "iperf3", "batman", "medium", "address"];

/// Makes a cluster inventory from node lists and measurements of other tools.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Node lists are joined by IP and MAC addresses, measurements with them. What nobody measured is absent, and a warning on \
standard error names it. - is standard input or output.

Examples:
  kubectl get nodes --output json > nodes.json
  tools/all_pairs_iperf3.py --hosts hosts.txt --output measured
  cutpoint inventory --kubernetes nodes.json --iperf3 measured --medium channel-36=pi-1,pi-2 --output cluster.json
      The nodes of Kubernetes, with the links that iperf3 measured; two of them share a Wi-Fi channel.
  curl http://127.0.0.1:4646/v1/nodes?resources=true | cutpoint inventory --nomad - --iperf3 measured
      The nodes of Nomad, printed.
  cutpoint inventory --nodes masts.json --batman mast-1=originators.json --report report.json --output mesh.json
      Nodes that no orchestrator lists, with what one of them knows of its mesh; report.json says where each figure comes from.
  cutpoint inventory --pipeedge-devices devices.yml --device-types device_types.yml --output cluster.json
      The hosts of PipeEdge.

docs/inventory.md has each format.")]
pub struct InventoryArguments {
    /// Output of `kubectl get nodes --output json`.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    kubernetes: Vec<PathBuf>,
    /// Answer of /v1/nodes?resources=true of Nomad.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    nomad: Vec<PathBuf>,
    /// Cluster inventories of Cutpoint whose nodes are taken as they are; each node may have `addresses`.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    nodes: Vec<PathBuf>,
    /// Results of iperf3 --json: files, or folders whose .json files are read.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    iperf3: Vec<PathBuf>,
    /// Output of `batctl meshif bat0 originators_json`, and the node on which it was printed.
    #[arg(long, value_name = "[NODE=]FILE", num_args = 1..)]
    batman: Vec<String>,
    /// devices.yml of PipeEdge, instead of node lists.
    #[arg(long, value_name = "FILE", requires = "device_types", conflicts_with_all = SITE)]
    pipeedge_devices: Option<PathBuf>,
    /// device_types.yml of PipeEdge.
    #[arg(long, value_name = "FILE", requires = "pipeedge_devices")]
    device_types: Option<PathBuf>,
    /// A graph of dnn-partitioning, whose devices are taken, instead of node lists.
    #[arg(long, value_name = "FILE", conflicts_with_all = SITE, conflicts_with = "pipeedge_devices")]
    dnn_partitioning: Option<PathBuf>,
    /// Nodes whose links with one another share a channel; may be repeated.
    #[arg(long, value_name = "NAME=ID,ID", value_parser = named_list)]
    medium: Vec<(String, Vec<String>)>,
    /// More IP or MAC addresses of a node; may be repeated.
    #[arg(long, value_name = "NODE=ADDRESS,ADDRESS", value_parser = named_list)]
    address: Vec<(String, Vec<String>)>,
    /// Name of the cluster.
    #[arg(long, default_value = "site")]
    name: String,
    /// File to write.
    #[arg(long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// File for the report: where each figure comes from, and the warnings.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

pub(super) fn run(arguments: &InventoryArguments) -> Exit {
    let mut reader = FileReader::default();
    let imported = import(arguments, &mut reader);
    let mut faults = reader.faults;
    let imported = match imported {
        Some(Ok(imported)) => Some(imported),
        Some(Err(error)) => {
            // Where a node list could not be read, options seem to name unknown nodes.
            let unread = !faults.is_empty();
            faults.extend(error.faults.into_iter().filter(|fault| !(unread && fault.file.starts_with("--"))));
            None
        }
        None => None,
    };
    match imported.filter(|_| faults.is_empty()) {
        Some(imported) => match write(arguments, &imported) {
            Ok(()) => Exit::Success,
            Err(error) => complain(&error),
        },
        None => {
            faults.iter().for_each(|fault| say(&fault.to_string()));
            Exit::BadInput
        }
    }
}

/// Imports what the arguments name. Returns `None` if a file that all depends on could not be read.
fn import(arguments: &InventoryArguments, reader: &mut FileReader) -> Option<Result<Imported, ImportError>> {
    if let (Some(devices), Some(types)) = (&arguments.pipeedge_devices, &arguments.device_types) {
        let (devices, types) = (reader.read(devices), reader.read(types));
        return Some(pipeedge::cluster(&types?.file(), &devices?.file(), &arguments.name));
    }
    if let Some(graph) = &arguments.dnn_partitioning {
        let graph = reader.read(graph)?;
        return Some(dnn_partitioning::import(&graph.file(), &arguments.name).map(|instance| instance.cluster));
    }
    let files = Files::read(arguments, reader);
    Some(inventory(&files.input(arguments)))
}

/// The contents of all files, in the order of the flags.
struct Files {
    kubernetes: Vec<Content>,
    nomad: Vec<Content>,
    nodes: Vec<Content>,
    iperf3: Vec<Content>,
    batman: Vec<(Option<String>, Content)>,
}

impl Files {
    fn read(arguments: &InventoryArguments, reader: &mut FileReader) -> Self {
        let all = |reader: &mut FileReader, paths: &[PathBuf]| {
            paths.iter().filter_map(|path| reader.read(path)).collect::<Vec<_>>()
        };
        let kubernetes = all(reader, &arguments.kubernetes);
        let nomad = all(reader, &arguments.nomad);
        let nodes = all(reader, &arguments.nodes);
        let results: Vec<PathBuf> = arguments.iperf3.iter().flat_map(|path| reader.list(path, "json")).collect();
        let iperf3 = all(reader, &results);
        let batman = arguments.batman.iter().filter_map(|given| {
            // A file whose name has an equals sign can be given with its node.
            let (node, path) = given.split_once('=').map_or((None, given.as_str()), |(node, path)| (Some(node), path));
            Some((node.map(str::to_owned), reader.read(Path::new(path))?))
        });
        let batman = batman.collect();
        Self { kubernetes, nomad, nodes, iperf3, batman }
    }

    fn input<'a>(&'a self, arguments: &'a InventoryArguments) -> InventoryInput<'a> {
        fn files(contents: &[Content]) -> Vec<InputFile<'_>> {
            contents.iter().map(Content::file).collect()
        }
        let table = |(node_id, content): &'a (Option<String>, Content)| OriginatorTable {
            node_id: node_id.as_deref(),
            file: content.file(),
        };
        let addresses = arguments
            .address
            .iter()
            .flat_map(|(node, addresses)| addresses.iter().map(|address| (address.as_str(), node.as_str())));
        let medium = |(name, ids): &'a (String, Vec<String>)| SharedMedium {
            name,
            node_ids: ids.iter().map(String::as_str).collect(),
        };
        InventoryInput {
            name: &arguments.name,
            kubernetes: files(&self.kubernetes),
            nomad: files(&self.nomad),
            nodes: files(&self.nodes),
            iperf3: files(&self.iperf3),
            batman: self.batman.iter().map(table).collect(),
            addresses: addresses.collect(),
            media: arguments.medium.iter().map(medium).collect(),
        }
    }
}

/// Reads `NAME=ID,ID`.
fn named_list(text: &str) -> Result<(String, Vec<String>), String> {
    let (name, list) = text.split_once('=').ok_or("give a name, an equals sign, and a list with commas")?;
    Ok((name.to_owned(), list.split(',').map(|item| item.trim().to_owned()).collect()))
}

/// Writes the document and the report, and says the warnings.
fn write(arguments: &InventoryArguments, imported: &Imported) -> anyhow::Result<()> {
    say_warnings(&imported.report.warnings);
    if let Some(file) = &arguments.report {
        write_json(file, &imported.report)?;
    }
    write_json(&arguments.output, &imported.document)
}
