//! Command-line flags of the experiments.

use std::path::PathBuf;

use anyhow::ensure;
use clap::{Parser, ValueEnum};
use cutpoint_planner::domain::options::Algorithm;
use cutpoint_planner::domain::unit::counted;

use super::families::Family;
use super::orders::Network;
use super::results::name;

const LONG_ABOUT: &str = "\
Repeats the experiment of the paper behind Cutpoint, with every answer held against a proven optimum.

Devices stand at random places of a square of 150 m, with radio between every two of them and equal memory. Every \
algorithm (random, greedy, kpath, exact) plans every model on the very same clusters, under the paper's costs: memory \
is parameters only, computing costs nothing, cuts lie where a single tensor crosses, links have no latency.

A model that fits on one device has no hop and a period of 0: its ratio to the optimum is 0 / 0. Such cases, and \
those without any placement, are counted apart and never averaged in. All other figures are of the period divided by \
the proven optimum: 1 is the best there is.

With --suite families it draws fresh instances of several kinds instead, plans each of them once and tells how long \
the proofs took. --write writes the instances as request files for cutpoint plan.

With --suite models it plans each model as its file is, and again with the layers and edges of the file shuffled, \
every second time with other ids as well. It tells how many cuts a model has, how long the proofs took, and whether \
all orders of a file have one period, to the bit.

With --suite channel all nodes share one radio channel. It plans each instance as if no transfer disturbed another, \
tells what that placement really takes on the channel, and plans for the channel.

With --suite pipelines it fills each cluster with pipelines, with computing that costs nothing, on nodes of three \
speeds, and on equal nodes, and compares the sum of their rates with the proven bound, with the best single pipeline, with copies of its \
stages, and with pipelines that are planned one after the other.";

const PAPER_MODELS: [&str; 4] = ["MobileNetV2", "EfficientNetB1", "ResNet50", "InceptionResNetV2"];
const PAPER_NODES: [u32; 5] = [5, 10, 15, 20, 50];
const PAPER_MEMORY_MIB: [u32; 5] = [32, 64, 128, 256, 512];

/// Models with few and with many cuts, and with parameters at the end or throughout.
const FAMILY_MODELS: [&str; 11] = [
    "AlexNet",
    "DenseNet121",
    "EfficientNetB1",
    "EfficientNetV2L",
    "InceptionResNetV2",
    "MobileNetV2",
    "ResNet50",
    "SqueezeNet1.1",
    "VGG16",
    "ViT-B16",
    "YOLOv5s-like",
];

const ORDER_NODES: [u32; 3] = [5, 12, 50];
const CHANNEL_NODES: [u32; 2] = [20, 50];
const CHANNEL_MEMORY_MIB: [u32; 4] = [16, 24, 32, 64];
const PIPELINE_NODES: [u32; 3] = [10, 20, 50];
const PIPELINE_MEMORY_MIB: [u32; 3] = [24, 32, 64];

const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::Auto, Algorithm::Exact, Algorithm::Kpath, Algorithm::Greedy, Algorithm::Random];

const AFTER_LONG_HELP: &str = "\
Files in the output directory:
  runs.csv    one row for each run
  summary.md  the tables that are printed, in Markdown
  ratios.svg  period / optimum by number of nodes (with --suite paper)
  times.svg   solve time by number of nodes (with --suite paper)
  channel.svg period / optimum on one channel (with --suite channel)

The same seed gives the same clusters and periods; times depend on the machine. Runs go one after another on one \
thread each, so that times can be compared. Ctrl-C ends the experiment and writes what is done by then.

