//! Files that claim too much, nest too deeply, or are damaged: an error, never a panic.

use cutpoint_onnx::{Error, Options, profile, read_model};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::encode::*;
use crate::random::graph_of;
use crate::refuse;

/// Returns whether a model is profiled. A profile has layers, and what is refused is not blamed on the source.
fn is_profiled(bytes: &[u8]) -> bool {
    match profile(bytes, &Options::default()) {
        Ok(profile) => {
            assert!(!profile.document.layers.is_empty());
            true
        }
        Err(error) => {
            assert!(!matches!(error, Error::Read(_)), "{error}");
            false
        }
    }
}

#[test]
fn a_gibibyte_claimed_in_a_kibibyte_is_refused() {
    let mut claim = vec![7 << 3 | 2];
    varint(1 << 30, &mut claim);
    for number in [1, 2, 5, 11, 13] {
        let mut bytes = claim.clone();
        varint(number << 3 | 2, &mut bytes);
        varint((1 << 30) - 100, &mut bytes);
        bytes.resize(1024, 0x0a);
        assert!(matches!(refuse(&bytes), Error::Malformed { .. } | Error::NotOnnx { .. } | Error::Limit { .. }));
    }
    let mut endless = vec![7 << 3 | 2];
    varint(u64::MAX, &mut endless);
    assert!(matches!(refuse(&endless), Error::NotOnnx { .. }));
}

#[test]
fn other_files_are_no_onnx_models() {
    for bytes in [&b""[..], b"PK\x03\x04", b"{\"layers\": []}", b"\x89PNG\r\n", &[0; 64], &[0xff; 64]] {
        assert!(matches!(refuse(bytes), Error::NotOnnx { .. }), "{bytes:?}");
    }
}

#[test]
fn a_million_nodes_are_refused_by_their_number() {
    let nodes = vec![node("Relu", &["x"], &["y"]); 1_000_000];
    let error = refuse(&model(&graph(&nodes, &[], &[], &[]))).to_string();
    assert!(error.contains("more than 1000000 nodes, attributes, tensors and names"), "{error}");
}

#[test]
fn graphs_nested_without_end_are_refused() {
    let mut inner = small();
    for _ in 0..2000 {
        inner = graph(
            &[node("If", &["c"], &["y"]).message(5, &attribute("then_branch").message(6, &inner))],
            &[],
            &[],
            &["y"],
        );
    }
    let error = refuse(&model(&inner)).to_string();
    assert!(error.contains("levels of graphs"), "{error}");
    let mut sequence = Message::default();
    for _ in 0..2000 {
        sequence = Message::default().message(9, &Message::default().message(1, &sequence));
    }
    let typed = Message::default().text(1, "x").message(2, &sequence);
    let error = refuse(&model(&graph(&[], &[], &[typed], &[]))).to_string();
    assert!(error.contains("levels of graphs and types"), "{error}");
}

#[test]
fn functions_that_multiply_are_refused_by_the_number_of_tensors() {
    let opset = Message::default().text(1, "").int(2, 21);
    let function = |level: u32| {
        let inner = format!("f{}", level + 1);
        let call = |from: &str, to: &str| match level {
            20 => node("Relu", &[from], &[to]),
            _ => node(&inner, &[from], &[to]).text(7, "local"),
        };
        let body = Message::default().text(1, &format!("f{level}")).text(4, "a").text(5, "c").text(10, "local");
        body.message(7, &call("a", "b")).message(7, &call("b", "c")).message(9, &opset)
    };
    let functions: Vec<Message> = (0..=20).map(function).collect();
    let graph = graph(&[node("f0", &["x"], &["y"]).text(7, "local")], &[], &[value("x", FLOAT, &["1"])], &["y"]);
    let error = refuse(&model_with(&graph, &functions)).to_string();
    assert!(error.contains("more than 400000 tensors"), "{error}");
}

#[test]
fn shapes_that_grow_without_end_are_refused() {
    let nodes: Vec<Message> = (0..64)
        .map(|place| {
            node("Concat", &[&format!("t{place}"), &format!("t{place}")], &[&format!("t{}", place + 1)])
                .message(5, &attribute("axis").int(3, 0).int(20, 2))
        })
        .collect();
    let error = refuse(&model(&graph(&nodes, &[], &[value("t0", FLOAT, &["4"])], &["t64"]))).to_string();
    assert!(error.contains("too large"), "{error}");
}

