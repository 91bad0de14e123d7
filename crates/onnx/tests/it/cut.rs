//! Cuts of models that are encoded here: each stage is a model of its own, and together they are the whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cutpoint_onnx::cut::{Cut, CutError, PlannedStage, Settings, cut_file};
use cutpoint_onnx::{Model, Options, Profile, profile, read_model};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::encode::*;
use crate::random::graph_of;

/// Cuts a model into these stages of one pipeline, which are in the folder then.
fn cut(bytes: &[u8], options: &Options, pipelines: &[Vec<PlannedStage>], folder: &Path) -> Result<Cut, CutError> {
    let path = folder.join("model.onnx");
    std::fs::write(&path, bytes).unwrap();
    cut_file(&path, options, pipelines, Settings::default(), &folder.join("out"), &mut |_| {})
}

/// Divides the layers of a profile among stages, so that each layer is with its predecessors or after them. Layers of a
/// group stay together.
fn divided(profile: &Profile, random: &mut Pcg64Mcg, most: usize) -> Vec<PlannedStage> {
    let layers = &profile.document.layers;
    let place: BTreeMap<&str, usize> = layers.iter().enumerate().map(|(at, layer)| (&*layer.id, at)).collect();
    let mut stage_of = vec![0; layers.len()];
    let mut before = vec![Vec::new(); layers.len()];
    for edge in &profile.document.edges {
        before[place[&*edge.to]].push(place[&*edge.from]);
    }
    for at in 0..layers.len() {
        let least = before[at].iter().map(|&from| stage_of[from]).max().unwrap_or(0);
        stage_of[at] = if random.random_bool(0.3) { random.random_range(least..most.max(least + 1)) } else { least };
    }
    for group in &profile.document.groups {
        let members: Vec<usize> = group.layer_ids.iter().map(|id| place[&**id]).collect();
        let latest = members.iter().map(|&at| stage_of[at]).max().unwrap_or(0);
        members.into_iter().for_each(|at| stage_of[at] = latest);
    }
    // A member that moved may be after its readers now.
    for at in 0..layers.len() {
        stage_of[at] = before[at].iter().map(|&from| stage_of[from]).fold(stage_of[at], usize::max);
    }
    let used: BTreeSet<usize> = stage_of.iter().copied().collect();
    let ids = |stage: &usize| {
        let of = |at: &usize| stage_of[*at] == *stage;
        (0..layers.len()).filter(of).map(|at| layers[at].id.to_string()).collect()
    };
    used.iter().map(|stage| PlannedStage { layer_ids: ids(stage), ..PlannedStage::default() }).collect()
}

/// Returns the model of a stage and its profile.
fn stage(folder: &Path, file: &str) -> (Model, Profile) {
    let bytes = std::fs::read(folder.join("out").join(file)).unwrap();
    (read_model(bytes.as_slice()).unwrap(), profile(bytes.as_slice(), &Options::default()).unwrap())
}

/// Asserts what holds of the stages of every cut.
fn hold(cut: &Cut, folder: &Path, inputs: &[&str], outputs: &[&str]) {
    for stages in &cut.pipelines {
        let mut arriving: BTreeSet<String> = inputs.iter().map(|&input| input.to_owned()).collect();
        for (at, it) in stages.iter().enumerate() {
            let names = |tensors: &[cutpoint_onnx::cut::CutTensor]| -> BTreeSet<String> {
                tensors.iter().map(|tensor| tensor.name.clone()).collect()
            };
            assert!(names(&it.inputs).is_subset(&arriving), "stage {at}: {:?} of {arriving:?}", it.inputs);
            let (model, _) = stage(folder, &it.file);
            let named = model.graph.nodes.iter().filter(|node| !node.name.is_empty());
            let node_names: Vec<&str> = named.map(|node| node.name.as_str()).collect();
            let distinct: BTreeSet<&&str> = node_names.iter().collect();
            assert_eq!(distinct.len(), node_names.len(), "{node_names:?}");
            let read: BTreeSet<String> = model.graph.inputs.iter().map(|input| input.name.clone()).collect();
            assert!(read.is_subset(&arriving), "stage {at} reads {read:?} of {arriving:?}");
            arriving = names(&it.outputs);
        }
        let delivered: BTreeSet<String> = outputs.iter().map(|&output| output.to_owned()).collect();
        assert_eq!(arriving, delivered);
    }
}

