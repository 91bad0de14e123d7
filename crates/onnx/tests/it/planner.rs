//! The planner reads the documents, and sees the same constants, inputs and outputs.

use cutpoint_onnx::{Options, Profile, profile};
use cutpoint_planner::domain::model::ModelProfile;

use crate::encode::*;
use crate::read;

/// Reads a document as the planner does. A planner that does not know groups gets none.
fn planned(profile: &Profile) -> ModelProfile {
    let mut document = serde_json::to_value(&profile.document).unwrap();
    if !ModelProfile::FIELDS.contains(&"groups") {
        document.as_object_mut().unwrap().remove("groups");
    }
    ModelProfile::from_json(&document).unwrap()
}

#[test]
fn constants_inputs_and_outputs_are_those_of_the_planner() {
    let nodes = [
        node("Shape", &["x"], &["shape"]),
        node("ConstantOfShape", &["shape"], &["zeros"]),
        node("ConstantOfShape", &["nothing"], &["scalar"]),
        node("RandomNormal", &[], &["noise"]).message(5, &attribute("shape").int(8, 4).int(8, 8).int(20, 7)),
        node("Neg", &["w"], &["negative"]),
        node("Sum", &["x", "zeros", "scalar", "noise", "negative"], &["y"]),
        node("Split", &["y"], &["a", "b"]),
    ];
    let initializers = [floats("w", &[4, 8]), integers("nothing", &[])];
    let profile = read(&model(&graph(&nodes, &initializers, &[value("x", FLOAT, &["4", "8"])], &["y", "a", "b", "w"])));
    let model = planned(&profile);
    for (tensor, layer) in profile.report.tensors.iter().zip(&profile.document.layers) {
        let index = model.layer_index(&layer.id).unwrap();
        assert_eq!(model.is_constant(index), tensor.is_constant, "{}", layer.id);
        assert_eq!(model.is_input(index), &*layer.op == "Input", "{}", layer.id);
    }
    let outputs: Vec<&str> = (0..model.layers.len())
        .filter(|&it| model.readers(it).is_empty())
        .map(|it| model.layers[it].id.as_str())
        .collect();
    assert_eq!(outputs.len(), 4, "{outputs:?}");
}

#[test]
fn hostile_names_become_ids_that_the_planner_takes() {
    let long = "ä".repeat(5000);
    let nodes = [
        node("Relu", &["x\0\n"], &[long.as_str()]),
        node("Relu", &[long.as_str()], &["y (output)"]),
        node("Neg", &["y (output)"], &["y"]),
    ];
    let graph = graph(&nodes, &[], &[value("x\0\n", FLOAT, &["4"])], &["y (output)", "y"]);
    let profile = profile(model(&graph).as_slice(), &Options::default()).unwrap();
    assert_eq!(planned(&profile).layers.len(), 5);
    assert_eq!(profile.report.tensors[1].name.as_deref(), Some(long.as_str()));
}
