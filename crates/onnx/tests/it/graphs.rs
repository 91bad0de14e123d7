//! Functions, branches, groups, constants, outputs, order, and what is refused.

use cutpoint_onnx::{Error, Options, Source, profile};

use crate::encode::*;
use crate::{edges, layer, read, refuse};

fn x() -> [Message; 1] {
    [value("x", FLOAT, &["4", "8"])]
}

#[test]
fn a_small_model_has_the_figures_computed_by_hand() {
    let profile = read(&model(&small()));
    let figures: Vec<_> = profile
        .document
        .layers
        .iter()
        .map(|it| (&*it.id, &*it.op, it.param_bytes, it.output_bytes, it.flops))
        .collect();
    assert_eq!(
        figures,
        [
            ("x", "Input", 0, 128, 0),
            ("w", "Initializer", 256, 256, 0),
            ("h", "MatMul", 0, 128, 512),
            ("y", "Relu", 0, 128, 32)
        ]
    );
    assert_eq!(edges(&profile), [("x", "h"), ("w", "h"), ("h", "y")]);
}

#[test]
fn nodes_may_stand_in_any_order() {
    let nodes = [node("Relu", &["h"], &["y"]), node("MatMul", &["x", "w"], &["h"])];
    let shuffled = graph(&nodes, &[floats("w", &[8, 8])], &x(), &["y"]);
    // Operators without a name are named by their places in the file.
    let without_names = |graph: &Message| {
        let mut document = read(&model(graph)).document;
        document.layers.iter_mut().for_each(|layer| layer.operator = None);
        document
    };
    assert_eq!(without_names(&shuffled), without_names(&small()));
}

#[test]
fn layers_say_which_operator_profilers_time() {
    let nodes = [node("Relu", &["x"], &["h"]).text(3, "act"), node("Neg", &["h"], &["y"])];
    let profile = read(&model(&graph(&nodes, &[], &x(), &["y"])));
    let operators: Vec<_> = profile.document.layers.iter().map(|layer| layer.operator.as_deref()).collect();
    assert_eq!(operators, [None, Some("act"), Some("Neg_1")]);
}

#[test]
fn outputs_of_one_operator_are_a_group() {
    let nodes = [node("Split", &["x", "sizes"], &["a", "b", ""]), node("Relu", &["b"], &["y"])];
    let split = Message(nodes[0].0.clone()).message(5, &attribute("axis").int(3, 1).int(20, 2));
    let graph = graph(&[split, nodes[1].clone()], &[integers("sizes", &[2, 5, 1])], &x(), &["a", "y"]);
    let profile = read(&model(&graph));
    assert_eq!(profile.document.groups.len(), 1);
    assert_eq!(profile.document.groups[0].layer_ids, ["a".into(), "b".into()]);
    assert_eq!((layer(&profile, "a").output_bytes, layer(&profile, "b").output_bytes), (32, 80));
}

#[test]
fn what_no_input_leads_to_is_constant() {
    let nodes = [
        node("ConstantOfShape", &["shape"], &["w"]),
        node("Transpose", &["w"], &["t"]),
        node("MatMul", &["x", "t"], &["y"]),
    ];
    let profile = read(&model(&graph(&nodes, &[integers("shape", &[6, 8])], &x(), &["y"])));
    let figures = |id| (layer(&profile, id).param_bytes, layer(&profile, id).output_bytes, layer(&profile, id).flops);
    assert_eq!((figures("shape"), figures("w"), figures("t")), ((16, 16, 0), (192, 192, 0), (0, 192, 0)));
    assert_eq!(figures("y"), (0, 96, 4 * 6 * 16));
    let constants: Vec<_> =
        profile.report.tensors.iter().filter(|tensor| tensor.is_constant).map(|tensor| &*tensor.layer_id).collect();
    assert_eq!(constants, ["shape", "w", "t"]);
}

#[test]
fn an_output_that_is_read_is_delivered_by_a_layer_of_its_own() {
    let nodes = [node("Relu", &["x"], &["h"]), node("Neg", &["h"], &["y"])];
    let profile = read(&model(&graph(&nodes, &[], &x(), &["h", "y"])));
    assert_eq!(layer(&profile, "h (output)").output_bytes, 128);
    assert!(edges(&profile).contains(&("h", "h (output)")));
}

