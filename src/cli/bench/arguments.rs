//! Flags of `cutpoint bench`.

use std::path::PathBuf;

use clap::Args;

const LONG_ABOUT: &str = "\
Repeats the experiment of the paper behind Cutpoint, with every answer held against a proven optimum.

Devices stand at random places of a square of 150 m, with radio between every two of them and equal memory. Every \
algorithm (random, greedy, kpath, exact) plans every model on the very same clusters, under the paper's costs: memory \
is parameters only, computing costs nothing, cuts lie where a single tensor crosses, links have no latency.

A model that fits on one device has no hop and a period of 0: its ratio to the optimum is 0 / 0. Such cases, and \
those without any placement, are counted apart and never averaged in. All other figures are of the period divided by \
the proven optimum: 1 is the best there is.";

const AFTER_LONG_HELP: &str = "\
Files in the output directory:
  runs.csv    one row for each run: a model, a cluster, an algorithm
  summary.md  the tables that are printed, in Markdown
  ratios.svg  period / optimum by number of nodes
  times.svg   solve time by number of nodes

The same seed gives the same clusters and periods; times depend on the machine. Runs go one after another on one \
thread each, so that times can be compared. Ctrl-C ends the experiment and writes what is done by then.

Examples:
  cutpoint bench --quick
      A look within a minute.
  cutpoint bench --output full
      The whole experiment, some minutes.
  cutpoint bench --models ResNet50,DenseNet121 --nodes 20,50 --memory-mib 16,24 --clusters 50
      Other models with less memory: more stages, harder cases.";

/// Repeats the paper's experiment and compares every algorithm with the proven optimum.
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT, after_long_help = AFTER_LONG_HELP)]
pub(crate) struct BenchArguments {
    /// A look within a minute: 20 clusters instead of 200.
    #[arg(long, conflicts_with = "clusters")]
    quick: bool,
    /// Clusters for each model, number of nodes and memory [default: 200].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    clusters: Option<u32>,
    /// Seed of the clusters and of the algorithms.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(..1 << 52))]
    pub seed: u64,
    /// Models, by the names of the examples.
    #[arg(long, value_name = "NAME", value_delimiter = ',',
          default_values = ["MobileNetV2", "EfficientNetB1", "ResNet50", "InceptionResNetV2"])]
    pub models: Vec<String>,
    /// Numbers of nodes.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values = ["5", "10", "15", "20", "50"],
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub nodes: Vec<u32>,
    /// Memory of each node, MiB.
    #[arg(long, value_name = "MIB", value_delimiter = ',', default_values = ["32", "64", "128", "256", "512"],
          value_parser = clap::value_parser!(u32).range(1..))]
    pub memory_mib: Vec<u32>,
    /// Time limit of each run, seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0, value_parser = read_time_limit)]
    pub time_limit_s: f64,
    /// Directory for the results; made where it is not there.
    #[arg(long, value_name = "DIR", default_value = "bench-results")]
    pub output: PathBuf,
}

impl BenchArguments {
    /// How many clusters for each cell.
    pub fn clusters(&self) -> u32 {
        self.clusters.unwrap_or(if self.quick { 20 } else { 200 })
    }
}

fn read_time_limit(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if seconds > 0.0 && seconds <= 86_400.0 { Ok(seconds) } else { Err("above 0 and at most 86400 (a day)".to_owned()) }
}