#[test]
fn values_of_extreme_numbers_do_not_overflow() {
    let extremes = [i64::MIN, i64::MIN + 1, -1, 0, 1, 1, 2, 3, 1 << 40, i64::MAX];
    let operators = [
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Mod",
        "Pow",
        "Min",
        "Max",
        "Range",
        "Slice",
        "Gather",
        "Reshape",
        "Expand",
        "Tile",
        "ConstantOfShape",
        "Concat",
        "Pad",
        "OneHot",
        "Split",
        "TopK",
        "Unsqueeze",
        "Squeeze",
        "ReduceSum",
        "ReduceProd",
        "Resize",
        "Where",
        "Neg",
        "Abs",
        "Cast",
        "DFT",
        "STFT",
        "HannWindow",
        "MelWeightMatrix",
        "CenterCropPad",
        "Col2Im",
        "AffineGrid",
        "MaxUnpool",
        "NonMaxSuppression",
        "GatherND",
        "Trilu",
        "Attention",
        "Conv",
        "MaxPool",
        "ConvTranspose",
        "Einsum",
        "LSTM",
        "Compress",
        "Unique",
        "DepthToSpace",
        "Flatten",
        "Transpose",
        "BlackmanWindow",
    ];
    let mut random = Pcg64Mcg::seed_from_u64(7);
    let mut profiled = 0;
    for _ in 0..6000 {
        let operator = operators[random.random_range(0..operators.len())];
        let tensors: Vec<Message> = (0..5)
            .map(|place| {
                let count = random.random_range(0..4);
                let values: Vec<i64> = (0..count).map(|_| extremes[random.random_range(0..extremes.len())]).collect();
                integers(&format!("v{place}"), &values)
            })
            .collect();
        let mut names: Vec<String> =
            (0..random.random_range(1..6)).map(|_| format!("v{}", random.random_range(0..5))).collect();
        if random.random_range(0..2) == 0 {
            names[0] = "x".to_owned();
        }
        let mut nodes = vec![node(operator, &names.iter().map(String::as_str).collect::<Vec<_>>(), &["y", "z"])];
        for name in [
            "axis",
            "axes",
            "perm",
            "kernel_shape",
            "pads",
            "strides",
            "dilations",
            "group",
            "blocksize",
            "to",
            "k",
            "start",
            "hidden_size",
            "q_num_heads",
            "batch_dims",
            "onesided",
        ] {
            let number = extremes[random.random_range(0..extremes.len())];
            match random.random_range(0..6) {
                0 => nodes[0] = nodes[0].clone().message(5, &attribute(name).int(3, number).int(20, 2)),
                1 => nodes[0] = nodes[0].clone().message(5, &attribute(name).int(8, number).int(8, 1).int(20, 7)),
                _ => {}
            }
        }
        let inputs = [value(
            "x",
            INT64,
            &[["1", "9223372036854775807", "3", "0"][random.random_range(0..4)], "3", "4", "5"]
                [..random.random_range(0..5)],
        )];
        let bytes = model(&graph(&nodes, &tensors, &inputs, &["y"]));
        // Whether it fits is not the question here.
        profiled += usize::from(is_profiled(&bytes));
    }
    assert!(profiled > 1000, "{profiled}");
}