#[test]
fn what_no_output_depends_on_is_left_out_and_named() {
    let nodes = [node("Relu", &["x"], &["y"]), node("Neg", &["unread"], &["dead"])];
    let inputs = [value("x", FLOAT, &["2"]), value("unread", FLOAT, &["3"])];
    let profile = read(&model(&graph(&nodes, &[floats("loose", &[9])], &inputs, &["y"])));
    assert_eq!(profile.document.layers.iter().map(|layer| &*layer.id).collect::<Vec<_>>(), ["x", "y"]);
    let warnings: Vec<_> = profile.report.warnings.iter().map(|it| (it.code, it.about.join(" "))).collect();
    let wanted = [("inputs_left_out", "unread"), ("initializers_left_out", "loose"), ("operators_left_out", "dead")];
    assert_eq!(warnings, wanted.map(|(code, about)| (code, about.to_owned())));
}

fn function(nodes: &[Message]) -> Message {
    let function = Message::default().text(1, "Twice").text(4, "a").text(5, "b").messages(7, nodes).text(10, "local");
    function
        .message(9, &Message::default().text(1, "").int(2, 21))
        .message(9, &Message::default().text(1, "local").int(2, 1))
}

#[test]
fn functions_are_inlined_with_the_attributes_of_their_call() {
    let reference = attribute("axis").text(21, "along").int(20, 2);
    let body = [node("Neg", &["a"], &["inner"]), node("Concat", &["inner", "inner"], &["b"]).message(5, &reference)];
    let call = node("Twice", &["x"], &["y"])
        .text(3, "call")
        .text(7, "local")
        .message(5, &attribute("along").int(3, 1).int(20, 2));
    let profile = read(&model_with(&graph(&[call], &[], &x(), &["y"]), &[function(&body)]));
    assert_eq!((layer(&profile, "call/inner").output_bytes, layer(&profile, "y").output_bytes), (128, 256));
    assert_eq!(profile.report.tensors.last().unwrap().shape, [4, 16]);
}

#[test]
fn a_function_that_calls_itself_is_refused() {
    let body = [node("Twice", &["a"], &["b"]).text(7, "local")];
    let call = node("Twice", &["x"], &["y"]).text(7, "local");
    let error = refuse(&model_with(&graph(&[call], &[], &x(), &["y"]), &[function(&body)]));
    assert!(error.to_string().contains("a function may call itself"), "{error}");
}

fn branching() -> Message {
    let branch = |operator, output| graph(&[node(operator, &["x"], &[output])], &[], &[], &[output]);
    let choice = node("If", &["condition"], &["y"]).text(3, "choice");
    let choice = choice.message(5, &attribute("then_branch").message(6, &branch("Neg", "a")).int(20, 5));
    let choice = choice.message(5, &attribute("else_branch").message(6, &branch("Relu", "b")).int(20, 5));
    let inputs = [value("x", FLOAT, &["4", "8"]), value("rate", INT64, &[])];
    graph(
        &[node("Greater", &["rate", "limit"], &["condition"]), choice],
        &[header("limit", INT64, &[]).bytes(9, &[9, 0, 0, 0, 0, 0, 0, 0])],
        &inputs,
        &["y"],
    )
}

#[test]
fn the_branch_is_taken_that_the_value_of_an_input_decides() {
    for (rate, operator, taken) in [(16, "Neg", "then"), (8, "Relu", "else")] {
        let options = Options { values: [("rate".to_owned(), vec![rate])].into(), ..Options::default() };
        let profile = profile(model(&branching()).as_slice(), &options).unwrap();
        assert_eq!(&*layer(&profile, "y").op, operator);
        assert_eq!((profile.report.branches[0].node.as_str(), profile.report.branches[0].taken), ("choice", taken));
    }
}

#[test]
fn a_branch_that_data_decides_is_refused_and_the_deciding_input_named() {
    let error = refuse(&model(&branching()));
    assert!(matches!(&error, Error::Unsupported { node, operator, .. } if node == "choice" && operator == "If"));
    assert!(error.to_string().contains("as in rate=1"), "{error}");
}