#[test]
fn the_stages_of_random_cuts_compute_what_the_whole_computes() {
    let mut random = Pcg64Mcg::seed_from_u64(11);
    for _ in 0..150 {
        let count = random.random_range(2..25);
        let bytes = model(&graph_of(&mut random, count));
        let whole = crate::read(&bytes);
        let planned = divided(&whole, &mut random, 5);
        let folder = tempfile::tempdir().unwrap();
        let done = match cut(&bytes, &Options::default(), std::slice::from_ref(&planned), folder.path()) {
            Ok(done) => done,
            // Groups that were moved may be torn from other groups.
            Err(CutError::Split { .. }) => continue,
            Err(error) => panic!("{error}"),
        };
        let last = format!("t{}", count - 1);
        hold(&done, folder.path(), &["x"], &BTreeSet::from([&*last, "t0"]).into_iter().collect::<Vec<_>>());
        let flops = |profile: &Profile| profile.document.layers.iter().map(|layer| layer.flops).sum::<u64>();
        if !whole.document.layers.iter().any(|layer| &*layer.op == "Input") {
            continue;
        }
        let stages = done.pipelines[0].iter().map(|it| stage(folder.path(), &it.file));
        // A stage that reads nothing makes constants, which cost nothing in the whole.
        let sum: u64 =
            stages.filter(|(model, _)| !model.graph.inputs.is_empty()).map(|(_, profile)| flops(&profile)).sum();
        assert_eq!(flops(&whole), sum);
    }
}

