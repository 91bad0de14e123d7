//! Flags of `cutpoint plan`, and how they change a request.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use cutpoint_planner::domain::options::{Colocation, Pin};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::cli::{count, finite};

const AFTER_LONG_HELP: &str = "\
A request file holds a request document, or an object whose member `request` is one (its other members are ignored). \
`-` stands for standard input. Flags override the file.

Exit codes:
  0  every request has a placement
  1  a failure that the caller did not cause
  2  some input cannot be used
  3  some request is proven to have no placement
  4  some request has neither a placement nor a proof within its time limit
With several results, 1 takes precedence over 2, 2 over 3, 3 over 4.

Examples:
  cutpoint plan --model examples/models/ResNet50.json --cluster examples/clusters/radio-5.json
  cutpoint plan --model examples/models/YOLOv5s-like.json \\
      --cluster examples/clusters/mixed-site.json \\
      --source camera --sink gateway --exclude pi4-1 --time-limit-s 2
  cutpoint plan --model examples/models/YOLOv5s-like.json \\
      --cluster examples/clusters/mixed-site.json \\
      --pin b1.0.c:1=camera --pin-select h.0:197@trusted=yes --colocate h.0:197,h.1:198,h.2:199
  cutpoint plan --model examples/models/InceptionResNetV2.json \\
      --cluster examples/clusters/radio-20.json \\
      --memory params --compute ignore --cuts single_tensor --algorithm kpath
  cutpoint plan --model examples/models/MobileNetV2.json \\
      --cluster examples/clusters/radio-20.json --pipelines
  cutpoint plan --request examples/requests/*.json --output jsonl";

const USAGE: &str = "\
cutpoint plan [OPTIONS] --model <FILE> --cluster <FILE>
       cutpoint plan [OPTIONS] --request <FILE>...";

/// Plans one model on one cluster, or any number of request files, without a running service.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_LONG_HELP, override_usage = USAGE)]
#[command(group = ArgGroup::new("input").args(["request", "model"]).required(true))]
pub(crate) struct PlanArguments {
    /// JSON file with the model profile.
    #[arg(long, value_name = "FILE", requires = "cluster")]
    pub model: Option<PathBuf>,
    /// JSON file with the cluster inventory.
    #[arg(long, value_name = "FILE", requires = "model")]
    pub cluster: Option<PathBuf>,
    /// Request files, each of which contains its model and cluster.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["model", "cluster"])]
    pub request: Vec<PathBuf>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Output::Table)]
    pub output: Output,
    /// Also explain the answer within this many seconds (at most 10) [default: 2]: what binds, the slack, and the gain
    /// of upgrades; for an infeasible request, what would repair it.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "2",
        value_parser = explanation_limit, allow_negative_numbers = true)]
    pub explain: Option<f64>,
    /// Also draw the placement of one request into this SVG file; - prints the drawing in place of the answer.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Requests planned at once; the output keeps the order of the files.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..), allow_negative_numbers = true)]
    pub jobs: u16,
    /// Threads that one plan may use; a hard search uses two [default: the number of cores, shared among --jobs].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..), allow_negative_numbers = true)]
    pub threads: Option<u16>,
    /// The parts of the request that are given as flags.
    #[command(flatten)]
    pub options: OptionFlags,
}

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// A table of stages and a drawing of the pipeline, or of several, for people.
    Table,
    /// The placement document of one request, indented; with --explain {"placement", "explanation"}.
    Json,
    /// One line for each request: {"file", "placement"}, with --explain also "explanation"; {"file", "error"} for
    /// bad input.
    Jsonl,
}

/// Objective, constraints, cost model and solver options as flags. An absent flag leaves the request unchanged.
#[derive(Debug, Default, Args)]
pub(crate) struct OptionFlags {
    #[command(flatten)]
    objective: ObjectiveFlags,
    #[command(flatten)]
    constraints: ConstraintFlags,
    #[command(flatten)]
    cost_model: CostModelFlags,
    #[command(flatten)]
    solver: SolverFlags,
    /// Existing placements.
    #[command(flatten)]
    pub(super) placements: PlacementFlags,
}

/// Files with placement documents, as printed by --output json and by the service.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Placements that run already")]
pub(super) struct PlacementFlags {
    /// Placement to replan from, with as few bytes shipped as the period allows.
    #[arg(long, value_name = "FILE")]
    pub base: Option<PathBuf>,
    /// How many times the least period a placement may have in order to ship less [default: 1].
    #[arg(long, value_name = "FACTOR", value_parser = finite, allow_negative_numbers = true)]
    pub max_period_ratio: Option<f64>,
    /// Placements of other models that already run on the same cluster.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub occupied_by: Vec<PathBuf>,
}

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Objective")]
struct ObjectiveFlags {
    /// What to optimise: max_throughput, min_latency, tradeoff, or min_nodes with --target-period-s [default:
    /// max_throughput].
    #[arg(long, value_name = "KIND")]
    objective: Option<String>,
    /// Largest period that min_nodes allows, seconds.
    #[arg(long, value_name = "SECONDS", requires = "objective", value_parser = finite, allow_negative_numbers = true)]
    target_period_s: Option<f64>,
    /// Fills the cluster with pipelines, each on nodes of its own: as many as help, or at most COUNT; with
    /// max_throughput and min_nodes [default: one pipeline].
    #[arg(long, value_name = "COUNT", num_args = 0..=1, require_equals = true, value_parser = count,
        allow_negative_numbers = true)]
    pipelines: Option<Option<u64>>,
}

#[derive(Debug, Default, Args, Serialize)]
#[command(next_help_heading = "Constraints")]
struct ConstraintFlags {
    /// Node that the inputs come from; they are sent from it to the first stage.
    #[arg(long = "source", value_name = "NODE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    source_node: Option<String>,
    /// Node that receives the outputs; they are sent to it from the last stage.
    #[arg(long = "sink", value_name = "NODE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    sink_node: Option<String>,
    /// Node that must not host a stage; repeatable.
    #[arg(long = "exclude", value_name = "NODE")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exclude_nodes: Vec<String>,
    /// Label that a node must have to host a stage; repeatable.
    #[arg(long = "select", value_name = "LABEL=VALUE", value_parser = read_pair)]
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_map")]
    node_selector: Vec<(String, String)>,
    /// Layer that must run on a certain node; repeatable.
    #[arg(long = "pin", value_name = "LAYER=NODE", value_parser = read_pin)]
    #[serde(skip)]
    pins: Vec<Pin>,
    /// Layer that must run on a node with this label; repeatable. With several labels for one layer, its node must have
    /// all of them.
    #[arg(long = "pin-select", value_name = "LAYER@LABEL=VALUE", value_parser = read_pin_select)]
    #[serde(skip)]
    pin_selects: Vec<Pin>,
    /// Layers that must stay in one stage, separated by commas; repeatable. Escape a comma or backslash in an id with a
    /// backslash.
    #[arg(long, value_name = "LAYER,LAYER...", value_parser = read_colocation)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    colocate: Vec<Colocation>,
    /// The most stages of a pipeline.
    #[arg(long, value_name = "COUNT", value_parser = count, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_stages: Option<u64>,
    /// The most nodes of all pipelines together.
    #[arg(long, value_name = "COUNT", value_parser = count, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_nodes: Option<u64>,
    /// The largest latency of one pass, seconds.
    #[arg(long, value_name = "SECONDS", value_parser = finite, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_latency_s: Option<f64>,
    /// The largest period that min_latency allows, seconds.
    #[arg(long, value_name = "SECONDS", value_parser = finite, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    max_period_s: Option<f64>,
}

#[derive(Debug, Default, Args, Serialize)]
#[command(next_help_heading = "Cost model")]
struct CostModelFlags {
    /// What counts as memory of a stage: params, or params_and_activations [default: params_and_activations].
    #[arg(long, value_name = "MODEL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<String>,
    /// Extra copies of a stage's incoming and outgoing tensors [default: 1 with overlap full, else 0].
    #[arg(long, value_name = "COUNT", value_parser = count, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    io_buffers: Option<u64>,
    /// Which cuts to consider: any, in_order (cuts in the order of the file), or single_tensor (cuts that one tensor
    /// crosses) [default: any].
    #[arg(long, value_name = "POLICY")]
    #[serde(skip_serializing_if = "Option::is_none")]
    cuts: Option<String>,
    /// Whether a node sends, receives and computes at the same time: full or none [default: full].
    #[arg(long, value_name = "HOW")]
    #[serde(skip_serializing_if = "Option::is_none")]
    overlap: Option<String>,
    /// Whether compute time counts: profile or ignore [default: profile].
    #[arg(long, value_name = "HOW")]
    #[serde(skip_serializing_if = "Option::is_none")]
    compute: Option<String>,
    /// What becomes of a node of which it is not known how fast it computes, while it is of others: refuse or free
    /// [default: refuse].
    #[arg(long, value_name = "HOW")]
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown_compute: Option<String>,
    /// Bytes on the wire for each byte of a tensor [default: 1].
    #[arg(long, value_name = "FACTOR", value_parser = finite, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_scale: Option<f64>,
    /// Bytes that a stage takes for each byte that the profile says it needs [default: 1].
    #[arg(long, value_name = "FACTOR", value_parser = finite, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_scale: Option<f64>,
    /// Bytes that each stage takes in addition [default: 0].
    #[arg(long, value_name = "BYTES", value_parser = count, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_overhead_bytes: Option<u64>,
    /// Whether latencies only delay what arrives (streamed), or each transfer waits for an answer (acknowledged)
    /// [default: streamed].
    #[arg(long, value_name = "HOW")]
    #[serde(skip_serializing_if = "Option::is_none")]
    transfers: Option<String>,
}

#[derive(Debug, Default, Args, Serialize)]
#[command(next_help_heading = "Solver")]
struct SolverFlags {
    /// The algorithm: auto, exact, kpath, greedy or random [default: auto].
    #[arg(long, value_name = "NAME")]
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<String>,
    /// Seconds after which the search returns the best placement so far [default: 10].
    #[arg(long, value_name = "SECONDS", value_parser = finite, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    time_limit_s: Option<f64>,
    /// Relative gap at which the search stops [default: 0].
    #[arg(long, value_name = "FRACTION", value_parser = finite, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<f64>,
    /// By how much of the least period max_throughput may exceed it for the sake of a smaller latency [default: 0.01].
    #[arg(long, value_name = "FRACTION", value_parser = finite, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    tolerance: Option<f64>,
    /// Seed of the random number generators [default: 0].
    #[arg(long, value_name = "NUMBER", value_parser = count, allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

impl OptionFlags {
    /// Applies the given flags to a request document. A value that is not an object is left for the reader to report.
    pub(crate) fn lay_over(&self, request: &mut Value) {
        let Some(request) = request.as_object_mut() else { return };
        if let Some(kind) = &self.objective.objective {
            let mut objective = json!({ "kind": kind });
            if let Some(target_period_s) = self.objective.target_period_s {
                objective["target_period_s"] = json!(target_period_s);
            }
            request.insert("objective".to_owned(), objective);
        }
        if let Some(most) = self.objective.pipelines {
            let pipelines = most.map_or_else(|| json!({}), |most| json!({ "most": most }));
            request.insert("pipelines".to_owned(), pipelines);
        }
        if let Some(ratio) = self.placements.max_period_ratio {
            request.insert("max_period_ratio".to_owned(), json!(ratio));
        }
        lay_members_over(request, "constraints", self.constraints.document());
        lay_members_over(request, "cost_model", json!(self.cost_model));
        lay_members_over(request, "solver", json!(self.solver));
    }
}

impl ConstraintFlags {
    /// Returns the given flags as members of a request's constraints.
    fn document(&self) -> Value {
        let mut document = json!(self);
        let pins: Vec<&Pin> = self.pins.iter().chain(&self.pin_selects).collect();
        if !pins.is_empty() {
            document["pins"] = json!(pins);
        }
        document
    }
}

fn lay_members_over(request: &mut Map<String, Value>, name: &str, given: Value) {
    let Value::Object(given) = given else { return };
    if given.is_empty() {
        return;
    }
    if let Some(members) = request.entry(name).or_insert_with(|| json!({})).as_object_mut() {
        members.extend(given);
    }
}

fn as_map<S: Serializer>(pairs: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(key, value)| (key, value)))
}

fn explanation_limit(text: &str) -> Result<f64, String> {
    let seconds = finite(text)?;
    if seconds > 0.0 && seconds <= 10.0 { Ok(seconds) } else { Err("it must be above 0 and at most 10".to_owned()) }
}

fn read_pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("there is no = between label and value")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn read_pin(text: &str) -> Result<Pin, String> {
    // Layer ids often contain an equals sign; node ids rarely do.
    let (layer_id, node_id) = text.rsplit_once('=').ok_or("there is no = between layer and node")?;
    Ok(Pin { layer_id: layer_id.to_owned(), node_id: Some(node_id.to_owned()), ..Pin::default() })
}

fn read_pin_select(text: &str) -> Result<Pin, String> {
    // Layer ids often contain an at sign; labels rarely do.
    let (layer_id, selector) = text.rsplit_once('@').ok_or("there is no @ between layer and label")?;
    let node_selector = [read_pair(selector)?].into();
    Ok(Pin { layer_id: layer_id.to_owned(), node_selector, ..Pin::default() })
}

fn read_colocation(text: &str) -> Result<Colocation, String> {
    let (mut layer_ids, mut layer_id) = (Vec::new(), String::new());
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        match sign {
            ',' => layer_ids.push(std::mem::take(&mut layer_id)),
            '\\' => match signs.next() {
                Some(sign @ (',' | '\\')) => layer_id.push(sign),
                _ => return Err("a backslash must precede a comma or a backslash".to_owned()),
            },
            sign => layer_id.push(sign),
        }
    }
    layer_ids.push(layer_id);
    if layer_ids.len() < 2 {
        return Err("there is no comma between two layers".to_owned());
    }
    Ok(Colocation { layer_ids })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        plan: PlanArguments,
    }

    #[test]
    fn flags_win_over_the_request_and_leave_the_rest() {
        let line = "plan --request r.json --algorithm kpath --pin a=b=n1 --select site=roof --objective min_latency";
        let mut request = json!({"solver": {"seed": 3, "algorithm": "auto"}, "objective": {"kind": "min_nodes", "target_period_s": 1}});
        Line::try_parse_from(line.split(' ')).unwrap().plan.options.lay_over(&mut request);
        let wanted = json!({
            "solver": {"seed": 3, "algorithm": "kpath"},
            "objective": {"kind": "min_latency"},
            "constraints": {"pins": [{"layer_id": "a=b", "node_id": "n1"}], "node_selector": {"site": "roof"}},
        });
        assert_eq!(request, wanted);
    }

    fn constraints(arguments: &[&str]) -> Result<Value, String> {
        let line = [&["plan", "--request", "r.json"], arguments].concat();
        let line = Line::try_parse_from(line).map_err(|error| error.to_string())?;
        let mut request = json!({});
        line.plan.options.lay_over(&mut request);
        Ok(request["constraints"].take())
    }

    #[test]
    fn layers_are_pinned_to_labels_beside_pins_to_nodes() {
        let given = constraints(&["--pin-select", "a@b@site=roof=1", "--pin", "c@d=n1", "--pin-select", "a@b@kind=pi"]);
        let wanted = json!({"pins": [
            {"layer_id": "c@d", "node_id": "n1"},
            {"layer_id": "a@b", "node_selector": {"site": "roof=1"}},
            {"layer_id": "a@b", "node_selector": {"kind": "pi"}},
        ]});
        assert_eq!(given, Ok(wanted));
        assert!(constraints(&["--pin-select", "a=n1"]).unwrap_err().contains("no @ between layer and label"));
        assert!(constraints(&["--pin-select", "a@site"]).unwrap_err().contains("no = between label and value"));
    }

    #[test]
    fn layers_are_colocated_with_commas_between() {
        let given = constraints(&["--colocate", "a,b:1,c", "--colocate", r"d\,e,f\\"]);
        let wanted = json!({"colocate": [{"layer_ids": ["a", "b:1", "c"]}, {"layer_ids": ["d,e", "f\\"]}]});
        assert_eq!(given, Ok(wanted));
        assert!(constraints(&["--colocate", "a"]).unwrap_err().contains("no comma between two layers"));
        assert!(constraints(&["--colocate", r"a\b,c"]).unwrap_err().contains("a backslash must precede"));
    }

    #[test]
    fn without_input_both_ways_to_give_it_are_named() {
        let error = Line::try_parse_from(["plan"]).err().unwrap().to_string();
        assert!(error.contains("--request <FILE>") && error.contains("--model <FILE>"), "{error}");
    }

    #[test]
    fn numbers_are_finite() {
        for number in ["nan", "inf", "1e400", "ten"] {
            let error = Line::try_parse_from(["plan", "--request", "r", "--time-limit-s", number]).err().unwrap();
            assert!(error.to_string().contains("number"), "{error}");
        }
    }

    #[test]
    fn pipelines_are_as_many_as_help_unless_a_number_is_given() {
        let request = |flags: &[&str]| {
            let line = Line::try_parse_from([&["plan", "--request", "r"], flags].concat())?;
            let mut request = json!({});
            line.plan.options.lay_over(&mut request);
            Ok::<Value, clap::Error>(request)
        };
        assert_eq!(request(&[]).unwrap(), json!({}));
        assert_eq!(request(&["--pipelines"]).unwrap(), json!({"pipelines": {}}));
        let limited = request(&["--pipelines=3", "--max-nodes", "7"]).unwrap();
        assert_eq!(limited, json!({"pipelines": {"most": 3}, "constraints": {"max_nodes": 7}}));
        assert!(request(&["--pipelines=many"]).is_err() && request(&["--pipelines", "3"]).is_err());
    }

    #[test]
    fn an_explanation_has_a_limit() {
        let limit = |flag: &str| Line::try_parse_from(["plan", flag, "--request", "r"]).map(|line| line.plan.explain);
        assert_eq!(limit("--explain").unwrap(), Some(2.0));
        assert_eq!(limit("--explain=0.5").unwrap(), Some(0.5));
        assert!(limit("--explain=0").is_err() && limit("--explain=11").is_err());
        assert_eq!(Line::try_parse_from(["plan", "--request", "r"]).unwrap().plan.explain, None);
    }

    #[test]
    fn a_model_needs_its_cluster() {
        assert!(Line::try_parse_from(["plan", "--model", "m.json"]).is_err());
        assert!(Line::try_parse_from(["plan", "--request", "r.json", "--model", "m", "--cluster", "c"]).is_err());
        assert!(Line::try_parse_from(["plan", "--cluster", "c.json"]).is_err());
        assert_eq!(Line::try_parse_from(["plan", "--request", "a", "b"]).unwrap().plan.request.len(), 2);
    }
}