#[test]
fn loops_are_refused_by_name() {
    let body = attribute("body").message(6, &small()).int(20, 5);
    let nodes = [node("Loop", &["", "", "x"], &["y"]).text(3, "again").message(5, &body)];
    let error = refuse(&model(&graph(&nodes, &[], &x(), &["y"]))).to_string();
    assert!(error.starts_with(r#"the node "again" (Loop) is not supported"#), "{error}");
}

#[test]
fn cycles_and_undefined_and_repeated_tensors_are_named() {
    let cyclic = [node("Add", &["x", "b"], &["a"]), node("Relu", &["a"], &["b"]), node("Relu", &["b"], &["y"])];
    let undefined = [node("Add", &["x", "nowhere"], &["y"])];
    let repeated = [node("Relu", &["x"], &["y"]), node("Neg", &["x"], &["y"])];
    for (nodes, words) in [
        (&cyclic[..], r#"2 nodes form a cycle: "#),
        (&undefined[..], r#"the node "y" reads the tensor "nowhere", which nothing makes"#),
        (&repeated[..], r#"two tensors have the name "y""#),
    ] {
        let error = refuse(&model(&graph(nodes, &[], &x(), &["y"]))).to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn dimensions_are_set_bound_by_shapes_or_the_batch() {
    let inputs = [value("x", FLOAT, &["batch", "width"]), value("z", FLOAT, &["batch", "width"])];
    let bytes = model(&graph(&[node("Add", &["x", "z"], &["y"])], &[], &inputs, &["y"]));
    let error = refuse(&bytes).to_string();
    assert!(error.contains(r#"the input "x" is 1 x width: set width=N, or give the whole shape as x=1xN"#), "{error}");
    let options = Options { dimensions: [("width".to_owned(), 7)].into(), ..Options::default() };
    let named = profile(bytes.as_slice(), &options).unwrap();
    assert_eq!((layer(&named, "y").output_bytes, named.document.batch_size), (28, 1));
    assert_eq!(named.report.batch_size_source, Source::Default);
    let options = Options { shapes: [("x".to_owned(), vec![3, 5])].into(), ..Options::default() };
    let bound = profile(bytes.as_slice(), &options).unwrap();
    assert_eq!((layer(&bound, "z").output_bytes, bound.document.batch_size), (60, 3));
    let options = Options { dimensions: [("widht".to_owned(), 7)].into(), ..Options::default() };
    let error = profile(bytes.as_slice(), &options).unwrap_err().to_string();
    assert!(error.contains("Name one of batch, width"), "{error}");
}

#[test]
fn what_cannot_be_sized_says_who_makes_it_and_what_to_set() {
    let nodes = [node("Mystery", &["x"], &["h"]).text(3, "odd").text(7, "elsewhere"), node("Relu", &["h"], &["y"])];
    let bytes = model(&graph(&nodes, &[], &x(), &["y"]));
    let error = refuse(&bytes);
    assert!(
        matches!(&error, Error::Unsized { tensor, operator, node, .. } if tensor == "h" && operator == "elsewhere.Mystery" && node == "odd")
    );
    assert!(error.to_string().contains("Give its shape as h="), "{error}");
}

#[test]
fn guesses_are_the_largest_sizes_and_are_replaced_by_what_is_set() {
    let nodes = [node("NonZero", &["x"], &["places"]), node("Neg", &["places"], &["y"])];
    let bytes = model(&graph(&nodes, &[], &x(), &["y"]));
    let guessed = read(&bytes);
    assert_eq!(layer(&guessed, "y").output_bytes, 2 * 32 * 8);
    assert!(guessed.report.tensors[1..].iter().all(|tensor| tensor.source == Source::Guessed));
    let options = Options { shapes: [("places".to_owned(), vec![2, 3])].into(), ..Options::default() };
    let set = profile(bytes.as_slice(), &options).unwrap();
    assert_eq!((layer(&set, "y").output_bytes, set.report.tensors[1].source), (48, Source::Set));
}
