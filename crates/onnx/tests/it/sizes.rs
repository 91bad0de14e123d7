//! The bytes of every type of element, and weights that contradict themselves.

use crate::encode::*;
use crate::{layer, read, refuse};

#[test]
fn elements_of_2_to_128_bits_are_packed() {
    let types = [
        (1, 20),
        (2, 5),
        (3, 5),
        (4, 10),
        (5, 10),
        (6, 20),
        (7, 40),
        (9, 5),
        (10, 10),
        (11, 40),
        (12, 20),
        (13, 40),
        (14, 40),
        (15, 80),
        (16, 10),
        (17, 5),
        (18, 5),
        (19, 5),
        (20, 5),
        (21, 3),
        (22, 3),
        (23, 3),
        (24, 5),
        (25, 2),
        (26, 2),
        (27, 4),
        (28, 4),
    ];
    for (element, bytes) in types {
        let weights = header("w", element, &[5]).bytes(9, &vec![0; bytes as usize]);
        let inputs = [value("x", element, &["5"])];
        let profile = read(&model(&graph(&[node("Add", &["x", "w"], &["y"])], &[weights], &inputs, &["y"])));
        let sizes = ["x", "w", "y"].map(|id| layer(&profile, id).output_bytes);
        assert_eq!((sizes, layer(&profile, "w").param_bytes), ([bytes; 3], bytes), "type {element}");
    }
}

#[test]
fn data_of_another_length_than_the_dimensions_say_is_refused() {
    let weights = header("w", FLOAT, &[1 << 20]).bytes(9, &[0; 16]);
    let graph = graph(&[node("Add", &["x", "w"], &["y"])], &[weights], &[value("x", FLOAT, &["1"])], &["y"]);
    let error = refuse(&model(&graph)).to_string();
    assert!(error.contains(r#"the tensor "w" is invalid: it has 16 bytes of data"#), "{error}");
}

#[test]
fn negative_and_overflowing_dimensions_are_refused() {
    for shape in [&[-1][..], &[1 << 40, 1 << 40], &[i64::MAX]] {
        let graph = graph(
            &[node("Add", &["x", "w"], &["y"])],
            &[header("w", FLOAT, shape)],
            &[value("x", FLOAT, &["1"])],
            &["y"],
        );
        let error = refuse(&model(&graph)).to_string();
        assert!(error.contains(r#"the tensor "w" is invalid"#), "{error}");
    }
}

#[test]
fn typed_data_of_shapes_is_read_as_raw_data_is() {
    let mut packed = Vec::new();
    [2_u64, u64::MAX].into_iter().for_each(|number| varint(number, &mut packed));
    for shape in [
        header("s", INT64, &[2]).bytes(7, &packed),
        header("s", INT64, &[2]).int(7, 2).int(7, -1),
        integers("s", &[2, -1]),
    ] {
        let nodes = [node("Reshape", &["x", "s"], &["y"])];
        let profile = read(&model(&graph(&nodes, &[shape], &[value("x", FLOAT, &["4", "8"])], &["y"])));
        assert_eq!(profile.report.tensors[2].shape, [2, 16]);
    }
}
