//! The fields of the form, with what each means and what happens without it.

use maud::{Markup, html};

use crate::http::page::parts::name;

/// A field: its place in the request, and how it is entered.
pub(super) struct Field {
    /// Its members in the request, with dots between.
    pub(super) name: &'static str,
    pub(super) group: &'static str,
    pub(super) label: &'static str,
    help: &'static str,
    pub(super) kind: Kind,
}

/// How a field is entered.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// One of several names, each with its meaning. The first is the default.
    Choice(&'static [(&'static str, &'static str)]),
    Number,
    Text,
    /// Names with commas between.
    List,
    /// Pairs `name=value` with commas between.
    Pairs,
    /// A pin `layer -> node` on each line.
    Pins,
    /// Layers with commas between on each line.
    Groups,
}

impl Field {
    /// Returns the id of the field in the page.
    pub(super) fn id(&self) -> String {
        self.name.replace('.', "-")
    }

    /// Returns the JSON pointer of the field.
    pub(super) fn pointer(&self) -> String {
        format!("/{}", self.name.replace('.', "/"))
    }
}

const fn of(name: &'static str, group: &'static str, label: &'static str, help: &'static str, kind: Kind) -> Field {
    Field { name, group, label, help, kind }
}

/// The group of constraints that few requests have.
pub(super) const MORE: &str = "Pins, groups and what runs already";