#[test]
fn damaged_models_are_errors_or_cut() {
    let mut random = Pcg64Mcg::seed_from_u64(12);
    let (mut refused, mut done) = (0, 0);
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..1500 {
        let graph = graph_of(&mut random, 8);
        let whole = crate::read(&model(&graph));
        let planned = divided(&whole, &mut random, 4);
        let mut bytes = model(&graph);
        for _ in 0..random.random_range(1..4) {
            let place = random.random_range(0..bytes.len());
            match random.random_range(0..3) {
                0 => bytes[place] ^= 1 << random.random_range(0..8),
                1 => bytes[place] = random.random(),
                _ => bytes.insert(place, random.random()),
            }
        }
        match cut(&bytes, &Options::default(), &[planned], folder.path()) {
            Ok(cut) => {
                // What was written is read again.
                cut.pipelines[0].iter().for_each(|it| {
                    let bytes = std::fs::read(folder.path().join("out").join(&it.file)).unwrap();
                    assert!(read_model(bytes.as_slice()).is_ok());
                });
                done += 1;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
        }
    }
    assert!(refused > 100 && done > 100, "{refused} refused, {done} cut");
}

#[test]
fn several_pipelines_have_files_of_their_own() {
    let bytes = model(&small());
    let layers = |stages: &[&[&str]]| -> Vec<PlannedStage> {
        let ids = |ids: &&[&str]| ids.iter().map(|&id| id.to_owned()).collect();
        stages.iter().map(|stage| PlannedStage { layer_ids: ids(stage), ..PlannedStage::default() }).collect()
    };
    let folder = tempfile::tempdir().unwrap();
    let pipelines = [layers(&[&["x", "h"], &["y"]]), layers(&[&["x", "h", "y"]])];
    let done = cut(&bytes, &Options::default(), &pipelines, folder.path()).unwrap();
    hold(&done, folder.path(), &["x"], &["y"]);
    let files: BTreeSet<&str> = done.pipelines.iter().flatten().map(|it| it.file.as_str()).collect();
    assert_eq!((done.pipelines[0].len(), done.pipelines[1].len(), files.len()), (2, 1, 3));
}

#[test]
fn sparse_initializers_go_with_the_stage_that_reads_them() {
    // 4 × 8 floats, of which two are not 0.
    let values = header("w", FLOAT, &[2]).bytes(9, &[0; 8]);
    let indices = header("w_indices", INT64, &[2]).bytes(9, &[3_i64.to_le_bytes(), 17_i64.to_le_bytes()].concat());
    let sparse = Message::default().message(1, &values).message(2, &indices).int(3, 8).int(3, 8);
    let nodes = [node("Relu", &["x"], &["h"]), node("MatMul", &["h", "w"], &["y"])];
    let bytes = model(&graph(&nodes, &[], &[value("x", FLOAT, &["4", "8"])], &["y"]).message(15, &sparse));
    let whole = crate::read(&bytes);
    let stages = ["h", "y"].map(|id| PlannedStage {
        layer_ids: whole
            .document
            .layers
            .iter()
            .map(|layer| layer.id.to_string())
            .filter(|it| it == id || (it == "x" && id == "h"))
            .collect(),
        ..PlannedStage::default()
    });
    let folder = tempfile::tempdir().unwrap();
    let done = cut(&bytes, &Options::default(), &[stages.to_vec()], folder.path()).unwrap();
    hold(&done, folder.path(), &["x"], &["y"]);
    let [first, second] = done.pipelines[0].as_slice() else { panic!("{done:?}") };
    assert!(stage(folder.path(), &first.file).0.graph.sparse_initializers.is_empty());
    let (model, _) = stage(folder.path(), &second.file);
    assert_eq!(model.graph.sparse_initializers.len(), 1);
    assert_eq!(
        (model.graph.sparse_initializers[0].values.name.as_str(), &*model.graph.sparse_initializers[0].shape),
        ("w", &[8, 8][..])
    );
}

#[test]
fn nodes_of_inlined_functions_and_branches_have_names_of_their_own() {
    let body = [node("Neg", &["a"], &["inner"]).text(3, "first"), node("Relu", &["inner"], &["b"]).text(3, "second")];
    let function = Message::default().text(1, "Twice").text(4, "a").text(5, "b").messages(7, &body).text(10, "local");
    let function = function.message(9, &Message::default().text(1, "").int(2, 21));
    let call = |from, to| node("Twice", &[from], &[to]).text(3, "first").text(7, "local");
    let nodes = [node("Abs", &["x"], &["p"]).text(3, "first"), call("p", "q"), call("q", "y")];
    let bytes = model_with(&graph(&nodes, &[], &[value("x", FLOAT, &["4", "8"])], &["y"]), &[function]);
    let whole = crate::read(&bytes);
    let all = whole.document.layers.iter().map(|layer| layer.id.to_string()).collect();
    let one = vec![PlannedStage { layer_ids: all, ..PlannedStage::default() }];
    let folder = tempfile::tempdir().unwrap();
    let done = cut(&bytes, &Options::default(), &[one], folder.path()).unwrap();
    hold(&done, folder.path(), &["x"], &["y"]);
    assert_eq!(stage(folder.path(), &done.pipelines[0][0].file).0.graph.nodes.len(), 5);
}

#[test]
fn a_model_without_inputs_is_not_cut_into_nothing() {
    let bytes = model(&graph(&[node("Relu", &["w"], &["y"])], &[floats("w", &[4, 8])], &[], &["y"]));
    let folder = tempfile::tempdir().unwrap();
    let error = match profile(bytes.as_slice(), &Options::default()) {
        Err(error) => error.to_string(),
        Ok(whole) => {
            let all = whole.document.layers.iter().map(|layer| layer.id.to_string()).collect();
            let one = vec![PlannedStage { layer_ids: all, ..PlannedStage::default() }];
            let done = cut(&bytes, &Options::default(), &[one], folder.path()).unwrap();
            hold(&done, folder.path(), &[], &["y"]);
            return;
        }
    };
    assert!(error.contains("input"), "{error}");
}