#[test]
fn windows_of_extreme_sizes_do_not_overflow() {
    let operators = [
        "Conv",
        "ConvTranspose",
        "MaxPool",
        "AveragePool",
        "LpPool",
        "MaxUnpool",
        "Attention",
        "LSTM",
        "GRU",
        "MatMul",
        "Gemm",
        "Einsum",
        "GlobalAveragePool",
        "DepthToSpace",
        "SpaceToDepth",
        "GridSample",
        "LRN",
        "RoiAlign",
        "Flatten",
        "LayerNormalization",
        "BatchNormalization",
        "ConvInteger",
        "QLinearConv",
        "DFT",
        "Upsample",
    ];
    let sizes = ["0", "1", "1", "2", "3", "8", "1099511627776", "9223372036854775807"];
    let numbers = [i64::MIN, -3, -1, 0, 1, 1, 2, 3, i64::MAX];
    let mut random = Pcg64Mcg::seed_from_u64(11);
    let mut profiled = 0;
    for _ in 0..20_000 {
        let operator = operators[random.random_range(0..operators.len())];
        let rank = random.random_range(2..5);
        let mut shape = || -> Vec<&str> { (0..rank).map(|_| sizes[random.random_range(0..sizes.len())]).collect() };
        let inputs = ["a", "b", "c"].map(|name| value(name, FLOAT, &shape()));
        let mut call = node(operator, &["a", "b", "c"][..random.random_range(1..4)], &["y"]);
        for (name, length) in [
            ("kernel_shape", 2),
            ("strides", 2),
            ("dilations", 2),
            ("pads", 4),
            ("output_padding", 2),
            ("output_shape", 2),
        ] {
            if random.random_range(0..2) == 0 {
                let list = (0..length)
                    .fold(attribute(name), |list, _| list.int(8, numbers[random.random_range(0..numbers.len())]));
                call = call.message(5, &list.int(20, 7));
            }
        }
        for name in
            ["group", "ceil_mode", "hidden_size", "q_num_heads", "kv_num_heads", "blocksize", "size", "transB", "axis"]
        {
            if random.random_range(0..3) == 0 {
                let number = numbers[random.random_range(0..numbers.len())];
                call = call.message(5, &attribute(name).int(3, number).int(20, 2));
            }
        }
        for (name, texts) in [
            ("auto_pad", ["SAME_UPPER", "VALID"]),
            ("equation", ["ij,jk->ik", "...a,...b"]),
            ("mode", ["cubic", "linear"]),
        ] {
            let text = texts[random.random_range(0..2)];
            call = if random.random_range(0..3) == 0 {
                call.message(5, &attribute(name).text(4, text).int(20, 3))
            } else {
                call
            };
        }
        profiled += usize::from(is_profiled(&model(&graph(&[call], &[], &inputs, &["y"]))));
    }
    assert!(profiled > 1000, "{profiled}");
}

#[test]
fn names_and_ranks_have_limits() {
    let long = "n".repeat(1 << 15);
    let named = graph(&[node("Relu", &["x"], &[&long])], &[], &[value("x", FLOAT, &["1"])], &[&long]);
    assert!(refuse(&model(&named)).to_string().contains("more than 16384 bytes in a name"));
    let deep = graph(&[node("Relu", &["x"], &["y"])], &[], &[value("x", FLOAT, &["1"; 70])], &["y"]);
    assert!(refuse(&model(&deep)).to_string().contains("more than 64 dimensions in a tensor"));
    let blob = attribute("context").text(4, &long).int(20, 3);
    let kept = graph(&[node("Relu", &["x"], &["y"]).message(5, &blob)], &[], &[value("x", FLOAT, &["1"])], &["y"]);
    assert_eq!(crate::read(&model(&kept)).document.layers.len(), 2);
}

#[test]
fn a_hundred_thousand_outputs_and_inputs_take_no_quadratic_time() {
    let names: Vec<String> = (0..100_000).map(|place| format!("y{place}")).collect();
    let nodes: Vec<Message> = names.iter().map(|name| node("Relu", &["x"], &[name])).collect();
    let outputs: Vec<&str> = names.iter().map(String::as_str).collect();
    let wide = graph(&nodes, &[], &[value("x", FLOAT, &["1"])], &outputs);
    assert_eq!(crate::read(&model(&wide)).document.layers.len(), 100_001);
    let sum = graph(&[node("Sum", &vec!["x"; 100_000], &["y"])], &[], &[value("x", FLOAT, &["1"])], &["y"]);
    assert_eq!(crate::read(&model(&sum)).document.edges.len(), 1);
}

#[test]
fn damaged_models_are_errors_or_other_models() {
    let mut random = Pcg64Mcg::seed_from_u64(3);
    let mut refused = 0;
    for _ in 0..4000 {
        let mut bytes = model(&graph_of(&mut random, 8));
        for _ in 0..random.random_range(1..6) {
            let place = random.random_range(0..bytes.len());
            match random.random_range(0..4) {
                0 => bytes[place] ^= 1 << random.random_range(0..8),
                1 => bytes.truncate(place.max(1)),
                2 => bytes[place] = random.random(),
                _ => bytes.insert(place, random.random()),
            }
        }
        refused += usize::from(!is_profiled(&bytes));
    }
    assert!(refused > 1000, "{refused}");
}

#[test]
fn random_bytes_are_errors() {
    let mut random = Pcg64Mcg::seed_from_u64(5);
    for _ in 0..20_000 {
        let length = random.random_range(0..200);
        let mut bytes = vec![0x3a, 0xff, 0x7f];
        bytes.extend((0..length).map(|_| random.random::<u8>() & 0x7f));
        assert!(read_model(bytes.as_slice()).is_err());
    }
}