/// Every field of the form.
pub(super) const FIELDS: [Field; 32] = [
    of(
        "objective.kind",
        "Objective",
        "What to optimise",
        "By default the most inferences a second of one pipeline.",
        Kind::Choice(&[
            ("max_throughput", "most inferences a second"),
            ("min_latency", "least latency of one inference"),
            ("min_nodes", "fewest nodes within a target period"),
            ("tradeoff", "trade-off of period and latency"),
        ]),
    ),
    of(
        "objective.target_period_s",
        "Objective",
        "Target period, seconds",
        "Only with the fewest nodes: the largest period that is enough.",
        Kind::Number,
    ),
    of(
        "pipelines.most",
        "Objective",
        "Pipelines at most",
        "Without it there is one. Several run beside each other on nodes of their own.",
        Kind::Number,
    ),
    of(
        "constraints.source_node",
        "Constraints",
        "Source node",
        "Where inputs come from. Without it they are where the first stage is.",
        Kind::Text,
    ),
    of(
        "constraints.sink_node",
        "Constraints",
        "Sink node",
        "Where outputs are wanted. Without it they stay where the last stage is.",
        Kind::Text,
    ),
    of("constraints.exclude_nodes", "Constraints", "Nodes without a stage", "Ids with commas between.", Kind::List),
    of(
        "constraints.node_selector",
        "Constraints",
        "Labels of nodes",
        "As name=value, with commas between. Only nodes with all of them host stages.",
        Kind::Pairs,
    ),
    of("constraints.max_stages", "Constraints", "Stages at most", "Without it as many as help.", Kind::Number),
    of("constraints.max_nodes", "Constraints", "Nodes at most", "Without it as many as help.", Kind::Number),
    of(
        "constraints.max_latency_s",
        "Constraints",
        "Latency at most, seconds",
        "Without it any latency is allowed.",
        Kind::Number,
    ),
    of(
        "constraints.max_period_s",
        "Constraints",
        "Period at most, seconds",
        "Only with the least latency.",
        Kind::Number,
    ),
    of(
        "constraints.pins",
        MORE,
        "Pins",
        "One on each line, as layer -> node. A pinned layer runs on its node.",
        Kind::Pins,
    ),
    of(
        "constraints.colocate",
        MORE,
        "Layers that stay together",
        "A group on each line, layers with commas between. Its layers are in one stage.",
        Kind::Groups,
    ),
    of(
        "occupied_by",
        MORE,
        "Beside these placements",
        "Ids of placements of other models on this cluster, with commas between. Their memory is taken, and they slow down what they share.",
        Kind::List,
    ),
    of(
        "base_placement_id",
        MORE,
        "Replan from this placement",
        "The id of the placement that runs. As few bytes as possible are shipped from there.",
        Kind::Text,
    ),
    of(
        "max_period_ratio",
        MORE,
        "Period, times the least",
        "Only with a placement to replan from: how much slower it may get in order to ship less. 1 by default.",
        Kind::Number,
    ),
    of("labels", MORE, "Labels", "As name=value, with commas between. Lists are filtered by them.", Kind::Pairs),
    of(
        "cost_model.memory",
        "Cost model",
        "Memory of a stage",
        "What a stage needs on its node.",
        Kind::Choice(&[
            ("", "default of the service"),
            ("params_and_activations", "parameters and activations"),
            ("params", "parameters only"),
        ]),
    ),
    of(
        "cost_model.cuts",
        "Cost model",
        "Where to cut",
        "All cuts are considered by default.",
        Kind::Choice(&[
            ("", "default of the service"),
            ("any", "every cut"),
            ("in_order", "in the order of the profile"),
            ("single_tensor", "where one tensor crosses"),
        ]),
    ),
    of(
        "cost_model.overlap",
        "Cost model",
        "Send, receive and compute",
        "Whether a node does all three at once.",
        Kind::Choice(&[("", "default of the service"), ("full", "at once"), ("none", "one at a time")]),
    ),
    of(
        "cost_model.compute",
        "Cost model",
        "Compute",
        "Whether compute counts.",
        Kind::Choice(&[("", "default of the service"), ("profile", "as profile and nodes say"), ("ignore", "as zero")]),
    ),
    of(
        "cost_model.unknown_compute",
        "Cost model",
        "Nodes of unknown speed",
        "By default they are a fault of the request.",
        Kind::Choice(&[
            ("", "default of the service"),
            ("refuse", "refuse"),
            ("free", "count as zero, with a warning"),
        ]),
    ),
    of(
        "cost_model.transfer_scale",
        "Cost model",
        "Bytes on the wire per byte",
        "1 by default; less for compression.",
        Kind::Number,
    ),
    of(
        "cost_model.transfers",
        "Cost model",
        "Latency of a link",
        "Whether a transfer occupies its link while it waits for the latency.",
        Kind::Choice(&[
            ("", "default of the service"),
            ("streamed", "delays a transfer alone"),
            ("acknowledged", "occupies the link"),
        ]),
    ),
    of(
        "cost_model.memory_scale",
        "Cost model",
        "Memory, times what is computed",
        "1 by default; more for a runtime that needs more.",
        Kind::Number,
    ),
    of(
        "cost_model.io_buffers",
        "Cost model",
        "Buffers of tensors at cuts",
        "1 by default where a node sends, receives and computes at once, else 0: copies of each tensor at a cut.",
        Kind::Number,
    ),
    of(
        "cost_model.memory_overhead_bytes",
        "Cost model",
        "Bytes of each process",
        "0 by default: what the runtime takes besides its stage.",
        Kind::Number,
    ),
    of(
        "solver.algorithm",
        "Search",
        "Algorithm",
        "By default the search that proves what it finds. The others are published ones, to compare with.",
        Kind::Choice(&[
            ("", "default of the service"),
            ("auto", "auto"),
            ("exact", "exact"),
            ("kpath", "k-path"),
            ("greedy", "greedy"),
            ("random", "random"),
        ]),
    ),
    of("solver.seed", "Search", "Seed", "0 by default: the seed of everything random.", Kind::Number),
    of(
        "solver.time_limit_s",
        "Search",
        "Time limit, seconds",
        "10 by default. Then the best so far is the answer.",
        Kind::Number,
    ),
    of(
        "solver.gap",
        "Search",
        "Gap that is enough",
        "0 by default: search until it is proven. 0.05 stops within 5 %.",
        Kind::Number,
    ),
    of(
        "solver.tolerance",
        "Search",
        "Tolerance of the period",
        "0.01 by default: so much may the period exceed the least one for a smaller latency.",
        Kind::Number,
    ),
];

/// Writes a field with its help and its faults.
pub(super) fn field(field: &Field, value: &str, faults: &[&str]) -> Markup {
    let id = field.id();
    let invalid = (!faults.is_empty()).then_some("true");
    let described = format!("{id}-help");
    html! {
        div.field {
            label for=(id) { (field.label) }
            @match field.kind {
                Kind::Choice(choices) => {
                    select id=(id) name=(field.name) aria-describedby=(described) aria-invalid=[invalid] {
                        @for (choice, meaning) in choices { option value=(choice) selected[*choice == value] { (meaning) } }
                    }
                }
                Kind::Number => { input id=(id) name=(field.name) value=(value) inputmode="decimal" aria-describedby=(described) aria-invalid=[invalid]; }
                Kind::Pins | Kind::Groups => {
                    textarea id=(id) name=(field.name) rows="3" spellcheck="false" aria-describedby=(described) aria-invalid=[invalid] { (value) }
                }
                Kind::Text | Kind::List | Kind::Pairs => {
                    input id=(id) name=(field.name) value=(value) spellcheck="false" aria-describedby=(described) aria-invalid=[invalid];
                }
            }
            p.help id=(described) { (field.help) }
            @for fault in faults { p.fault { (name(fault)) } }
        }
    }
}