Examples:
  cutpoint-bench --quick
      A look within a minute.
  cutpoint-bench --output full
      The whole experiment, some minutes.
  cutpoint-bench --models ResNet50,DenseNet121 --nodes 20,50 --memory-mib 16,24 --clusters 50
      Other models with less memory: more stages, harder cases.
  cutpoint-bench --suite families --output families
      Solve times on fresh instances of every family, up to 2,000 nodes.
  cutpoint-bench --suite families --family paper --nodes 10000 --clusters 2 --time-limit-s 60
      Larger than usual.
  cutpoint-bench --suite families --family sparse,tight --seed 7 --write requests
  cutpoint plan --request requests/*.json --output jsonl
      The same instances as files.
  cutpoint-bench --suite models --shuffles 8 --output models
      Every model in nine orders of its file, on 5, 12 and 50 nodes.
  cutpoint-bench --suite channel --output channel
      The paper's square on one channel, 100 clusters.
  cutpoint-bench --suite pipelines --nodes 10,20 --output pipelines
      The paper's square filled with pipelines, 10 clusters.";

/// What to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// The paper's experiment: random, greedy, kpath and exact on the same clusters.
    Paper,
    /// Solve times on fresh instances of several families.
    Families,
    /// Every model in several orders of its file.
    Models,
    /// The optimum for undisturbed links on one radio channel, against the optimum there.
    Channel,
    /// As many pipelines as help, against one pipeline, its copies, and one pipeline after the other.
    Pipelines,
}

/// Repeats the paper's experiment against the proven optimum, or measures solve times on fresh
/// instances.
#[derive(Debug, Parser)]
#[command(name = "cutpoint-bench", version, about, long_about = LONG_ABOUT, after_long_help = AFTER_LONG_HELP)]
pub(crate) struct BenchArguments {
    /// What to run.
    #[arg(long, value_enum, default_value_t = Suite::Paper)]
    pub suite: Suite,
    /// A short run, within a minute: 20 clusters instead of 200; with --suite families, 3 instances
    /// instead of 50, with up to 50 nodes.
    #[arg(long, conflicts_with = "clusters")]
    pub quick: bool,
    /// Clusters for each model, number of nodes and memory [default: 200]; with --suite families,
    /// instances for each number of nodes [default: 50, and 10 from 500 nodes on].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), allow_negative_numbers = true)]
    pub clusters: Option<u32>,
    /// Seed of the clusters and of the algorithms.
    #[arg(long, default_value_t = 1, value_parser = read_seed,
        allow_negative_numbers = true)]
    pub seed: u64,
    /// Models, by the names of the examples [default: MobileNetV2, EfficientNetB1, ResNet50,
    /// InceptionResNetV2]; with --suite families, those that instances draw theirs from [default:
    /// these and seven more]; with --suite models, those to plan [default: all].
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    models: Vec<String>,
    /// Numbers of nodes [default: 5, 10, 15, 20, 50; with --suite families each family has its own;
    /// with --suite models 5, 12, 50; with --suite pipelines 10, 20, 50].
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=10_000),
        allow_negative_numbers = true)]
    nodes: Vec<u32>,
    /// Memory of each node, MiB [default: 32, 64, 128, 256, 512; with --suite channel 16, 24, 32,
    /// 64; with --suite pipelines 24, 32, 64]. Families draw theirs, and with --suite models it depends on the model.
    #[arg(long, value_name = "MIB", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..),
        allow_negative_numbers = true)]
    memory_mib: Vec<u32>,
    /// Time limit of each run, seconds [default: 30; with --suite models, channel and pipelines 10].
    #[arg(long, value_name = "SECONDS", value_parser = read_time_limit, allow_negative_numbers = true)]
    time_limit_s: Option<f64>,
    /// Directory for the results; created if it does not exist.
    #[arg(long, value_name = "DIR", default_value = "bench-results")]
    pub output: PathBuf,
    /// The flags that go with --suite families alone.
    #[command(flatten)]
    pub of_families: FamilyFlags,
    /// The flags that go with --suite models alone.
    #[command(flatten)]
    pub of_models: ModelFlags,
}

/// Flags that go with --suite families alone.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "With --suite families")]
pub(crate) struct FamilyFlags {
    /// The families to draw [default: all].
    #[arg(long, value_name = "NAME", value_enum, value_delimiter = ',')]
    family: Vec<Family>,
    /// The algorithm: auto, exact, kpath, greedy or random [default: exact].
    #[arg(long, value_name = "NAME", value_parser = read_algorithm)]
    algorithm: Option<Algorithm>,
    /// By how much of the least period an answer may exceed it for the sake of a smaller latency [default: 0].
    #[arg(long, value_name = "FRACTION", value_parser = read_tolerance, allow_negative_numbers = true)]
    pub tolerance: Option<f64>,
    /// Directory for the instances as request files; they are then written and not planned.
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    pub write: Option<PathBuf>,
}

/// Flags that go with --suite models alone.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "With --suite models")]
pub(crate) struct ModelFlags {
    /// How many shuffled orders of each file are planned [default: 2].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1_000), allow_negative_numbers = true)]
    shuffles: Option<u32>,
    /// The networks [default: all].
    #[arg(long, value_name = "NAME", value_enum, value_delimiter = ',')]
    network: Vec<Network>,
    /// Directory with model profiles [default: the examples].
    #[arg(long, value_name = "DIR")]
    pub profiles: Option<PathBuf>,
}

impl BenchArguments {
    /// Checks that the flags go with the suite.
    ///
    /// # Errors
    ///
    /// Returns an error that names the flag if it does not go with the suite, or if a family cannot
    /// have the number of nodes.
    pub fn check(&self) -> anyhow::Result<()> {
        let FamilyFlags { family, algorithm, tolerance, write } = &self.of_families;
        let ModelFlags { shuffles, network, profiles } = &self.of_models;
        let flags = [
            ("family", !family.is_empty(), Suite::Families),
            ("algorithm", algorithm.is_some(), Suite::Families),
            ("tolerance", tolerance.is_some(), Suite::Families),
            ("write", write.is_some(), Suite::Families),
            ("shuffles", shuffles.is_some(), Suite::Models),
            ("network", !network.is_empty(), Suite::Models),
            ("profiles", profiles.is_some(), Suite::Models),
        ];
        let has_memory = matches!(self.suite, Suite::Paper | Suite::Channel | Suite::Pipelines);
        ensure!(
            has_memory || self.memory_mib.is_empty(),
            "--memory-mib goes with --suite paper, --suite channel and --suite pipelines"
        );
        for (flag, is_given, suite) in flags {
            let suite_name = suite.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
            ensure!(!is_given || suite == self.suite, "--{flag} goes with --suite {suite_name}");
        }
        let counts_clusters = self.quick || self.clusters.is_some();
        ensure!(
            self.suite != Suite::Models || !counts_clusters,
            "--quick and --clusters do not go with --suite models, which has one cluster for each number of nodes: give \
             --nodes and --models for less"
        );
        if self.suite != Suite::Families {
            return Ok(());
        }
        let most_asked = self.nodes.iter().copied().max().unwrap_or(0);
        for family in self.families() {
            let (name, most) = (family.name(), family.most_nodes());
            ensure!(
                most_asked <= most,
                "the family {name} has {} at most, and {most_asked} are asked for",
                counted(most, "node")
            );
        }
        Ok(())
    }

    /// Returns the number of clusters for each cell of the paper's experiment.
    pub fn clusters(&self) -> u32 {
        let usual = match self.suite {
            _ if self.quick => 20,
            Suite::Channel => 100,
            Suite::Pipelines => 10,
            _ => 200,
        };
        self.clusters.unwrap_or(usual)
    }

    /// Returns the number of instances of a family with this number of nodes.
    pub fn instances(&self, nodes: u32) -> u32 {
        let usual = match nodes {
            _ if self.quick => 3,
            500.. => 10,
            _ => 50,
        };
        self.clusters.unwrap_or(usual)
    }

    /// Returns the models that are asked for, or the suite's default. An empty list stands for all
    /// models.
    pub fn models(&self) -> Vec<String> {
        let usual = match self.suite {
            Suite::Paper | Suite::Channel | Suite::Pipelines => &PAPER_MODELS[..],
            Suite::Families => &FAMILY_MODELS,
            Suite::Models => &[],
        };
        if self.models.is_empty() { usual.iter().map(ToString::to_string).collect() } else { self.models.clone() }
    }

    /// Returns the numbers of nodes that are asked for, or the default of the paper or of --suite
    /// models.
    pub fn nodes(&self) -> &[u32] {
        match self.suite {
            _ if !self.nodes.is_empty() => &self.nodes,
            Suite::Models => &ORDER_NODES,
            Suite::Channel => &CHANNEL_NODES,
            Suite::Pipelines => &PIPELINE_NODES,
            Suite::Paper | Suite::Families => &PAPER_NODES,
        }
    }

    /// Returns the time limit of each run, in seconds.
    pub fn time_limit_s(&self) -> f64 {
        let usual = if matches!(self.suite, Suite::Models | Suite::Channel | Suite::Pipelines) { 10.0 } else { 30.0 };
        self.time_limit_s.unwrap_or(usual)
    }

    /// Returns how many shuffled orders of each file are planned.
    pub fn shuffles(&self) -> usize {
        self.of_models.shuffles.unwrap_or(2) as usize
    }

    /// Returns the networks that are asked for, or all.
    pub fn networks(&self) -> &[Network] {
        let asked = &self.of_models.network;
        if asked.is_empty() { Network::value_variants() } else { asked }
    }

    /// Returns the numbers of nodes of a family: those asked for, or its own, with --quick only
    /// those up to 50.
    pub fn nodes_of(&self, family: Family) -> Vec<u32> {
        if !self.nodes.is_empty() {
            return self.nodes.clone();
        }
        family.usual_nodes().iter().copied().filter(|&nodes| !self.quick || nodes <= 50).collect()
    }

    /// Returns the memories of nodes that are asked for, or those of the paper, in MiB.
    pub fn memory_mib(&self) -> &[u32] {
        match self.suite {
            _ if !self.memory_mib.is_empty() => &self.memory_mib,
            Suite::Channel => &CHANNEL_MEMORY_MIB,
            Suite::Pipelines => &PIPELINE_MEMORY_MIB,
            _ => &PAPER_MEMORY_MIB,
        }
    }

    /// Returns the families that are asked for, or all.
    pub fn families(&self) -> &[Family] {
        let asked = &self.of_families.family;
        if asked.is_empty() { Family::value_variants() } else { asked }
    }

    /// Returns the algorithm that plans the families' instances.
    pub fn algorithm(&self) -> Algorithm {
        self.of_families.algorithm.unwrap_or(Algorithm::Exact)
    }
}

fn read_algorithm(text: &str) -> Result<Algorithm, String> {
    let named = ALGORITHMS.into_iter().find(|&algorithm| name(algorithm) == text);
    named.ok_or_else(|| format!("it is none of {}", ALGORITHMS.map(name).join(", ")))
}

/// Reads a seed. It has an upper limit, since the seed of a run is its sum with the number of an
/// instance, and that must be a whole number in JSON.
fn read_seed(text: &str) -> Result<u64, String> {
    let seed = text.parse().ok().filter(|seed| *seed < 1 << 52);
    seed.ok_or_else(|| format!("this is not a whole number from 0 to {}", (1_u64 << 52) - 1))
}

fn read_tolerance(text: &str) -> Result<f64, String> {
    let part: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..1.0).contains(&part) { Ok(part) } else { Err("from 0 to below 1".to_owned()) }
}

fn read_time_limit(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if seconds > 0.0 && seconds <= 86_400.0 { Ok(seconds) } else { Err("above 0 and at most 86400 (a day)".to_owned()) }
}
